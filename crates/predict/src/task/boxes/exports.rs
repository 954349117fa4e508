//! Decoders of what exporters leave that are no part of the model's own repository: MMDeploy's of
//! MMDetection, SuperGradients' of YOLO-NAS, and YOLOv7's with its suppression.

use boxwright_model::package::BoxFormat;
use boxwright_model::pipeline::{Boxes, Extra};

use super::candidate::{Candidates, Space, corners};
use super::output::{checked, class, matrix, output, unfit};
use super::separate;
use crate::error::Result;
use crate::stage::frame::{Frame, Mapping};
use crate::tensor::Slice;

/// `[rows, 7]`: photo, two corners, class and score; YOLOv7's `export.py --end2end`.
pub(super) fn yolov7(task: &Boxes, rows: &Slice<'_>, floor: f32) -> Result<Candidates> {
    let (count, columns) = matrix(rows)?;
    if columns != 7 && count > 0 {
        return Err(unfit(task, rows, "[boxes, 7]"));
    }
    let floats = rows.floats()?;
    let mut found = Candidates::new(Space::Input, 0);
    for row in floats.chunks_exact(7) {
        checked(&row[6..], rows)?;
        if row[6] > floor {
            let class = class(row[5], rows)?;
            found.add(bounds(task, &row[1..5]), row[6], class, [].into_iter());
        }
    }
    Ok(found)
}

/// `dets` `[rows, 5]`, two corners and a score, and labels; rows past the last have no score. A mask
/// is found by its row. MMDeploy's `End2EndModel`, which cuts no box at the photo's edges.
pub(super) fn mmdetection(task: &Boxes, outputs: &[Slice<'_>], floor: f32) -> Result<Candidates> {
    let dets = output(outputs, Some(task.roles.boxes))?;
    let labels = output(outputs, task.roles.classes)?;
    let (rows, columns) = matrix(dets)?;
    if columns != 5 && rows > 0 {
        return Err(unfit(task, dets, "[boxes, 5]"));
    }
    if labels.shape.iter().product::<usize>() != rows {
        return Err(unfit(task, labels, "as many numbers as there are boxes"));
    }
    let width = usize::from(task.extra == Extra::Mask);
    let mut found = Candidates::new(Space::InputUncut, width);
    let (floats, names) = (dets.floats()?, labels.floats()?);
    for (place, row) in floats.chunks_exact(5).enumerate() {
        checked(&row[4..], dets)?;
        if row[4] > floor {
            let class = class(names[place], labels)?;
            let mask = (width == 1).then_some(place as f32);
            found.add(bounds(task, &row[..4]), row[4], class, mask.into_iter());
        }
    }
    Ok(found)
}

/// YOLO-NAS in its three forms: boxes `[cells, 4]` and scores `[cells, C]`, of which a box may be of
/// several classes; boxes, scores and classes that are left after suppression; or rows of photo, two
/// corners, score and class. SuperGradients brings boxes to the photo's pixels by one scale, and
/// does not cut them at its edges.
pub(super) fn yolo_nas(
    task: &Boxes,
    outputs: &[Slice<'_>],
    frame: &Frame,
    floor: f32,
) -> Result<Candidates> {
    let boxes = output(outputs, Some(task.roles.boxes))?;
    let mapping = frame.mapping_of(task.decoder);
    let mut found = Candidates::new(Space::Photo, 0);
    match (task.roles.scores, task.roles.classes) {
        (None, _) => flat(task, boxes, &mapping, floor, &mut found)?,
        (Some(place), None) => cells(task, boxes, &outputs[place], &mapping, floor, &mut found)?,
        (Some(_), Some(_)) => left(task, outputs, &mapping, floor, &mut found)?,
    }
    Ok(found)
}

fn flat(
    task: &Boxes,
    rows: &Slice<'_>,
    mapping: &Mapping,
    floor: f32,
    found: &mut Candidates,
) -> Result<()> {
    let (count, columns) = matrix(rows)?;
    if columns != 7 && count > 0 {
        return Err(unfit(task, rows, "[boxes, 7]"));
    }
    for row in rows.floats()?.chunks_exact(7) {
        checked(&row[5..6], rows)?;
        if row[5] > floor {
            let bounds = mapping.bounds(bounds(task, &row[1..5]));
            found.add(bounds, row[5], class(row[6], rows)?, [].into_iter());
        }
    }
    Ok(())
}

fn cells(
    task: &Boxes,
    boxes: &Slice<'_>,
    scores: &Slice<'_>,
    mapping: &Mapping,
    floor: f32,
    found: &mut Candidates,
) -> Result<()> {
    let ((rows, classes), (count, four)) = (matrix(scores)?, matrix(boxes)?);
    if rows != count || four != 4 || classes == 0 {
        let expected = "as many boxes of 4 numbers as there are rows of scores";
        return Err(unfit(task, boxes, expected));
    }
    let (floats, values) = (boxes.floats()?, scores.floats()?);
    checked(&values, scores)?;
    for (row, scores) in floats.chunks_exact(4).zip(values.chunks_exact(classes)) {
        let sure = scores.iter().enumerate();
        for (class, score) in sure.filter(|(_, score)| **score > floor) {
            found.add(
                mapping.bounds(bounds(task, row)),
                *score,
                class,
                [].into_iter(),
            );
        }
    }
    Ok(())
}

fn left(
    task: &Boxes,
    outputs: &[Slice<'_>],
    mapping: &Mapping,
    floor: f32,
    found: &mut Candidates,
) -> Result<()> {
    let mut rows = separate::decode(task, outputs, floor)?;
    for candidate in &mut rows.list {
        candidate.bounds = mapping.bounds(candidate.bounds);
    }
    found.list = rows.list;
    Ok(())
}

fn bounds(task: &Boxes, row: &[f32]) -> [f32; 4] {
    let bounds = [row[0], row[1], row[2], row[3]];
    match task.box_format.unwrap_or(BoxFormat::Xyxy) {
        BoxFormat::Xyxy => bounds,
        BoxFormat::Yxyx => [bounds[1], bounds[0], bounds[3], bounds[2]],
        BoxFormat::Cxcywh => corners(bounds),
    }
}
