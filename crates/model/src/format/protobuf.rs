//! Protocol buffers that are no ONNX models, told by the numbers of their fields.

use super::other;
use super::source::Fault;
use super::suspect::{Recognised, Suspect};
use super::wire::{Value, Wire};

/// Fields that are looked at.
const FIELDS: usize = 256;
/// A model has these numbers from 200 on in Core ML; in ONNX they stop far below.
const CORE_ML_MODELS: u32 = 200;

pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    let Some(&first) = suspect.head.first() else {
        return Ok(None);
    };
    if first != 0x08 && first != 0x0a {
        return Ok(None);
    }
    let fields = fields(suspect)?;
    let has = |wanted: u32| fields.iter().any(|(number, _)| *number == wanted);
    if has(7) {
        return Ok(None);
    }
    if has(1)
        && fields
            .iter()
            .any(|(number, _)| (CORE_ML_MODELS..4000).contains(number))
    {
        return Ok(Some(other::core_ml()));
    }
    // A frozen graph: nodes, and the versions and functions after them.
    let graph = fields
        .iter()
        .all(|(number, bytes)| *bytes && (1..=4).contains(number));
    let node = first == 0x0a && suspect.head.get(2) == Some(&0x0a);
    Ok((graph && node).then(|| {
        let hint = format!(
            "Export it to ONNX (pip install tensorflow tf2onnx), and open that; put the names of \
             your inputs and outputs in:\n\nimport subprocess, sys\n\n\
             subprocess.run([sys.executable, \"-m\", \"tf2onnx.convert\", \"--opset\", \"18\",\n\
             \x20               \"--graphdef\", {}, \"--output\", {},\n\
             \x20               \"--inputs\", \"input:0\", \"--outputs\", \"output:0\"], check=True)\n",
            suspect.python, suspect.onnx
        );
        Recognised::new("a frozen TensorFlow graph", hint)
    }))
}

/// The numbers of the first fields, and whether they hold bytes.
fn fields(suspect: &mut Suspect) -> Result<Vec<(u32, bool)>, Fault> {
    let mut wire = Wire::new(suspect.source);
    let mut message = wire.whole();
    let mut fields = Vec::new();
    while let Some(field) = wire.field(&mut message)? {
        fields.push((field.number, matches!(field.value, Value::Bytes(_))));
        if fields.len() == FIELDS {
            break;
        }
    }
    Ok(fields)
}
