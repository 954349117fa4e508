//! What the outputs mean: each task with exactly its own fields.

use super::inputs::listed;
use super::problem::Problem;
use crate::package::{self, Activation, Postprocess};
use crate::paths;
use boxwright_tensor::{Signature, TensorSpec};

/// What the outputs mean.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// One score a class.
    Classification(Classification),
    /// The outputs as they are.
    Raw(Raw),
}

/// One score a class.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// The place in the signature of the output with the scores.
    pub output: usize,
    /// What turns the model's scores into those shown.
    pub activation: Activation,
    /// Classes that a prediction names at most.
    pub top_k: usize,
    /// Decimal digits that scores are rounded to; every digit where absent.
    pub score_digits: Option<u8>,
    /// Class names by index.
    pub labels: Option<Vec<String>>,
}

/// The outputs as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Places in the signature of the outputs that are shown.
    pub outputs: Vec<usize>,
}

impl Task {
    /// The places in the signature of the outputs that the model is run for.
    pub fn outputs(&self) -> &[usize] {
        match self {
            Self::Classification(task) => std::slice::from_ref(&task.output),
            Self::Raw(task) => &task.outputs,
        }
    }
}

pub(super) fn resolve(
    postprocess: &Postprocess,
    signature: &Signature,
    labels: Option<&[String]>,
    problems: &mut Vec<Problem>,
) -> Option<Task> {
    let named = match &postprocess.output {
        Some(name) => Some(place(name, signature, problems)?),
        None => None,
    };
    match postprocess.task {
        package::Task::Classification => {
            let output = named.unwrap_or(0);
            let spec = signature.outputs.get(output)?;
            check_scores(spec, problems);
            check_labels(spec, labels, problems);
            Some(Task::Classification(Classification {
                output,
                activation: postprocess.activation,
                top_k: postprocess.top_k,
                score_digits: postprocess.score_digits,
                labels: labels.map(<[String]>::to_vec),
            }))
        }
        package::Task::Raw => Some(Task::Raw(Raw {
            outputs: match named {
                Some(output) => vec![output],
                None => (0..signature.outputs.len()).collect(),
            },
        })),
        // Refused with the fields of the package itself.
        package::Task::Detection | package::Task::Segmentation | package::Task::Embedding => {
            let message = format!(
                "`{}` is not there yet: use `classification` or `raw`",
                postprocess.task
            );
            problems.push(("postprocess.task".to_owned(), message));
            None
        }
    }
}

/// The place of the output `name`.
fn place(name: &str, signature: &Signature, problems: &mut Vec<Problem>) -> Option<usize> {
    let place = signature.outputs.iter().position(|spec| spec.name == name);
    if place.is_none() {
        let names = listed(&signature.outputs);
        let name = paths::shown(name);
        let message = format!("the model has no output `{name}`; it has {names}");
        problems.push(("postprocess.output".to_owned(), message));
    }
    place
}

fn check_scores(spec: &TensorSpec, problems: &mut Vec<Problem>) {
    if !spec.is_scores() {
        let message = format!(
            "the model's output `{}` is no list of scores, one a class: use the task `raw`, or \
             name another output",
            paths::shown(&spec.name)
        );
        problems.push(("postprocess.task".to_owned(), message));
    }
}

fn check_labels(spec: &TensorSpec, labels: Option<&[String]>, problems: &mut Vec<Problem>) {
    let (Some(labels), Some(classes)) = (labels, spec.classes()) else {
        return;
    };
    if labels.len() as u64 != classes {
        let message = format!(
            "names {} classes, and the model has {classes}: one line a class, in the model's order; \
             where the model was trained with a background class, that is the first line",
            labels.len()
        );
        problems.push(("labels.file".to_owned(), message));
    }
}
