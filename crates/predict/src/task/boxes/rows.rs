//! Decoders of YOLO's outputs, in which a row, or a column, is a box with all that belongs to it.

use boxwright_model::package::BoxFormat;
use boxwright_model::pipeline::{Boxes, Extra};

use super::candidate::{Candidates, Space, corners};
use super::output::{checked, class, matrix, unfit};
use crate::error::Result;
use crate::tensor::Slice;

/// How many numbers a row has besides box and scores. `coefficients` are those of a mask.
fn extras(task: &Boxes, coefficients: usize) -> usize {
    match task.extra {
        Extra::None => 0,
        Extra::Angle => 1,
        Extra::Keypoints(count, numbers) => count * numbers,
        Extra::Mask => coefficients,
    }
}

/// `[4 + C + extras, N]`: centre, size and scores of each box; Ultralytics' `non_max_suppression`.
pub(super) fn yolov8(
    task: &Boxes,
    output: &Slice<'_>,
    coefficients: usize,
    floor: f32,
) -> Result<Candidates> {
    let (rows, count) = matrix(output)?;
    let width = extras(task, coefficients);
    let Some(classes) = rows.checked_sub(4 + width).filter(|classes| *classes > 0) else {
        return Err(unfit(task, output, "[4 + classes + extras, boxes]"));
    };
    let floats = output.floats()?;
    let row = |place: usize| &floats[place * count..(place + 1) * count];
    checked(&floats[4 * count..(4 + classes) * count], output)?;
    // Class by class, so that memory is read in order.
    let mut best = row(4).to_vec();
    let mut class = vec![0u32; count];
    for next in 1..classes {
        let number = u32::try_from(next).unwrap_or(u32::MAX);
        for ((score, best), class) in row(4 + next).iter().zip(&mut best).zip(&mut class) {
            if *score > *best {
                (*best, *class) = (*score, number);
            }
        }
    }
    let mut found = Candidates::new(Space::Input, width);
    let cells = [row(0), row(1), row(2), row(3)];
    for at in (0..count).filter(|at| best[*at] > floor) {
        let bounds = cells.map(|row| row[at]);
        let bounds = bounds_of(task, bounds);
        let more = (0..width).map(|extra| row(4 + classes + extra)[at]);
        found.add(bounds, best[at], class[at] as usize, more);
    }
    Ok(found)
}

/// Centre and size stay for rotated boxes, and become corners for others.
fn bounds_of(task: &Boxes, bounds: [f32; 4]) -> [f32; 4] {
    let format = task.box_format.unwrap_or(BoxFormat::Cxcywh);
    match (task.extra, format) {
        (Extra::Angle, _) | (_, BoxFormat::Xyxy) => bounds,
        (_, BoxFormat::Yxyx) => [bounds[1], bounds[0], bounds[3], bounds[2]],
        (_, BoxFormat::Cxcywh) => corners(bounds),
    }
}

/// `[N, 5 + C + extras]`: centre, size, objectness and scores; YOLOv5's `non_max_suppression`, whose
/// score is the product, and which both have to be above the threshold.
pub(super) fn yolov5(
    task: &Boxes,
    output: &Slice<'_>,
    coefficients: usize,
    floor: f32,
) -> Result<Candidates> {
    let (_, columns) = matrix(output)?;
    let width = extras(task, coefficients);
    let Some(classes) = columns
        .checked_sub(5 + width)
        .filter(|classes| *classes > 0)
    else {
        return Err(unfit(task, output, "[boxes, 5 + classes + extras]"));
    };
    let floats = output.floats()?;
    let mut found = Candidates::new(Space::Input, width);
    for row in floats.chunks_exact(columns) {
        checked(&row[4..5 + classes], output)?;
        if row[4] <= floor {
            continue;
        }
        let (mut score, mut class) = (f32::NEG_INFINITY, 0);
        for (next, one) in row[5..5 + classes].iter().enumerate() {
            let product = one * row[4];
            if product > score {
                (score, class) = (product, next);
            }
        }
        if score > floor {
            let bounds = bounds_of(task, [row[0], row[1], row[2], row[3]]);
            let more = row[5 + classes..].iter().copied();
            found.add(bounds, score, class, more);
            found.also_held(row[4]);
        }
    }
    Ok(found)
}

/// `[N, 6 + extras]`: two corners, score and class; nothing is left to suppress. A rotated box has
/// its centre and size in place of corners.
pub(super) fn end_to_end(
    task: &Boxes,
    output: &Slice<'_>,
    coefficients: usize,
    floor: f32,
) -> Result<Candidates> {
    let (_, columns) = matrix(output)?;
    let width = extras(task, coefficients);
    if columns != 6 + width {
        return Err(unfit(task, output, "[boxes, 6 + extras]"));
    }
    let floats = output.floats()?;
    let mut found = Candidates::new(Space::Input, width);
    for row in floats.chunks_exact(columns) {
        checked(&row[4..5], output)?;
        if row[4] <= floor {
            continue;
        }
        let bounds = [row[0], row[1], row[2], row[3]];
        let bounds = match task.box_format {
            Some(_) => bounds_of(task, bounds),
            None => bounds,
        };
        found.add(
            bounds,
            row[4],
            class(row[5], output)?,
            row[6..].iter().copied(),
        );
    }
    Ok(found)
}
