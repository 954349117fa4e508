//! Safetensors: the length of a JSON header, the header, and the weights. It has no graph.

use std::path::Path;

use serde_json::Value;

use super::pytorch;
use super::source::Fault;
use super::suspect::{Recognised, Suspect};
use crate::guess::config;

/// The longest header that the format's own library takes.
const LONGEST_HEADER: u64 = 100_000_000;

pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    let Some((length, rest)) = suspect.head.split_first_chunk::<8>() else {
        return Ok(None);
    };
    let length = u64::from_le_bytes(*length);
    let fits = (2..=LONGEST_HEADER).contains(&length) && length <= suspect.source.len() - 8;
    if !fits || !rest.starts_with(b"{") {
        return Ok(None);
    }
    let last = suspect.source.peek(8 + length - 1, 1)?;
    // The header may be filled up with spaces.
    if !matches!(last[..], [b'}' | b' ']) {
        return Ok(None);
    }
    Ok(Some(Recognised::new(
        "a safetensors file: weights without a model",
        hint(suspect),
    )))
}

fn hint(suspect: &Suspect) -> String {
    let config = suspect
        .path
        .parent()
        .and_then(|folder| config::json(&folder.join("config.json")));
    let lines = match config.as_ref().and_then(architecture) {
        Some(Architecture::Timm(name)) => pytorch::timm(name, &suspect.python, &suspect.onnx),
        Some(Architecture::Transformers) => {
            // The command line of Optimum, as a function.
            let folder = suspect.path.parent().unwrap_or(Path::new("."));
            format!(
                "# pip install \"optimum[onnx]\"\n\
                 from optimum.exporters.onnx import main_export\n\n\
                 main_export({}, output={}, task=\"auto\")\n",
                super::python::quoted(&folder.to_string_lossy()),
                super::python::quoted(&folder.join("onnx").to_string_lossy())
            )
        }
        None => pytorch::weights(
            &format!("load_file({})", suspect.python),
            "from safetensors.torch import load_file\n",
            &suspect.onnx,
        ),
    };
    format!("Export the model to ONNX, and open that:\n\n{lines}")
}

enum Architecture<'a> {
    Timm(&'a str),
    Transformers,
}

/// What the configuration beside the weights says that they are for.
fn architecture(config: &Value) -> Option<Architecture<'_>> {
    if let Some(name) = config.get("architecture").and_then(Value::as_str) {
        return Some(Architecture::Timm(name));
    }
    config.get("model_type").map(|_| Architecture::Transformers)
}
