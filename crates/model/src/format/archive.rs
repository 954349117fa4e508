//! Zip archives: PyTorch, TorchScript, Keras and NumPy all keep their files in one.

use super::source::Fault;
use super::suspect::{Recognised, Suspect};
use super::{keras, pytorch, zip};

pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    if !suspect.head.starts_with(b"PK\x03\x04") {
        return Ok(None);
    }
    let Some(names) = zip::names(suspect.source)? else {
        return Ok(Some(Recognised::new(
            "a zip archive that is cut off",
            "Download or copy the file again.",
        )));
    };
    let known = pytorch::in_archive(suspect, &names).or_else(|| keras::in_archive(suspect, &names));
    Ok(Some(known.unwrap_or_else(|| other(&names))))
}

fn other(names: &[String]) -> Recognised {
    let ends = |end: &str| names.iter().find(|name| name.ends_with(end));
    if let Some(name) = ends(".onnx") {
        let hint = format!("Unpack it and open `{}`.", crate::paths::shown(name));
        return Recognised::new("a zip archive that holds an ONNX model", hint);
    }
    if ends(".npy").is_some() {
        return Recognised::new(
            "a NumPy archive: arrays, not a model",
            "Open the model that was exported to ONNX.",
        );
    }
    if ends("MAR-INF/MANIFEST.json").is_some() {
        return Recognised::new(
            "a TorchServe archive",
            "Unpack it, and open the model in it: Boxwright shows how to export that to ONNX.",
        );
    }
    Recognised::new(
        "a zip archive",
        "Unpack it, and open the model that is in it.",
    )
}
