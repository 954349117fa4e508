//! The outputs as they are.

use boxwright_model::prediction::{Outcome, OutputTensor};

use crate::error::Result;
use crate::tensor::Slice;

/// The outputs as numbers, by name.
pub(super) fn outcome(outputs: &[Slice<'_>]) -> Result<Outcome> {
    outputs
        .iter()
        .map(as_json)
        .collect::<Result<_>>()
        .map(Outcome::Outputs)
}

fn as_json(output: &Slice<'_>) -> Result<(String, OutputTensor)> {
    let tensor = OutputTensor {
        shape: output.shape.clone(),
        datatype: output.datatype,
        data: output.numbers()?,
    };
    Ok((output.name.to_owned(), tensor))
}
