//! Decoders of models that end with suppression themselves, and give boxes, scores and classes as
//! outputs of their own: TensorFlow's Object Detection API, Custom Vision, torchvision's detectors,
//! the exports of RT-DETR's and D-FINE's authors, and YOLOs exported with their suppression.

use boxwright_model::package::{BoxFormat, Decoder};
use boxwright_model::pipeline::{Boxes, Extra};

use super::candidate::{Candidates, Space, corners};
use super::output::{checked, class, output, unfit};
use crate::error::{Error, Result};
use crate::tensor::Slice;

pub(super) fn decode(task: &Boxes, outputs: &[Slice<'_>], floor: f32) -> Result<Candidates> {
    let boxes = output(outputs, Some(task.roles.boxes))?;
    let scores = output(outputs, task.roles.scores)?;
    let classes = output(outputs, task.roles.classes)?;
    let rows = boxes.shape.iter().product::<usize>() / 4;
    let same = |output: &Slice<'_>| output.shape.iter().product::<usize>() == rows;
    if boxes.shape.last() != Some(&4) && rows > 0 {
        return Err(unfit(task, boxes, "[boxes, 4]"));
    }
    for output in [scores, classes] {
        if !same(output) {
            return Err(unfit(task, output, "as many numbers as there are boxes"));
        }
    }
    let count = match task.roles.count {
        Some(place) => detections(output(outputs, Some(place))?, rows)?,
        None => rows,
    };
    let (space, own) = match task.decoder {
        Decoder::SsdTf => (Space::Unit, BoxFormat::Yxyx),
        Decoder::CustomVision => (Space::Unit, BoxFormat::Xyxy),
        Decoder::DFine => (Space::Photo, BoxFormat::Xyxy),
        _ => (Space::Input, BoxFormat::Xyxy),
    };
    // A mask for each row, which it is found by.
    let width = usize::from(task.extra == Extra::Mask);
    let mut found = Candidates::new(space, width);
    let (boxes, numbers, names) = (boxes.floats()?, scores.floats()?, classes.floats()?);
    checked(&numbers[..count], scores)?;
    for row in (0..count).filter(|row| numbers[*row] > floor) {
        let bounds = [0, 1, 2, 3].map(|side| boxes[row * 4 + side]);
        let bounds = match task.box_format.unwrap_or(own) {
            BoxFormat::Xyxy => bounds,
            BoxFormat::Yxyx => [bounds[1], bounds[0], bounds[3], bounds[2]],
            BoxFormat::Cxcywh => corners(bounds),
        };
        let class = class(names[row], classes)?;
        let place = (width == 1).then_some(row as f32);
        found.add(bounds, numbers[row], class, place.into_iter());
    }
    Ok(found)
}

/// How many of the rows are detections.
fn detections(output: &Slice<'_>, rows: usize) -> Result<usize> {
    let count = output.floats()?.first().copied().unwrap_or(0.0);
    if count.is_nan() || count < 0.0 {
        let name = output.name;
        return Err(Error::Run(format!(
            "it gave {count} for the number of detections in output `{name}`"
        )));
    }
    // A cast saturates.
    Ok((count as usize).min(rows))
}
