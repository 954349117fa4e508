//! A package for a model that has none. Everything here is a guess, and says why.

use std::path::Path;

use boxwright_tensor::{Dimension, TensorSpec};

use crate::error::Result;
use crate::inspect::Model;
use crate::package::{
    Batch, FORMAT, Identity, Input, InputKind, Labels, ModelFile, ModelFiles, Package, Preprocess,
    Resources, Task, propose_name,
};

mod answer;
mod beside;
mod clues;
pub(crate) mod config;
mod direction;
mod facts;
mod input;
mod labels;
pub(crate) mod names;
mod pixels;
mod preparation;
mod preset;
mod question;
mod recipes;
mod shape;
mod task;
#[cfg(test)]
mod tests;

use answer::Answer;
use clues::{Clues, Reasons};
use input::Picture;
pub use preset::Preset;
pub use question::{Choice, Question, question};

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
/// `folder`: labels, and the configurations of Hugging Face's libraries, Ultralytics' data sets,
/// Teachable Machine and Lobe.
///
/// # Errors
/// None at present: what can't be guessed is left at its default.
pub fn package(model: &Model, folder: &Path) -> Result<Guessed> {
    let clues = Clues::new(model, folder);
    let mut reasons = Reasons::default();
    let name = name(&clues, &mut reasons);
    let inputs = inputs(&clues, &mut reasons);
    inputs.answer.tell(&mut reasons);
    let labels = labels(&clues, &inputs.answer, &mut reasons);
    let package = Package {
        format: FORMAT,
        package: Identity {
            name,
            version: "0.0.1".to_owned(),
            description: String::new(),
        },
        model: files(model),
        input: inputs.input,
        preprocess: inputs.preprocess,
        postprocess: inputs.answer.postprocess,
        labels,
        batch: batch(model, inputs.picture.as_ref(), &mut reasons),
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

/// What was guessed of inputs and outputs.
struct Inputs<'a> {
    input: Vec<Input>,
    preprocess: Preprocess,
    answer: Answer,
    picture: Option<Picture<'a>>,
}

/// A picture with what is beside it, else tensors.
fn inputs<'a>(clues: &Clues<'a>, reasons: &mut Reasons) -> Inputs<'a> {
    let specs = clues.inputs();
    let found = specs.iter().enumerate();
    let found = found.filter_map(|(index, spec)| Some((index, input::picture(spec)?)));
    let mut pictures: Vec<(usize, Picture<'a>)> = found.collect();
    let why = match (pictures.len(), specs) {
        (1, _) => {
            let (place, picture) = pictures.remove(0);
            match with_picture(clues, place, picture, reasons) {
                Ok(inputs) => return inputs,
                Err(why) => why,
            }
        }
        (0, [spec]) => format!("{spec} is no batch of pictures"),
        (0, _) => format!("none of the model's {} inputs takes pictures", specs.len()),
        (count, _) => format!("the model takes {count} pictures at a time, and a sample has one"),
    };
    let tensor = |spec: &TensorSpec| Input::new(&spec.name, InputKind::Tensor);
    for index in 0..specs.len() {
        reasons.add(format!("input.{index}.kind"), why.clone());
    }
    Inputs {
        input: specs.iter().map(tensor).collect(),
        preprocess: Preprocess::default(),
        answer: task::of_tensors(),
        picture: None,
    }
}

/// The inputs around the picture at `place`; why that can't be, where nothing says what another
/// input holds.
fn with_picture<'a>(
    clues: &Clues<'a>,
    place: usize,
    picture: Picture<'a>,
    reasons: &mut Reasons,
) -> Result<Inputs<'a>, String> {
    let others = clues
        .inputs()
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != place);
    let others = others.map(|(index, spec)| Ok((index, beside::fill(clues, spec, &picture)?)));
    let others: Vec<(usize, (Input, String))> =
        others.collect::<std::result::Result<_, String>>()?;
    let answer = task::of_pictures(clues, &picture);
    let (image, preprocess) = preparation::prepare(clues, &picture, answer.family, place, reasons);
    let mut input = Vec::new();
    for (index, (other, why)) in others {
        reasons.add(format!("input.{index}.kind"), why);
        input.push(other);
    }
    input.insert(place, image);
    Ok(Inputs {
        input,
        preprocess,
        answer,
        picture: Some(picture),
    })
}

fn labels(clues: &Clues, answer: &Answer, reasons: &mut Reasons) -> Option<Labels> {
    let task = answer.postprocess.task;
    let named = matches!(task, Task::Classification | Task::Segmentation | Task::Text);
    if !named && !task.has_boxes() {
        return None;
    }
    let found = labels::find(clues, task, answer.classes);
    let reason = match &found {
        Some(found) => found.reason.clone(),
        None => {
            "no list of class names with the right count is in the model or beside it".to_owned()
        }
    };
    reasons.add("labels.file", reason);
    found.map(|found| Labels { file: found.file })
}

fn batch(model: &Model, picture: Option<&Picture<'_>>, reasons: &mut Reasons) -> Batch {
    let batch = Batch::default();
    let fixed = match picture {
        Some(picture) if !picture.batched => {
            reasons.add("batch.max_size", "the model takes one picture at a time");
            return Batch {
                max_size: 1,
                ..batch
            };
        }
        Some(picture) => picture.spec.fixed_batch(),
        None => batch_of_tensors(&model.summary.signature.inputs),
    };
    match fixed {
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

/// The batch that all tensors share. Two or three before an open axis is something else, such as
/// the layers of a state.
fn batch_of_tensors(specs: &[TensorSpec]) -> Option<u64> {
    let is_batch = |spec: &&TensorSpec| {
        let small = matches!(spec.fixed_batch(), Some(2 | 3));
        let axes = spec.shape.as_deref().unwrap_or_default();
        let open = |axis: &Dimension| matches!(axis, Dimension::Dynamic(_));
        !(axes.is_empty() || small && axes.iter().any(open))
    };
    let batches: Vec<Option<u64>> = specs
        .iter()
        .filter(is_batch)
        .map(TensorSpec::fixed_batch)
        .collect();
    batches
        .into_iter()
        .collect::<Option<Vec<u64>>>()?
        .into_iter()
        .min()
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
