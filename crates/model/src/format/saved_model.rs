//! TensorFlow SavedModel: a folder with `saved_model.pb` in it.

use std::path::Path;

use super::python;
use super::source::Fault;
use super::suspect::{Recognised, Suspect};
use crate::paths::file_name;

/// The file `saved_model.pb` itself: its first field is the version 1, its second the graph's
/// own description, which no ONNX model has there.
pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    let head = &suspect.head;
    let begins = head.starts_with(b"\x08\x01\x12");
    let length = head
        .iter()
        .skip(3)
        .take(9)
        .position(|byte| byte & 0x80 == 0);
    let described = length.is_some_and(|at| head.get(3 + at + 1) == Some(&0x0a));
    if !begins || !described || file_name(suspect.path) != "saved_model.pb" {
        return Ok(None);
    }
    let folder = suspect.path.parent().unwrap_or(Path::new("."));
    Ok(Some(saved_model(folder)))
}

/// What a folder is that was given in place of a model file.
pub(super) fn folder(path: &Path) -> Recognised {
    if path.join("saved_model.pb").is_file() {
        return saved_model(path);
    }
    if path.join("Data/com.apple.CoreML").is_dir() {
        return super::other::core_ml();
    }
    Recognised::new("a folder without a model", "Choose the model file in it.")
}

fn saved_model(folder: &Path) -> Recognised {
    let folder = match folder.to_string_lossy() {
        name if name.is_empty() => ".".into(),
        name => name,
    };
    let hint = format!(
        "Export it to ONNX (pip install tensorflow tf2onnx), and open that:\n\n\
         import subprocess, sys\n\n\
         subprocess.run([sys.executable, \"-m\", \"tf2onnx.convert\", \"--opset\", \"18\",\n\
         \x20               \"--saved-model\", {}, \"--output\", \"model.onnx\"], check=True)\n",
        python::quoted(&folder)
    );
    Recognised::new("a TensorFlow SavedModel", hint)
}
