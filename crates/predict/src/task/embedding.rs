//! A vector.

use boxwright_model::package::Normalise;
use boxwright_model::pipeline::Embedding;
use boxwright_model::prediction::{self, Outcome};

use super::only::only;
use crate::error::{Error, Result};
use crate::tensor::Slice;

/// The vector, normalised where that is wanted. More than one axis is fine when all but one have
/// the length 1, as in [D, 1, 1].
pub(super) fn outcome(task: &Embedding, outputs: &[Slice<'_>]) -> Result<Outcome> {
    let output = only(outputs)?;
    let longer = output.shape.iter().filter(|length| **length != 1).count();
    if longer > 1 || output.shape.contains(&0) {
        return Err(Error::Shape(format!(
            "Output `{}` has the shape {:?} for a sample, and an embedding is one vector. Name the \
             pooled output, or export the model with one.",
            output.name, output.shape
        )));
    }
    let mut values = output.scores()?;
    if let Some(place) = values.iter().position(|value| !value.is_finite()) {
        return Err(Error::Run(format!(
            "it gave {} for element {place} of output `{}`",
            values[place], output.name
        )));
    }
    let norm = length(&values);
    if task.normalise == Normalise::L2 && norm > 0.0 {
        values.iter_mut().for_each(|value| *value /= norm);
    }
    Ok(Outcome::Embedding(prediction::Embedding { values, norm }))
}

/// The Euclidean length.
fn length(values: &[f32]) -> f32 {
    let squares = values.iter().map(|value| f64::from(*value).powi(2));
    squares.sum::<f64>().sqrt() as f32
}
