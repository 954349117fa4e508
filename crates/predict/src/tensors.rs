//! Runs of the model's own tensors, without the pipeline around it.

use boxwright_tensor::{BatchAxis, Tensor, TensorBatch, split_outputs};
use ort::value::DynValue;

use crate::device::Session;
use crate::error::{Error, Result};
use crate::tensor::{self, Slice};

/// The inputs of a run of batches that join each other.
pub(crate) fn values(batches: &[&TensorBatch], axis: BatchAxis) -> Result<Vec<DynValue>> {
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let length = length(batches, axis);
    let value = |(place, input): (usize, &Tensor)| {
        let mut shape = input.shape.clone();
        if let (Some(first), true) = (shape.first_mut(), axis != BatchAxis::None) {
            *first = length;
        }
        let parts = batches.iter().map(|batch| &batch.inputs()[place].data[..]);
        tensor::from_bytes(&shape, input.datatype, parts)
    };
    first.inputs().iter().enumerate().map(value).collect()
}

/// Runs batches that join each other, and gives the outputs of each.
pub(crate) fn run(
    batches: &[&TensorBatch],
    axis: BatchAxis,
    session: &Session,
) -> Result<Vec<Vec<Tensor>>> {
    let Some(first) = batches.first() else {
        return Ok(Vec::new());
    };
    let values = values(batches, axis)?;
    let outputs = session.run(&values.iter().collect::<Vec<_>>(), first.outputs())?;
    let named = |(place, value): (&usize, &DynValue)| {
        output(&session.signature.outputs[*place].name, value)
    };
    let outputs: Vec<Tensor> = first
        .outputs()
        .iter()
        .zip(&outputs)
        .map(named)
        .collect::<Result<_>>()?;
    let counts: Vec<usize> = batches.iter().map(|batch| batch.rows()).collect();
    Ok(split_outputs(
        &outputs,
        &counts,
        length(batches, axis),
        axis,
    )?)
}

/// The length of the first axis of a run of batches.
fn length(batches: &[&TensorBatch], axis: BatchAxis) -> usize {
    axis.length(batches.iter().map(|batch| batch.rows()).sum())
}

fn output(name: &str, value: &DynValue) -> Result<Tensor> {
    let slice = Slice::all(name, value)
        .ok_or_else(|| Error::Run(format!("output `{name}` is no tensor of a known type")))?;
    Ok(Tensor {
        name: name.into(),
        datatype: slice.datatype,
        data: slice.bytes()?.into(),
        shape: slice.shape,
    })
}
