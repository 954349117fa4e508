//! Boxes with scores: decoded to candidates, of which suppression keeps the best, which are then
//! brought to the photo's pixels.

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

/// The detections by falling score.
pub(super) fn outcome(task: &Boxes, outputs: &[Slice<'_>], frame: &Frame) -> Result<Outcome> {
    let candidates = decode(task, outputs, frame, task.score_threshold)?;
    let kept = suppress::select(task, &candidates, task.score_threshold, task.iou_threshold);
    let masks = match task.roles.masks {
        Some(place) => Some(mask::Masks::of(
            output(outputs, Some(place))?,
            task.decoder,
        )?),
        None => None,
    };
    finish::detections(task, &candidates, &kept, masks.as_ref(), frame).map(Outcome::Detections)
}

/// Every box with a score above `threshold`.
fn decode(
    task: &Boxes,
    outputs: &[Slice<'_>],
    frame: &Frame,
    threshold: f32,
) -> Result<Candidates> {
    match task.decoder {
        Decoder::YoloV8 => rows::yolov8(task, output(outputs, Some(task.roles.boxes))?, threshold),
        Decoder::YoloV5 => rows::yolov5(task, output(outputs, Some(task.roles.boxes))?, threshold),
        Decoder::EndToEnd => {
            rows::end_to_end(task, output(outputs, Some(task.roles.boxes))?, threshold)
        }
        Decoder::YoloX => {
            let rows = output(outputs, Some(task.roles.boxes))?;
            grid::yolox(task, rows, frame.canvas, threshold)
        }
        Decoder::PicoDet => grid::picodet(task, outputs, frame.canvas, threshold),
        Decoder::RtDetr => {
            queries::ultralytics(task, output(outputs, Some(task.roles.boxes))?, threshold)
        }
        Decoder::Detr | Decoder::RtDetrTransformers => {
            queries::transformers(task, outputs, threshold)
        }
        Decoder::DFine | Decoder::TorchVision | Decoder::SsdTf => {
            separate::decode(task, outputs, threshold)
        }
    }
}

/// The output at a place of the task's.
fn output<'a, 'b>(outputs: &'a [Slice<'b>], place: Option<usize>) -> Result<&'a Slice<'b>> {
    let output = place.and_then(|place| outputs.get(place));
    output.ok_or_else(|| Error::Run("the model gave too few outputs".into()))
}

/// The rows of an output `[rows, columns]`, or `[1, rows, columns]`.
fn matrix(output: &Slice<'_>) -> Result<(usize, usize)> {
    match output.shape[..] {
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
