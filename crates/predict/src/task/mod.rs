//! From a model's outputs to a prediction: one module a task.

mod boxes;
mod cached;
mod classification;
mod embedding;
mod only;
mod pixels;
mod raw;
mod score;
mod text;

#[cfg(test)]
mod hostile_tests;

pub(crate) use self::cached::{CachedOutputs, Room};

use std::collections::BTreeMap;

use boxwright_model::pipeline::Task;
use boxwright_model::prediction::Outcome;
use boxwright_tensor::Tensor;

use crate::error::{Error, Result};
use crate::prediction::Want;
use crate::stage::frame::Frame;
use crate::tensor::Slice;

/// Interprets one sample's `outputs`, those of [`Task::outputs`] in their order. `frame` is where
/// its picture lies in the tensor.
pub(crate) fn outcome(
    task: &Task,
    outputs: &[Slice<'_>],
    frame: Option<&Frame>,
    want: &Want,
) -> Result<Outcome> {
    let framed = || {
        frame.ok_or_else(|| {
            Error::Shape(
                "This task needs pictures, and the model takes tensors: use the task `raw`.".into(),
            )
        })
    };
    match task {
        Task::Classification(task) => classification::outcome(task, outputs, want.top_k),
        Task::Boxes(task) => boxes::outcome(task, outputs, framed()?),
        Task::Segmentation(task) => pixels::segmentation(task, outputs, framed()?),
        Task::Matte(task) => pixels::matte(task, outputs, framed()?),
        Task::Embedding(task) => embedding::outcome(task, outputs),
        Task::Text(task) => text::outcome(task, outputs),
        Task::Raw(_) if want.tensor => Ok(Outcome::Outputs(BTreeMap::new())),
        Task::Raw(_) => raw::outcome(outputs),
    }
}

/// The outputs as tensors without the batch axis.
pub(crate) fn tensors(outputs: &[Slice<'_>]) -> Result<Vec<Tensor>> {
    let tensor = |output: &Slice<'_>| {
        Ok(Tensor {
            name: output.name.to_owned(),
            shape: output.shape.clone(),
            datatype: output.datatype,
            data: output.bytes()?.into(),
        })
    };
    outputs.iter().map(tensor).collect()
}
