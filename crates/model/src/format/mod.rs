//! Model files, one module a format. All are read as bytes and none is ever run: ONNX is read,
//! the others are recognised and answered with the way to ONNX.

use std::fs::File;
use std::path::Path;

use crate::error::{Error, Result};
use crate::model_file::Model;
use crate::paths::{file_name, folder_of};

mod archive;
mod keras;
mod onnx;
mod other;
mod pickle;
mod protobuf;
mod python;
mod pytorch;
mod safetensors;
mod saved_model;
mod source;
mod suspect;
mod text;
mod tflite;
mod wire;
mod zip;

#[cfg(test)]
mod tests;

use onnx::Scanned;
use source::{Fault, Source};
use suspect::{HEAD, Recognised, Suspect};

/// Tells a format, or that the file is not in it.
type Recogniser = fn(&mut Suspect) -> Result<Option<Recognised>, Fault>;

/// The formats that are told by their first bytes, those with a surer mark first.
const FORMATS: [Recogniser; 11] = [
    safetensors::recognise,
    other::recognise,
    archive::recognise,
    keras::recognise,
    tflite::recognise,
    pytorch::recognise,
    pickle::recognise,
    saved_model::recognise,
    text::recognise,
    pickle::compressed,
    protobuf::recognise,
];

/// Reads the model at `path`.
pub(crate) fn read(path: &Path) -> Result<Model> {
    let io = |error| Error::io(path, "read", error);
    let metadata = std::fs::metadata(path).map_err(io)?;
    if metadata.is_dir() {
        return Err(unsupported(path, saved_model::folder(path)));
    }
    if !metadata.is_file() {
        let what = "a device, pipe or socket, not a file";
        return Err(unsupported(
            path,
            Recognised::new(what, "Choose a model file."),
        ));
    }
    let folder = folder_of(path)?;
    let mut source = Source::new(File::open(path).map_err(io)?).map_err(io)?;
    let size = source.len();
    if let Some(recognised) = recognise(path, &mut source).map_err(|fault| error(path, fault))? {
        return Err(unsupported(path, recognised));
    }
    let begins = begins_like_onnx(&mut source).map_err(|fault| error(path, fault))?;
    match onnx::scan(&mut source) {
        Ok(Scanned::Model(found)) => onnx::model(path, &folder, size, *found),
        Err(fault @ Fault::Io(_)) => Err(error(path, fault)),
        Err(fault) if begins => Err(error(path, fault)),
        Ok(Scanned::NoGraph) if begins => Err(error(
            path,
            Fault::at(size, "it ends without a graph: the file is cut off"),
        )),
        Err(Fault::Damaged { at, what }) if is_named_onnx(path) => Err(error(
            path,
            Fault::at(at, format!("it holds no ONNX model: {what}")),
        )),
        Err(_) | Ok(Scanned::NoGraph) => Err(unsupported(
            path,
            Recognised::new(
                "in no model format that Boxwright knows",
                "Boxwright takes ONNX models (.onnx). Export yours to ONNX, or download the file \
                 again if it should be one.",
            ),
        )),
    }
}

/// The file that an export of `path` is written to: never that file itself, also where capitals are
/// not told apart.
fn exported(path: &Path) -> String {
    let (own, new) = (file_name(path), file_name(&path.with_extension("onnx")));
    if !own.eq_ignore_ascii_case(&new) {
        return new;
    }
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    format!("{stem}-exported.onnx")
}

fn recognise(path: &Path, source: &mut Source<File>) -> Result<Option<Recognised>, Fault> {
    let head = source.peek(0, HEAD)?;
    let mut suspect = Suspect {
        path,
        python: python::quoted(&file_name(path)),
        onnx: python::quoted(&exported(path)),
        head,
        source,
    };
    for format in FORMATS {
        match format(&mut suspect) {
            // A file that is damaged as one format may be whole in another.
            Ok(None) | Err(Fault::Damaged { .. }) => {}
            found => return found,
        }
    }
    Ok(None)
}

/// Whether a file that can't be read is more likely a damaged ONNX model than something else: the
/// version of the format first, then the producer, a text or the graph.
fn begins_like_onnx(source: &mut Source<File>) -> Result<bool, Fault> {
    let head = source.peek(0, 3)?;
    Ok(matches!(
        head[..],
        [
            0x08,
            1..=0x40,
            0x12 | 0x1a | 0x22 | 0x28 | 0x32 | 0x3a | 0x42
        ]
    ))
}

fn is_named_onnx(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
}

fn unsupported(path: &Path, recognised: Recognised) -> Error {
    Error::Unsupported {
        path: path.to_owned(),
        what: recognised.what,
        hint: recognised.hint,
    }
}

fn error(path: &Path, fault: Fault) -> Error {
    match fault {
        Fault::Io(source) => Error::io(path, "read", source),
        Fault::Damaged { at, what } => Error::Unreadable {
            path: path.to_owned(),
            reason: format!("{what} (byte {at})"),
        },
    }
}
