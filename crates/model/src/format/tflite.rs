//! TensorFlow Lite (LiteRT): a FlatBuffer with the identifier `TFL3`.

use super::source::Fault;
use super::suspect::{Recognised, Suspect};

pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    Ok((suspect.head.get(4..8) == Some(b"TFL3")).then(|| {
        let hint = format!(
            "Export it to ONNX (pip install tensorflow tf2onnx), and open that:\n\n\
             import tf2onnx\n\n\
             tf2onnx.convert.from_tflite({}, opset=18, output_path={})\n",
            suspect.python, suspect.onnx
        );
        Recognised::new("a TensorFlow Lite model", hint)
    }))
}
