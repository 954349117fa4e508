//! Tasks with an answer for every pixel.

use boxwright_tensor::TensorSpec;

use super::output::{Check, fixed};
use crate::package::{Activation, Range, Upsample};
use crate::paths;

/// One class a pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct Segmentation {
    /// The place in the signature of the output: scores `[C, height, width]`, or classes
    /// `[height, width]`.
    pub output: usize,
    /// What is resized to the size of the photo.
    pub upsample: Upsample,
    /// From where on a pixel of a single channel is foreground, behind `activation`.
    pub threshold: f32,
    /// What turns the numbers of a single channel into those that the threshold is held against.
    pub activation: Activation,
    /// Class names by index.
    pub labels: Option<Vec<String>>,
}

/// How much of each pixel belongs to the foreground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matte {
    /// The place in the signature of the output: `[1, height, width]`.
    pub output: usize,
    /// The range of its numbers.
    pub range: Range,
    /// What turns them into those shown.
    pub activation: Activation,
}

pub(super) fn segmentation(check: &mut Check<'_>) -> Option<Segmentation> {
    let output = check.output()?;
    check_pixels(
        check,
        output,
        "one number a class and pixel, [N, C, height, width]",
    );
    let spec = check.spec(output);
    let classes = spec
        .shape
        .as_deref()
        .filter(|axes| axes.len() == 4 && spec.datatype.is_float())
        .and_then(|axes| fixed(axes.get(1)))
        // One channel is foreground and background.
        .filter(|classes| *classes > 1);
    let reduced = check.postprocess.reduce_labels;
    check.labels_of(classes, u64::from(reduced));
    let postprocess = check.postprocess;
    let mut labels = check.owned_labels();
    if let (true, Some(labels), Some(classes)) = (reduced, &mut labels, classes)
        && labels.len() as u64 == classes + 1
    {
        labels.remove(0);
    }
    Some(Segmentation {
        output,
        upsample: postprocess.upsample,
        threshold: postprocess.threshold.unwrap_or(0.5),
        activation: postprocess.activation,
        labels,
    })
}

pub(super) fn matte(check: &mut Check<'_>) -> Option<Matte> {
    let output = check.output()?;
    check_pixels(check, output, "one number a pixel, [N, 1, height, width]");
    Some(Matte {
        output,
        range: check.postprocess.range,
        activation: check.postprocess.activation,
    })
}

fn check_pixels(check: &mut Check<'_>, output: usize, expected: &str) {
    let spec: &TensorSpec = check.spec(output);
    let rank = spec.shape.as_deref().map(<[_]>::len);
    if rank.is_some_and(|rank| !(2..=4).contains(&rank)) {
        let message = format!(
            "the model's output `{}` is {spec}, and this task takes {expected}",
            paths::shown(&spec.name)
        );
        check.add("postprocess.task", message);
    }
}
