//! Boxes with scores: decoded to candidates, of which suppression keeps the best, which are then
//! brought to the photo's pixels.

mod bits;
mod cached;
mod candidate;
mod exports;
mod finish;
mod grid;
mod mask;
mod output;
mod paste;
mod queries;
mod rotated;
mod rows;
mod separate;
mod suppress;

use boxwright_model::package::Decoder;
use boxwright_model::pipeline::Boxes;
use boxwright_model::prediction::Outcome;

pub(crate) use self::cached::Decoded;

use self::candidate::Candidates;
use self::output::output;
use crate::error::{Error, Result};
use crate::stage::frame::Frame;
use crate::tensor::Slice;

/// The detections by falling score.
pub(super) fn outcome(task: &Boxes, outputs: &[Slice<'_>], frame: &Frame) -> Result<Outcome> {
    let decoded = Decoded::of(task, outputs, frame, task.score_threshold)?;
    let outcome = decoded.outcome(task, frame)?;
    outcome.ok_or_else(|| Error::Run("the masks of boxes are gone".into()))
}

/// Every box with a score above `floor`.
fn decode(
    task: &Boxes,
    outputs: &[Slice<'_>],
    frame: &Frame,
    coefficients: usize,
    floor: f32,
) -> Result<Candidates> {
    let boxes = || output(outputs, Some(task.roles.boxes));
    match task.decoder {
        Decoder::YoloV8 => rows::yolov8(task, boxes()?, coefficients, floor),
        Decoder::YoloV5 => rows::yolov5(task, boxes()?, coefficients, floor),
        Decoder::EndToEnd => rows::end_to_end(task, boxes()?, coefficients, floor),
        Decoder::YoloX => grid::yolox(task, boxes()?, frame, floor),
        Decoder::PicoDet => grid::picodet(task, outputs, frame.canvas, floor),
        Decoder::RtDetr => queries::ultralytics(task, boxes()?, floor),
        Decoder::Detr | Decoder::RtDetrTransformers => queries::transformers(task, outputs, floor),
        Decoder::YoloV7EndToEnd => exports::yolov7(task, boxes()?, floor),
        Decoder::MmDetection => exports::mmdetection(task, outputs, floor),
        Decoder::YoloNas => exports::yolo_nas(task, outputs, frame, floor),
        Decoder::DFine
        | Decoder::TorchVision
        | Decoder::SsdTf
        | Decoder::CustomVision
        | Decoder::Nms => separate::decode(task, outputs, floor),
    }
}
