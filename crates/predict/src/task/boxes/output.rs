//! A box model's outputs as rows of numbers, and what is wrong with them.

use boxwright_model::pipeline::Boxes;

use crate::error::{Error, Result};
use crate::tensor::Slice;

/// The highest class that a model may give: whole numbers are exact up to here.
const MOST_CLASSES: f32 = 16_777_216.0;

/// The output at a place of the task's.
pub(super) fn output<'a, 'b>(
    outputs: &'a [Slice<'b>],
    place: Option<usize>,
) -> Result<&'a Slice<'b>> {
    let output = place.and_then(|place| outputs.get(place));
    output.ok_or_else(|| Error::Run("the model gave too few outputs".into()))
}

/// The rows of an output `[rows, columns]`, or `[1, rows, columns]`. A single row may come without
/// the axis of rows, where that has been taken for the batch.
pub(super) fn matrix(output: &Slice<'_>) -> Result<(usize, usize)> {
    match output.shape[..] {
        [columns] => Ok((1, columns)),
        [rows, columns] | [1, rows, columns] => Ok((rows, columns)),
        _ => Err(Error::Shape(format!(
            "Output `{}` has the shape {:?} for a sample, and its decoder takes rows of numbers.",
            output.name, output.shape
        ))),
    }
}

pub(super) fn unfit(task: &Boxes, output: &Slice<'_>, expected: &str) -> Error {
    Error::Shape(format!(
        "Output `{}` has the shape {:?} for a sample, and `{}` takes {expected}.",
        output.name, output.shape, task.decoder
    ))
}

/// Refuses scores that are no numbers: a model that overflows would seem to have found nothing.
pub(super) fn checked(scores: &[f32], output: &Slice<'_>) -> Result<()> {
    match scores.iter().any(|score| score.is_nan()) {
        true => Err(Error::Run(format!(
            "it gave NaN for a score of output `{}`",
            output.name
        ))),
        false => Ok(()),
    }
}

/// A class that the model gives as a number.
pub(super) fn class(number: f32, output: &Slice<'_>) -> Result<usize> {
    match number {
        number if (0.0..=MOST_CLASSES).contains(&number) => Ok(number as usize),
        _ => Err(Error::Run(format!(
            "it gave {number} for a class of output `{}`",
            output.name
        ))),
    }
}
