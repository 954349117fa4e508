//! Boxes with scores: decoded to candidates, of which suppression keeps the best, which are then
//! brought to the photo's pixels.

mod bits;
mod candidate;
mod finish;
mod grid;
mod mask;
mod queries;
mod rotated;
mod rows;
mod separate;
mod suppress;

use boxwright_model::package::Decoder;
use boxwright_model::pipeline::Boxes;
use boxwright_model::prediction::Outcome;

use self::candidate::Candidates;
use crate::error::{Error, Result};
use crate::stage::frame::Frame;
use crate::tensor::Slice;

/// The highest class that a model may give: whole numbers are exact up to here.
const MOST_CLASSES: f32 = 16_777_216.0;

/// The detections by falling score.
pub(super) fn outcome(task: &Boxes, outputs: &[Slice<'_>], frame: &Frame) -> Result<Outcome> {
    let masks = match task.roles.masks {
        Some(place) => Some(mask::Masks::of(
            output(outputs, Some(place))?,
            task.decoder,
            frame,
        )?),
        None => None,
    };
    let coefficients = masks.as_ref().map_or(0, mask::Masks::count);
    let candidates = decode(task, outputs, frame, coefficients)?;
    let kept = suppress::select(task, &candidates);
    finish::detections(task, &candidates, &kept, masks.as_ref(), frame).map(Outcome::Detections)
}

/// Every box with a score above the threshold.
fn decode(
    task: &Boxes,
    outputs: &[Slice<'_>],
    frame: &Frame,
    coefficients: usize,
) -> Result<Candidates> {
    let boxes = || output(outputs, Some(task.roles.boxes));
    match task.decoder {
        Decoder::YoloV8 => rows::yolov8(task, boxes()?, coefficients),
        Decoder::YoloV5 => rows::yolov5(task, boxes()?, coefficients),
        Decoder::EndToEnd => rows::end_to_end(task, boxes()?, coefficients),
        Decoder::YoloX => grid::yolox(task, boxes()?, frame),
        Decoder::PicoDet => grid::picodet(task, outputs, frame.canvas),
        Decoder::RtDetr => queries::ultralytics(task, boxes()?),
        Decoder::Detr | Decoder::RtDetrTransformers => queries::transformers(task, outputs),
        Decoder::DFine | Decoder::TorchVision | Decoder::SsdTf => separate::decode(task, outputs),
    }
}

/// The output at a place of the task's.
fn output<'a, 'b>(outputs: &'a [Slice<'b>], place: Option<usize>) -> Result<&'a Slice<'b>> {
    let output = place.and_then(|place| outputs.get(place));
    output.ok_or_else(|| Error::Run("the model gave too few outputs".into()))
}

/// The rows of an output `[rows, columns]`, or `[1, rows, columns]`. A single row may come without
/// the axis of rows, where that has been taken for the batch.
fn matrix(output: &Slice<'_>) -> Result<(usize, usize)> {
    match output.shape[..] {
        [columns] => Ok((1, columns)),
        [rows, columns] | [1, rows, columns] => Ok((rows, columns)),
        _ => Err(Error::Shape(format!(
            "Output `{}` has the shape {:?} for a sample, and its decoder takes rows of numbers.",
            output.name, output.shape
        ))),
    }
}

fn unfit(task: &Boxes, output: &Slice<'_>, expected: &str) -> Error {
    Error::Shape(format!(
        "Output `{}` has the shape {:?} for a sample, and `{}` takes {expected}.",
        output.name, output.shape, task.decoder
    ))
}

/// Refuses scores that are no numbers: a model that overflows would seem to have found nothing.
fn checked(scores: &[f32], output: &Slice<'_>) -> Result<()> {
    match scores.iter().any(|score| score.is_nan()) {
        true => Err(Error::Run(format!(
            "it gave NaN for a score of output `{}`",
            output.name
        ))),
        false => Ok(()),
    }
}

/// A class that the model gives as a number.
fn class(number: f32, output: &Slice<'_>) -> Result<usize> {
    match number {
        number if (0.0..=MOST_CLASSES).contains(&number) => Ok(number as usize),
        _ => Err(Error::Run(format!(
            "it gave {number} for a class of output `{}`",
            output.name
        ))),
    }
}
