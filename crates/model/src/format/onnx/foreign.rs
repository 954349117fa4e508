//! Operators that ONNX Runtime doesn't have: plug-ins of other programs, in domains of their own.

use std::collections::BTreeSet;

/// Most different operators that are kept.
const MOST: usize = 64;
/// Domains of operators that ONNX Runtime has.
const KNOWN: [&str; 9] = [
    "",
    "ai.onnx",
    "ai.onnx.ml",
    "ai.onnx.training",
    "ai.onnx.preview",
    "ai.onnx.preview.training",
    "com.microsoft",
    "com.microsoft.nchwc",
    "com.microsoft.experimental",
];

/// Operators by domain and name.
#[derive(Debug, Default)]
pub(crate) struct Foreign(BTreeSet<(String, String)>);

impl Foreign {
    /// Keeps an operator, if ONNX Runtime has none of this domain and name.
    pub(super) fn see(&mut self, domain: &str, operator: &str) {
        let known = KNOWN.contains(&domain) || domain.starts_with("com.ms.internal");
        // TensorRT's parser takes its plug-ins in ONNX's own domain too.
        let plugin = operator.ends_with("_TRT") || operator.starts_with("TRT");
        if (!known || plugin) && self.0.len() < MOST {
            self.0.insert((domain.to_owned(), operator.to_owned()));
        }
    }

    /// The first operator that is no function of the model's own: what it is, and how to export
    /// without it.
    pub(super) fn first(&self, functions: &Self) -> Option<(String, &'static str)> {
        let (domain, operator) = self.0.difference(&functions.0).next()?;
        let (owner, hint) = owner(domain, operator);
        let domain = match &**domain {
            "" | "ai.onnx" => String::new(),
            domain => format!(" in the domain `{}`", crate::paths::shown(domain)),
        };
        let what = format!(
            "an ONNX model with the operator `{}`{domain}, {owner}, which ONNX Runtime does not have",
            crate::paths::shown(operator)
        );
        Some((what, hint))
    }

    /// Keeps a function of the model's own.
    pub(super) fn define(&mut self, domain: String, name: String) {
        if self.0.len() < MOST * MOST {
            self.0.insert((domain, name));
        }
    }
}

/// Whose an operator is, and how to export without it.
fn owner(domain: &str, operator: &str) -> (&'static str, &'static str) {
    let lower = domain.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if operator.ends_with("_TRT")
        || operator.starts_with("TRT")
        || says(&["trt", "nvidia", "nvinfer"])
    {
        let hint = "Export without TensorRT's plug-ins: a detector without its suppression in the \
                    model, such as Ultralytics' `export(format=\"onnx\", nms=False)`, or YOLOv7's \
                    `export.py --grid` without `--end2end`; Boxwright suppresses boxes itself.";
        return ("a plug-in of NVIDIA's TensorRT", hint);
    }
    if says(&["mmdeploy", "mmcv"]) {
        let hint = "Export with mmdeploy for the backend `onnxruntime` without its custom operators, \
                    or with the model's own `export_onnx.py`.";
        return ("of OpenMMLab", hint);
    }
    if says(&["ai.onnx.contrib", "com.microsoft.extensions"]) {
        let hint = "Export the model without the preparation and decoding that \
                    onnxruntime-extensions puts around it: a package says both itself.";
        return ("of onnxruntime-extensions", hint);
    }
    if says(&["aten", "prim", "torch"]) {
        let hint = "PyTorch found no ONNX operator for it. Export with \
                    `torch.onnx.export(…, dynamo=True)`, or with a higher `opset_version`.";
        return ("of PyTorch", hint);
    }
    let hint = "Export the model with ONNX's own operators only, or with the operator written as a \
                function of them.";
    ("of another program", hint)
}
