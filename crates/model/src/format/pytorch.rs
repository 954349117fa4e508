//! PyTorch: a zip archive around a pickle, TorchScript, an exported program, or the pickle of
//! before 1.6. Unpickling runs code, so nothing of it is opened here.

use super::python::{quoted, torch_export};
use super::source::Fault;
use super::suspect::{Recognised, Suspect};

/// The pickled number that `torch.save` began every file with before it wrote zip archives.
const LEGACY: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// Files of before PyTorch 1.6.
pub(super) fn recognise(suspect: &mut Suspect) -> Result<Option<Recognised>, Fault> {
    let legacy = suspect.head.starts_with(b"\x80\x02")
        && suspect
            .head
            .get(2..)
            .is_some_and(|rest| rest.starts_with(LEGACY));
    Ok(legacy.then(|| checkpoint(suspect, "a PyTorch checkpoint (legacy format)")))
}

/// PyTorch's zip archives, by the names of their entries.
pub(super) fn in_archive(suspect: &mut Suspect, names: &[String]) -> Option<Recognised> {
    // All entries lie in one folder, which is called as the file was when it was saved.
    let has = |end: &str| {
        names
            .iter()
            .any(|name| name.split_once('/').map_or(name.as_str(), |(_, rest)| rest) == end)
    };
    let inside = |folder: &str| names.iter().any(|name| name.contains(folder));
    if has("bytecode.pkl") {
        return Some(Recognised::new(
            "a PyTorch Mobile model",
            "It can't be exported any more: export the PyTorch model that it was made from:\n\n"
                .to_owned()
                + "import torch\n\nmodel = MyModel()  # your model's class, with its weights\n"
                + &torch_export(&suspect.onnx),
        ));
    }
    if inside("serialized_exported_program.json")
        || has("archive_format")
        || inside("/models/model.json")
    {
        return Some(exported_program(suspect));
    }
    if inside("/code/") && (has("constants.pkl") || has("data.pkl")) {
        return Some(torchscript(suspect));
    }
    has("data.pkl").then(|| checkpoint(suspect, "a PyTorch checkpoint"))
}

fn exported_program(suspect: &Suspect) -> Recognised {
    let hint = format!(
        "Export it to ONNX, and open that:\n\nimport torch\n\n\
         program = torch.export.load({})\n\
         torch.onnx.export(program, f={}, dynamo=True, external_data=False)\n",
        suspect.python, suspect.onnx
    );
    Recognised::new("a PyTorch exported program", hint)
}

fn torchscript(suspect: &Suspect) -> Recognised {
    let hint = format!(
        "Export it to ONNX, and open that. Loading it runs code from the file: do this only with \
         a file that you trust.\n\nimport torch\n\n\
         model = torch.jit.load({}, map_location=\"cpu\").eval()\n\
         example = torch.randn(1, 3, 224, 224)  # your input's shape\n\
         torch.onnx.export(model, (example,), {}, dynamo=False,\n\
         \x20                 input_names=[\"images\"], output_names=[\"logits\"],\n\
         \x20                 dynamic_axes={{\"images\": {{0: \"batch\"}}, \"logits\": {{0: \"batch\"}}}})\n",
        suspect.python, suspect.onnx
    );
    Recognised::new("a TorchScript model", hint)
}

fn checkpoint(suspect: &mut Suspect, what: &str) -> Recognised {
    if is_ultralytics(suspect) {
        return ultralytics(suspect);
    }
    let (file, onnx) = (&suspect.python, &suspect.onnx);
    let hint = format!(
        "It holds weights, and the model's code is yours: export it to ONNX, and open that.\n\n\
         import torch\n\n\
         model = MyModel()  # your model's class\n\
         checkpoint = torch.load({file}, map_location=\"cpu\", weights_only=True)\n\
         model.load_state_dict(checkpoint.get(\"state_dict\", checkpoint))\n{}\n\
         If a whole model was saved, not its weights, and you trust the file (loading it runs code \
         from it), the model is: torch.load({file}, map_location=\"cpu\", weights_only=False)\n",
        torch_export(onnx)
    );
    Recognised::new(what, hint)
}

/// Whether the pickle names Ultralytics' classes; it is the first entry, and not compressed.
fn is_ultralytics(suspect: &mut Suspect) -> bool {
    let start = suspect.source.peek(0, 64 << 10).unwrap_or_default();
    start
        .windows(18)
        .any(|bytes| bytes == b"ultralytics.nn.tas")
}

fn ultralytics(suspect: &Suspect) -> Recognised {
    let hint = format!(
        "Export it to ONNX, and open that. Loading it runs code from the file: do this only with \
         a file that you trust.\n\nfrom ultralytics import YOLO\n\n\
         YOLO({}).export(format=\"onnx\", dynamic=True)\n",
        suspect.python
    );
    Recognised::new("an Ultralytics YOLO checkpoint", hint)
}

/// Lines for weights that lie apart from any code, loaded by `load`.
pub(super) fn weights(load: &str, imports: &str, onnx: &str) -> String {
    format!(
        "import torch\n{imports}\n\
         model = MyModel()  # your model's class\n\
         model.load_state_dict({load})\n{}",
        torch_export(onnx)
    )
}

/// Lines that make a model of the library timm by its name.
pub(super) fn timm(architecture: &str, file: &str, onnx: &str) -> String {
    format!(
        "import timm\nimport torch\n\n\
         model = timm.create_model({}, checkpoint_path={file})\n{}",
        quoted(architecture),
        torch_export(onnx)
    )
}
