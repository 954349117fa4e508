//! Boxes with scores: decoded to candidates, of which suppression keeps the best, which are then
//! brought to the photo's pixels.

mod bits;
mod candidate;
mod finish;
mod grid;
mod mask;
mod output;
mod queries;
mod rotated;
mod rows;
mod separate;
mod suppress;

use boxwright_model::package::Decoder;
use boxwright_model::pipeline::Boxes;
use boxwright_model::prediction::Outcome;

use self::candidate::Candidates;
use self::output::output;
use crate::error::Result;
use crate::stage::frame::Frame;
use crate::tensor::Slice;

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
