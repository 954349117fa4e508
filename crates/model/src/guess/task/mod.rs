//! What the outputs mean: by the model's metadata, then by what lies beside it, then by shapes and
//! names.

mod classes;
mod detectors;
mod exports;
mod vector;
mod yolo;

use super::answer::Answer;
use super::clues::Clues;
use super::input::Picture;
use super::pixels;

/// What the outputs of a model of pictures mean; as they are where nothing says.
pub(crate) fn of_pictures(clues: &Clues, picture: &Picture<'_>) -> Answer {
    let by_metadata = clues
        .ultralytics
        .as_ref()
        .and_then(|export| yolo::ultralytics(clues, export));
    by_metadata
        .or_else(|| yolo::yolov5(clues))
        .or_else(|| detectors::detector(clues, picture))
        .or_else(|| yolo::by_shape(clues, picture))
        .or_else(|| vector::text(clues, picture))
        .or_else(|| pixels::answer(clues, picture))
        .or_else(|| vector::embedding(clues, picture))
        .or_else(|| classes::classification(clues))
        .unwrap_or_else(|| {
            Answer::raw(
                "no output holds one score a class, boxes, pixels or a vector: set task and output, \
                 and for boxes a decoder, if one fits",
            )
        })
}

/// What the outputs of a model mean that takes tensors.
pub(crate) fn of_tensors() -> Answer {
    Answer::raw("the model does not take pictures")
}
