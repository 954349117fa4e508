//! What the outputs mean: each task with exactly its own fields.

mod boxes;
mod classification;
mod output;
mod pixels;
mod vector;

pub use boxes::{Boxes, Extra, Roles};
pub use classification::{ClassHead, Classification};
pub use pixels::{Matte, Segmentation};
pub use vector::{Embedding, Text};

use output::Check;

use super::problem::Problem;
use crate::package::{self, Postprocess};
use boxwright_tensor::Signature;

/// What the outputs mean.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// One score a class.
    Classification(Classification),
    /// Boxes, and what each has besides.
    Boxes(Boxes),
    /// One class a pixel.
    Segmentation(Segmentation),
    /// How much of each pixel belongs to the foreground.
    Matte(Matte),
    /// A vector.
    Embedding(Embedding),
    /// A line of text.
    Text(Text),
    /// The outputs as they are.
    Raw(Raw),
}

/// The outputs as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// Places in the signature of the outputs that are shown.
    pub outputs: Vec<usize>,
}

impl Task {
    /// Whether both read the same from a model's outputs, and differ at most in what is made of it:
    /// thresholds, labels, numbers of results, rounding.
    pub fn reads_like(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Boxes(one), Self::Boxes(other)) => one.decodes_like(other),
            (Self::Boxes(_), _) | (_, Self::Boxes(_)) => false,
            _ => self.outputs() == other.outputs(),
        }
    }

    /// The places in the signature of the outputs that the model is run for.
    pub fn outputs(&self) -> &[usize] {
        use std::slice::from_ref;
        match self {
            Self::Classification(task) => &task.outputs,
            Self::Boxes(task) => &task.outputs,
            Self::Segmentation(task) => from_ref(&task.output),
            Self::Matte(task) => from_ref(&task.output),
            Self::Embedding(task) => from_ref(&task.output),
            Self::Text(task) => from_ref(&task.output),
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
    let mut check = Check {
        postprocess,
        signature,
        labels,
        problems,
    };
    match postprocess.task {
        package::Task::Classification => {
            classification::resolve(&mut check).map(Task::Classification)
        }
        package::Task::Detection
        | package::Task::RotatedDetection
        | package::Task::Pose
        | package::Task::InstanceSegmentation => boxes::resolve(&mut check).map(Task::Boxes),
        package::Task::Segmentation => pixels::segmentation(&mut check).map(Task::Segmentation),
        package::Task::Matte => pixels::matte(&mut check).map(Task::Matte),
        package::Task::Embedding => vector::embedding(&mut check).map(Task::Embedding),
        package::Task::Text => vector::text(&mut check).map(Task::Text),
        package::Task::Raw => {
            let outputs = match check.named() {
                Some(output) => vec![output?],
                None => (0..signature.outputs.len()).collect(),
            };
            Some(Task::Raw(Raw { outputs }))
        }
    }
}
