//! Keras: an HDF5 file, or a zip archive with the configuration and the weights.

use super::source::Fault;
use super::suspect::{Recognised, Suspect};

const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// HDF5 files: their mark may follow a block of the user's, whose size is a power of two.
pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    let marked = [0, 512, 1024, 2048].into_iter().any(|at| {
        suspect
            .head
            .get(at..)
            .is_some_and(|rest| rest.starts_with(HDF5))
    });
    Ok(marked.then(|| {
        let note = "\nIf it holds weights alone (.weights.h5), build the model in code first, and \
                    call model.load_weights.\n";
        Recognised::new("a Keras model (HDF5)", hint(suspect) + note)
    }))
}

pub(super) fn in_archive(suspect: &Suspect, names: &[String]) -> Option<Recognised> {
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    (has("config.json") && (has("model.weights.h5") || has("metadata.json")))
        .then(|| Recognised::new("a Keras model", hint(suspect)))
}

fn hint(suspect: &Suspect) -> String {
    format!(
        "Export it to ONNX (pip install keras tensorflow tf2onnx), and open that:\n\n\
         import keras\n\n\
         model = keras.models.load_model({})\n\
         model.export({}, format=\"onnx\")\n",
        suspect.python, suspect.onnx
    )
}
