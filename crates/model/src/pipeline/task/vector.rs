//! Tasks whose output is a row of numbers, or rows of them.

use super::output::{Check, fixed};
use crate::package::{Activation, Normalise};
use crate::paths;

/// A vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedding {
    /// The place in the signature of the output with the vector.
    pub output: usize,
    /// What happens to the vector.
    pub normalise: Normalise,
}

/// A line of text, by connectionist temporal classification: each step of the output has one score a
/// character; equal neighbours are one, and blanks are dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The place in the signature of the output with one row of scores a step.
    pub output: usize,
    /// The class that stands for no character.
    pub blank: usize,
    /// What turns the model's scores into those shown.
    pub activation: Activation,
    /// Characters by class; those after `blank` are one further where the labels leave it out.
    pub labels: Option<Vec<String>>,
}

pub(super) fn embedding(check: &mut Check<'_>) -> Option<Embedding> {
    let output = check.output()?;
    let spec = check.spec(output);
    if !spec.datatype.is_float()
        && spec.datatype.name() != "INT8"
        && spec.datatype.name() != "UINT8"
    {
        let message = format!(
            "the model's output `{}` holds no vector",
            paths::shown(&spec.name)
        );
        check.add("postprocess.task", message);
        return None;
    }
    Some(Embedding {
        output,
        normalise: check.postprocess.normalise,
    })
}

pub(super) fn text(check: &mut Check<'_>) -> Option<Text> {
    let output = check.output()?;
    let spec = check.spec(output);
    let axes = spec.shape.as_deref();
    if !spec.datatype.is_float() || axes.is_some_and(|axes| !(2..=3).contains(&axes.len())) {
        let message = format!(
            "the model's output `{}` is {spec}, and text is [N, steps, characters]",
            paths::shown(&spec.name)
        );
        check.add("postprocess.task", message);
        return None;
    }
    let characters = axes.and_then(|axes| fixed(axes.last()));
    // The blank, and PaddleOCR's space at the end, are often left out of the list.
    if let (Some(labels), Some(characters)) = (check.labels, characters) {
        let count = labels.len() as u64;
        if !(count..=count + 2).contains(&characters) {
            let message = format!(
                "names {count} characters, and the model has {characters}: one line a character, \
                 in the model's order, with or without the blank"
            );
            check.add("labels.file", message);
        }
    }
    Some(Text {
        output,
        blank: check.postprocess.blank,
        activation: check.postprocess.activation,
        labels: check.owned_labels(),
    })
}
