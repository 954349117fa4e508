//! `.npz` files: zip archives of `.npy` files, which are called as the arrays are.

use std::io::{Cursor, Read, Write};

use zip::read::ZipFile;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::error::quoted;
use crate::{Error, Result, Tensor, TensorSpec, npy};

/// The most bytes in memory of an array that is shorter in its file.
pub(crate) const MAX_BYTES: usize = 256 << 20;
const SUFFIX: &str = ".npy";
/// Arrays that are listed where those of the inputs are missing.
const MAX_LISTED: usize = 8;

/// Reads the arrays that are called as the model's inputs; where both are alone, their names don't
/// matter.
///
/// # Errors
/// [`Error::Unreadable`] where the file can't be read, [`Error::Mismatch`] where an array is missing.
pub fn read(file: &[u8], inputs: &[TensorSpec]) -> Result<Vec<Tensor>> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|error| damaged(&error))?;
    let alone = inputs.len() == 1 && archive.len() == 1;
    let array = |input: &TensorSpec| {
        let place = match alone {
            true => Some(0),
            false => archive.index_for_name(&format!("{}{SUFFIX}", input.name)),
        };
        let place = place.ok_or_else(|| missing(&archive, input))?;
        let entry = archive.by_index(place).map_err(|error| damaged(&error))?;
        let unpacked = unpack(entry, &input.name)?;
        Ok(npy::Array::parse(&unpacked)?.to_tensor(&input.name))
    };
    inputs.iter().map(array).collect()
}

/// Reads every array with its name, in the order of the file.
///
/// # Errors
/// [`Error::Unreadable`] where the file can't be read, or is larger than 256 MiB unpacked.
pub fn read_all(file: &[u8]) -> Result<Vec<Tensor>> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|error| damaged(&error))?;
    let mut arrays = Vec::new();
    let mut bytes = 0;
    for place in 0..archive.len() {
        let entry = archive.by_index(place).map_err(|error| damaged(&error))?;
        let name = match entry.name() {
            Ok(name) => name.strip_suffix(SUFFIX).unwrap_or(&name).to_owned(),
            Err(_) => format!("array {}", place + 1),
        };
        let unpacked = unpack(entry, &name)?;
        bytes += unpacked.len();
        if bytes > MAX_BYTES {
            return Err(Error::Unreadable(format!(
                "The arrays have more than {} MiB unpacked. Save fewer of them.",
                MAX_BYTES >> 20
            )));
        }
        arrays.push(npy::Array::parse(&unpacked)?.to_tensor(&name));
    }
    Ok(arrays)
}

/// Writes a file as `numpy.savez` does; `None` for a type that NumPy has not.
pub fn write(tensors: &[Tensor]) -> Option<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for tensor in tensors {
        let array = npy::write(tensor)?;
        let name = format!("{}{SUFFIX}", tensor.name);
        archive.start_file(name, stored).ok()?;
        archive.write_all(&array).ok()?;
    }
    Some(archive.finish().ok()?.into_inner())
}

/// The bytes of a file of the archive, however many it says that they are.
fn unpack(file: ZipFile<'_, Cursor<&[u8]>>, name: &str) -> Result<Vec<u8>> {
    let mut unpacked = Vec::new();
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| damaged(&error))?;
    if unpacked.len() > MAX_BYTES {
        return Err(Error::Unreadable(format!(
            "The array `{name}` has more than {} MiB unpacked. Save it alone, with numpy.save.",
            MAX_BYTES >> 20
        )));
    }
    Ok(unpacked)
}

fn missing(archive: &ZipArchive<Cursor<&[u8]>>, input: &TensorSpec) -> Error {
    // What has no name that can be read can't be asked for either.
    let found: Vec<_> = archive.file_names().flatten().take(MAX_LISTED).collect();
    let found = match found.is_empty() {
        true => "nothing".to_owned(),
        false => quoted(
            found
                .iter()
                .map(|name| name.strip_suffix(SUFFIX).unwrap_or(name)),
        ),
    };
    Error::Mismatch(format!(
        "The .npz file has no array `{}`, which the model takes; it has {found}.",
        input.name
    ))
}

fn damaged(error: &dyn std::fmt::Display) -> Error {
    Error::Unreadable(format!("The .npz file can't be read: {error}."))
}
