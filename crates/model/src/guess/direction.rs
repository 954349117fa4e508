//! PP-OCR's classifier of a line's direction, which says nothing of itself.

use crate::model_file::Model;

use super::shape::{fixed, rank};

/// Its classes: upright, and upside down.
pub(crate) const CLASSES: [&str; 2] = ["0", "180"];

/// Whether the model is one: PaddlePaddle's, for lines of any width, with two classes.
pub(crate) fn is_direction(model: &Model) -> bool {
    let signature = &model.summary.signature;
    let ([input], [output]) = (&signature.inputs[..], &signature.outputs[..]) else {
        return false;
    };
    let sides = (fixed(input, 2), fixed(input, 3));
    let line = matches!(sides, (None, None) | (Some(48), None | Some(192)));
    let paddle = model.summary.producer.to_lowercase().contains("paddle");
    paddle
        && line
        && rank(input) == Some(4)
        && rank(output) == Some(2)
        && fixed(output, 1) == Some(2)
}
