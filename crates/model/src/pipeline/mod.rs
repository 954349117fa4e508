//! A package resolved against its model's signature: everything around the model, checked and
//! typed, ready to run.

mod image;
mod inputs;
mod problem;
mod python;
mod task;

pub use image::ImageInput;
pub use inputs::{Content, OtherInput, Pictures, Samples};
pub use problem::Problem;
pub use task::{
    Boxes, ClassHead, Classification, Embedding, Extra, Matte, Raw, Roles, Segmentation, Task, Text,
};

use crate::package::Package;
use boxwright_tensor::Signature;

/// Everything around the model.
#[derive(Debug, Clone, PartialEq)]
pub struct Pipeline {
    /// What a sample is.
    pub samples: Samples,
    /// What the outputs mean.
    pub task: Task,
}

impl Pipeline {
    /// Resolves `package` against the signature of its model; `labels` are the class names.
    ///
    /// # Errors
    /// Every field that does not fit the model, in the order of the package file.
    pub fn resolve(
        package: &Package,
        signature: &Signature,
        labels: Option<&[String]>,
    ) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let samples = inputs::resolve(package, signature, &mut problems);
        let task = task::resolve(&package.postprocess, signature, labels, &mut problems);
        match (samples, task) {
            (Some(samples), Some(task)) if problems.is_empty() => Ok(Self { samples, task }),
            _ => Err(problems),
        }
    }
}

/// What is wrong between a package and its model, labels left aside.
pub(crate) fn problems(package: &Package, signature: &Signature) -> Vec<Problem> {
    Pipeline::resolve(package, signature, None)
        .err()
        .unwrap_or_default()
}
