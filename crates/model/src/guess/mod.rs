//! A package for a model that has none. Everything here is a guess, and says why.

use std::path::Path;

use boxwright_tensor::TensorSpec;

use crate::error::Result;
use crate::inspect::Model;
use crate::package::{
    Batch, FORMAT, Identity, Input, InputKind, Labels, ModelFile, ModelFiles, Package, Postprocess,
    Preprocess, Resources, Task, propose_name,
};

mod clues;
pub(crate) mod config;
mod input;
pub(crate) mod labels;
mod output;
mod pipeline;
mod preset;
#[cfg(test)]
mod tests;

use clues::{Clues, Reasons};
pub use preset::Preset;

/// A package that was guessed from a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Guessed {
    /// The package.
    pub package: Package,
    /// One a guessed field: its dotted path in the package file, such as `input.0.layout`, and why
    /// it has this value.
    pub reasons: Vec<(String, String)>,
}

/// Guesses the package of `model` from what it says about itself and from what lies beside it in
/// `folder`: labels, and the configuration of Hugging Face's libraries.
///
/// # Errors
/// None at present: what can't be guessed is left at its default.
pub fn package(model: &Model, folder: &Path) -> Result<Guessed> {
    let clues = Clues::new(model, folder);
    let mut reasons = Reasons::default();
    let name = name(&clues, &mut reasons);
    let (input, preprocess) = inputs(&clues, &mut reasons);
    let pictures = input.iter().any(|input| input.kind == InputKind::Image);
    let postprocess = output::postprocess(&clues, pictures, &mut reasons);
    let labels = labels(&clues, &postprocess, &mut reasons);
    let package = Package {
        format: FORMAT,
        package: Identity {
            name,
            version: "0.0.1".to_owned(),
            description: String::new(),
        },
        model: files(model),
        input,
        preprocess,
        postprocess,
        labels,
        batch: batch(model, &mut reasons),
        resources: resources(model, &mut reasons),
    };
    Ok(Guessed {
        package,
        reasons: reasons.0,
    })
}

/// The file's name, or the folder's where the file is called as any other.
fn name(clues: &Clues, reasons: &mut Reasons) -> String {
    const EVERYONES: [&str; 12] = [
        "model",
        "best",
        "last",
        "weights",
        "network",
        "net",
        "onnx",
        "model-quantized",
        "model-fp16",
        "model-int8",
        "model-simplified",
        "export",
    ];
    let stem = Path::new(&clues.model.summary.file)
        .file_stem()
        .unwrap_or_default();
    let stem = propose_name(&stem.to_string_lossy());
    let folder = clues
        .folder
        .file_name()
        .map(|name| propose_name(&name.to_string_lossy()));
    match folder {
        Some(folder)
            if EVERYONES.contains(&stem.replace('_', "-").as_str()) && folder != "model" =>
        {
            reasons.add("package.name", "the name of the model's folder");
            folder
        }
        _ => {
            reasons.add("package.name", "the name of the model's file");
            stem
        }
    }
}

fn files(model: &Model) -> ModelFiles {
    let names = std::iter::once(&model.summary.file).chain(&model.summary.external_data);
    ModelFiles {
        files: names
            .map(|name| ModelFile {
                path: name.clone(),
                sha256: None,
            })
            .collect(),
    }
}

fn inputs(clues: &Clues, reasons: &mut Reasons) -> (Vec<Input>, Preprocess) {
    let specs = &clues.model.summary.signature.inputs;
    if let [spec] = &specs[..]
        && let Some(picture) = input::picture(spec)
    {
        reasons.add("input.0.kind", picture.reason.clone());
        reasons.add("input.0.layout", picture.reason.clone());
        let (width, height, preprocess) = pipeline::preprocess(clues, &picture, reasons);
        let input = Input {
            layout: picture.layout,
            dtype: picture.dtype,
            width: Some(width),
            height: Some(height),
            ..Input::new(&spec.name, InputKind::Image)
        };
        return (vec![input], preprocess);
    }
    let tensor = |spec: &TensorSpec| Input::new(&spec.name, InputKind::Tensor);
    for (index, spec) in specs.iter().enumerate() {
        let reason = match specs.len() {
            1 => format!("{spec} is no batch of pictures"),
            count => format!("the model takes {count} inputs, and not a picture alone"),
        };
        reasons.add(format!("input.{index}.kind"), reason);
    }
    (specs.iter().map(tensor).collect(), Preprocess::default())
}

fn labels(clues: &Clues, postprocess: &Postprocess, reasons: &mut Reasons) -> Option<Labels> {
    if postprocess.task != Task::Classification {
        return None;
    }
    let found = labels::find(clues, postprocess);
    let reason = match &found {
        Some(found) => found.reason.clone(),
        None => {
            "no list of class names with the right count is in the model or beside it".to_owned()
        }
    };
    reasons.add("labels.file", reason);
    found.map(|found| Labels { file: found.file })
}

fn batch(model: &Model, reasons: &mut Reasons) -> Batch {
    let batch = Batch::default();
    let inputs = &model.summary.signature.inputs;
    match inputs.iter().filter_map(TensorSpec::fixed_batch).min() {
        Some(fixed) => {
            reasons.add(
                "batch.max_size",
                format!("the model takes batches of {fixed} only"),
            );
            Batch {
                max_size: usize::try_from(fixed.clamp(1, 4096)).unwrap_or(1),
                ..batch
            }
        }
        None => batch,
    }
}

/// Memory for the model, what ONNX Runtime makes of it, and the tensors in between.
fn resources(model: &Model, reasons: &mut Reasons) -> Resources {
    let size = model.summary.size_bytes >> 20;
    let memory_mb = (384 + 3 * size).next_multiple_of(256);
    reasons.add(
        "resources.memory_mb",
        "about three times the model's size, and room for the server",
    );
    Resources {
        memory_mb,
        ..Resources::default()
    }
}
