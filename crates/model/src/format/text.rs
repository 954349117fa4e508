//! Files of text that are taken for models: pointers, pages, and models written as text.

use super::source::Fault;
use super::suspect::{HEAD, Recognised, Suspect};

pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    let Some(text) = text(&suspect.head) else {
        return Ok(None);
    };
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |word: &str| {
        start
            .get(..word.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(word))
    };
    let convert = |format: &str| {
        format!(
            "Convert it to the binary form, and open that:\n\nimport onnx\n\n\
             onnx.save(onnx.load({}, format=\"{format}\"), {})\n",
            suspect.python,
            super::python::quoted("model.onnx")
        )
    };
    let (what, hint) = if begins("version https://git-lfs.github.com/spec/") {
        (
            "a Git LFS pointer, not the model itself",
            "Run `git lfs pull` in its folder.".to_owned(),
        )
    } else if begins("<!doctype html") || begins("<html") {
        (
            "a web page, not a model",
            "Download the file again: what was saved is a page about \
          it."
            .to_owned(),
        )
    } else if begins("<?xml") && text.contains("<net ") || begins("<net ") {
        (
            "an OpenVINO model",
            "OpenVINO models can't be exported to ONNX: open the model that it \
          was made from."
                .to_owned(),
        )
    } else if begins("ir_version:") {
        ("an ONNX model written as text", convert("textproto"))
    } else if begins("<") && text.contains("ir_version") {
        ("an ONNX model written as text", convert("onnxtxt"))
    } else if begins("{") && (text.contains("\"irVersion\"") || text.contains("\"ir_version\"")) {
        ("an ONNX model written as JSON", convert("json"))
    } else if begins("tree\n") && text.contains("version=") {
        ("a LightGBM model", lightgbm(suspect))
    } else {
        (
            "a text file, not a model",
            "Boxwright takes ONNX models (.onnx).".to_owned(),
        )
    };
    Ok(Some(Recognised::new(what, hint)))
}

fn lightgbm(suspect: &Suspect) -> String {
    format!(
        "Export it to ONNX (pip install lightgbm onnxmltools), and open that:\n\n\
         import lightgbm\nimport onnxmltools\n\
         from onnxmltools.convert.common.data_types import FloatTensorType\n\n\
         model = lightgbm.Booster(model_file={})\n\
         inputs = [(\"input\", FloatTensorType([None, model.num_feature()]))]\n\
         onnx = onnxmltools.convert_lightgbm(model, initial_types=inputs, zipmap=False)\n\
         onnxmltools.utils.save_model(onnx, {})\n",
        suspect.python, suspect.onnx
    )
}

/// The head as text; `None` where it is none.
fn text(head: &[u8]) -> Option<&str> {
    let cut = head.len() as u64 == HEAD;
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The window may cut the last character.
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(&head[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    let plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\x0c');
    text.chars().all(plain).then_some(text)
}
