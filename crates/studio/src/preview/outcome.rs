//! The outcome of a sample, from what a worker sends.

use boxwright_model::Outcome;
use boxwright_model::prediction::SampleError;
use boxwright_worker::FromWorkerResult;

use super::printed::printed;
use crate::failure::Code;

/// A result's outcome with its raw outputs as numbers.
pub fn outcome(result: FromWorkerResult) -> Outcome {
    if result.tensors.is_empty() {
        return result.outcome;
    }
    let outputs = result.tensors.iter().map(|tensor| {
        let printed = printed(tensor).ok_or(&tensor.name)?;
        Ok((tensor.name.clone(), printed))
    });
    match outputs.collect::<Result<_, &String>>() {
        Ok(outputs) => Outcome::Outputs(outputs),
        Err(name) => Outcome::Error(SampleError {
            code: Code::ShapeMismatch.to_string(),
            message: format!("the output {name} has elements that can't be printed"),
        }),
    }
}
