//! Tensors in files of `torch.save`, read as data: nothing of the pickle is run.
//!
//! Such a file is a ZIP archive with a pickle, `data.pkl`, that puts tensors together from storages,
//! which are the other entries. The few opcodes and callables that plain tensors need are known;
//! everything else is refused by name. Format: `torch/serialization.py`, and Python's `pickletools`.

mod machine;

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::Tensor;
use machine::{Machine, StoredTensor};

/// Most bytes of a pickle: one of tensors is a few hundred for each.
const MAX_PICKLE: u64 = 16 << 20;
/// Most bytes of all tensors together.
const MAX_TENSORS: u64 = 256 << 20;

/// Whether these are the first bytes of a file of `torch.save` (or of any other ZIP archive).
pub fn is_zip(file: &[u8]) -> bool {
    matches!(file, [b'P', b'K', 3 | 5, 4 | 6, ..])
}

/// The tensors of a file, in the order in which they stand: one that was saved alone, or in a list,
/// a tuple or a dictionary, whose keys are their names; elsewhere they have none.
///
/// # Errors
/// In words, where the file isn't such an archive, holds anything but tensors, or is damaged.
pub fn read(file: &[u8]) -> Result<Vec<Tensor>, String> {
    let damaged = |error: zip::result::ZipError| format!("The .pt file can't be read: {error}.");
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(damaged)?;
    let pickle = archive
        .file_names()
        .flatten()
        .find(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
        .map(|name| name.to_string())
        .ok_or("The ZIP archive has no data.pkl, so that it isn't a file of torch.save.")?;
    let folder = pickle.trim_end_matches("data.pkl").to_owned();
    if entry(&mut archive, &format!("{folder}byteorder"), 16).is_ok_and(|order| order != b"little")
    {
        return Err(
            "The .pt file was saved on a big-endian machine. Save it with numpy.save.".into(),
        );
    }
    let program = entry(&mut archive, &pickle, MAX_PICKLE)?;
    let tensors = Machine::new(&program).run()?;
    let mut left = MAX_TENSORS;
    let mut found = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let storage = entry(
            &mut archive,
            &format!("{folder}data/{}", tensor.storage),
            left,
        )?;
        let data = elements(&tensor, &storage, left)?;
        left = left.saturating_sub(data.len() as u64);
        found.push(Tensor {
            name,
            shape: tensor.shape,
            datatype: tensor.datatype,
            data: data.into(),
        });
    }
    match found.is_empty() {
        true => Err("The .pt file holds no tensor.".into()),
        false => Ok(found),
    }
}

fn entry(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    name: &str,
    most: u64,
) -> Result<Vec<u8>, String> {
    let unread = |error: &dyn std::fmt::Display| {
        format!("The .pt file's entry {name:?} can't be read: {error}.")
    };
    let entry = archive.by_name(name).map_err(|error| unread(&error))?;
    let mut bytes = Vec::new();
    entry
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unread(&error))?;
    if bytes.len() as u64 > most {
        return Err(unread(&format!("it is longer than {most} bytes")));
    }
    Ok(bytes)
}

/// The elements of a tensor, row by row, out of its storage.
fn elements(tensor: &StoredTensor, storage: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let size = tensor.datatype.size().unwrap_or(1);
    let outside = || "The .pt file is damaged: a tensor leaves its storage.".to_owned();
    let count = tensor
        .shape
        .iter()
        .try_fold(1usize, |all, length| all.checked_mul(*length))
        .filter(|count| *count as u64 <= most / size as u64)
        .ok_or("The .pt file's tensors are larger than 256 MiB.")?;
    let mut data = Vec::with_capacity((count * size).min(storage.len().max(1 << 20)));
    let mut place = vec![0usize; tensor.shape.len()];
    for _ in 0..count {
        let at = place
            .iter()
            .zip(&tensor.stride)
            .try_fold(tensor.offset, |at, (index, stride)| {
                at.checked_add(index.checked_mul(*stride)?)
            })
            .and_then(|at| at.checked_mul(size))
            .ok_or_else(outside)?;
        let end = at.checked_add(size).ok_or_else(outside)?;
        data.extend_from_slice(storage.get(at..end).ok_or_else(outside)?);
        for (index, length) in place.iter_mut().zip(&tensor.shape).rev() {
            *index += 1;
            if *index < *length {
                break;
            }
            *index = 0;
        }
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::DataType;

    fn archive(pickle: &[u8], storages: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        zip.start_file("archive/data.pkl", options).unwrap();
        zip.write_all(pickle).unwrap();
        for (name, bytes) in storages {
            zip.start_file(format!("archive/data/{name}"), options)
                .unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// What `torch.save(torch.arange(6.).reshape(2, 3), file)` writes.
    fn arange() -> Vec<u8> {
        let mut pickle = b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nq\x00((X\x07\x00\x00\x00storageq\x01\
            ctorch\nFloatStorage\nq\x02X\x01\x00\x00\x000q\x03X\x03\x00\x00\x00cpuq\x04K\x06tq\x05Q"
            .to_vec();
        pickle.extend(
            b"K\x00K\x02K\x03\x86q\x06K\x03K\x01\x86q\x07\x89ccollections\nOrderedDict\nq\x08)Rq\x09tq\nRq\x0b.",
        );
        pickle
    }

    fn floats() -> Vec<u8> {
        (0..6)
            .flat_map(|value| (value as f32).to_le_bytes())
            .collect()
    }

    #[test]
    fn a_tensor_is_read() {
        let tensors = read(&archive(&arange(), &[("0", &floats())])).unwrap();
        assert_eq!(tensors.len(), 1);
        assert_eq!(tensors[0].shape, [2, 3]);
        assert_eq!(tensors[0].datatype, DataType::Fp32);
        assert_eq!(tensors[0].data, floats());
    }

    #[test]
    fn a_callable_that_is_no_tensors_is_refused_by_name() {
        let pickle = b"\x80\x02cposix\nsystem\nX\x02\x00\x00\x00id\x85R.";
        let refusal = read(&archive(pickle, &[])).unwrap_err();
        assert!(refusal.contains("posix.system"), "{refusal}");
    }

    #[test]
    fn a_tensor_that_leaves_its_storage_is_refused() {
        let refusal = read(&archive(&arange(), &[("0", &floats()[..20])])).unwrap_err();
        assert!(refusal.contains("leaves its storage"), "{refusal}");
    }

    proptest! {
        #[test]
        fn any_change_is_read_or_refused(
            at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>(),
        ) {
            let mut pickle = arange();
            let place = at.index(pickle.len());
            pickle[place] = byte;
            drop(read(&archive(&pickle, &[("0", &floats())])));
            pickle.truncate(cut.index(pickle.len()));
            drop(read(&archive(&pickle, &[("0", &floats())])));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(read(&bytes));
            drop(read(&archive(&bytes, &[])));
        }
    }
}
