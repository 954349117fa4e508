//! From a model's outputs to a prediction: one module a task.

mod classification;
mod raw;

use std::collections::BTreeMap;

use boxwright_model::pipeline::Task;
use boxwright_model::prediction::Outcome;

use crate::error::Result;
use crate::prediction::RawTensor;
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

/// The outputs as bytes, by name.
pub(crate) fn tensors(outputs: &[Slice<'_>]) -> Result<BTreeMap<String, RawTensor>> {
    let tensor = |output: &Slice<'_>| {
        Ok((
            output.name.to_owned(),
            (output.shape.clone(), output.datatype, output.bytes()?),
        ))
    };
    outputs.iter().map(tensor).collect()
}
