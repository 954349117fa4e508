//! Formats for which a mark and a sentence are enough.

use super::source::Fault;
use super::suspect::{Recognised, Suspect};

/// A mark at an offset, what it means, and the next step.
const MARKS: [(usize, &[u8], &str, &str); 13] = [
    (
        0,
        b"GGUF",
        "a GGUF model",
        "GGUF is for llama.cpp and can't be exported: export the model \
      that it was made from to ONNX.",
    ),
    (0, b"ptrt", "a TensorRT engine", ENGINE),
    (0, b"ftrt", "a TensorRT engine", ENGINE),
    (
        4,
        b"ORTM",
        "a model in ONNX Runtime's own format (.ort)",
        "Open the ONNX model that it was \
      made from.",
    ),
    (
        4,
        b"ET12",
        "an ExecuTorch program",
        "Export the PyTorch model that it was made from to ONNX \
      with torch.onnx.export(…, dynamo=True).",
    ),
    (
        0,
        b"\x93NUMPY",
        "a NumPy array, not a model",
        "Open the model that was exported to ONNX.",
    ),
    (0, b"\x1f\x8b", "a gzip archive", UNPACK),
    (0, b"\xfd7zXZ\x00", "an xz archive", UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a zstd archive", UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (257, b"ustar", "a tar archive", UNPACK),
    (
        0,
        b"\xff\xd8\xff",
        "a JPEG picture, not a model",
        "Open a model first, then drop pictures.",
    ),
    (
        0,
        b"\x89PNG",
        "a PNG picture, not a model",
        "Open a model first, then drop pictures.",
    ),
];

const ENGINE: &str = "An engine runs only on the GPU and the version that it was built for: open \
                      the ONNX model that it was built from.";
const UNPACK: &str = "Unpack it, and open the model that is in it.";

pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    if suspect.head.is_empty() {
        return Ok(Some(Recognised::new(
            "empty",
            "Download or copy the file again.",
        )));
    }
    let marked = MARKS.into_iter().find(|(at, mark, ..)| {
        suspect
            .head
            .get(*at..)
            .is_some_and(|rest| rest.starts_with(mark))
    });
    Ok(marked.map(|(_, _, what, hint)| Recognised::new(what, hint)))
}

pub(super) fn core_ml() -> Recognised {
    Recognised::new(
        "a Core ML model",
        "Core ML models can't be exported to ONNX reliably: export the model that it was made \
         from.",
    )
}
