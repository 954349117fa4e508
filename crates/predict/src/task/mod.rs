//! From a model's outputs to a prediction: one module a task.

mod classification;
mod raw;

use std::collections::BTreeMap;

use boxwright_model::pipeline::Task;
use boxwright_model::prediction::Outcome;
use boxwright_tensor::Tensor;

use crate::error::Result;
use crate::tensor::Slice;

/// Interprets one sample's `outputs`, those of [`Task::outputs`] in their order. `top_k` stands in
/// for the package's; `json` says whether raw outputs are wanted as numbers in JSON.
pub(crate) fn outcome(
    task: &Task,
    outputs: &[Slice<'_>],
    top_k: Option<usize>,
    json: bool,
) -> Result<Outcome> {
    match task {
        Task::Classification(task) => classification::outcome(task, outputs, top_k),
        Task::Raw(_) if json => raw::outcome(outputs),
        Task::Raw(_) => Ok(Outcome::Outputs(BTreeMap::new())),
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
