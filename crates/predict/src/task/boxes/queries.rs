//! Decoders of transformers that detect: every query is a box, in parts of the photo, and none is
//! suppressed.

use boxwright_model::package::{BoxFormat, Decoder};
use boxwright_model::pipeline::Boxes;

use super::super::score::{activate, best, sigmoid};
use super::candidate::{Candidates, Space, corners};
use super::output::{checked, class, matrix, output, unfit};
use crate::error::Result;
use crate::tensor::Slice;

/// `[N, 4 + C]`: centre, size and scores; or, of later exports, `[N, 6]`: centre, size, score and
/// class. Ultralytics' `RTDETRPredictor`.
pub(super) fn ultralytics(task: &Boxes, rows: &Slice<'_>, floor: f32) -> Result<Candidates> {
    let (_, columns) = matrix(rows)?;
    if columns < 5 {
        return Err(unfit(task, rows, "[boxes, 4 + classes]"));
    }
    let floats = rows.floats()?;
    let mut found = Candidates::new(Space::Unit, 0);
    // Two columns behind the box are the scores of two classes, or score and class: sigmoids are
    // never all whole numbers.
    let whole = |row: &[f32]| row[5] >= 0.0 && row[5].fract() == 0.0;
    let named = columns == 6 && floats.chunks_exact(columns).all(whole);
    for row in floats.chunks_exact(columns) {
        checked(&row[4..], rows)?;
        let best = match named {
            true => Some((class(row[5], rows)?, row[4])),
            false => best(&row[4..]),
        };
        if let Some((class, score)) = best.filter(|(_, score)| *score > floor) {
            found.add(bounds(task, &row[..4]), score, class, [].into_iter());
        }
    }
    Ok(found)
}

/// Logits and boxes apart: `post_process_object_detection` of Transformers' DETR, with a last class
/// for nothing, or of its RT-DETR, which takes the best pairs of query and class.
pub(super) fn transformers(task: &Boxes, outputs: &[Slice<'_>], floor: f32) -> Result<Candidates> {
    let (logits, boxes) = (
        output(outputs, task.roles.scores)?,
        output(outputs, Some(task.roles.boxes))?,
    );
    let ((queries, classes), (rows, four)) = (matrix(logits)?, matrix(boxes)?);
    if queries != rows || four != 4 || classes == 0 {
        return Err(unfit(
            task,
            boxes,
            "as many boxes of 4 numbers as there are rows of logits",
        ));
    }
    let (given, boxes) = (logits.floats()?, boxes.floats()?);
    checked(&given, logits)?;
    let mut found = Candidates::new(Space::Unit, 0);
    let bounds = |query: usize| bounds(task, &boxes[query * 4..query * 4 + 4]);
    if task.decoder == Decoder::Detr {
        let mut row = vec![0.0; classes];
        for (query, logits) in given.chunks_exact(classes).enumerate() {
            row.copy_from_slice(logits);
            activate(&mut row, boxwright_model::package::Activation::Softmax);
            let best = best(&row[..classes - 1]);
            if let Some((class, score)) = best.filter(|(_, score)| *score > floor) {
                found.add(bounds(query), score, class, [].into_iter());
            }
        }
        return Ok(found);
    }
    let mut pairs: Vec<(usize, f32)> = given
        .iter()
        .map(|logit| sigmoid(*logit))
        .enumerate()
        .filter(|(_, score)| *score > floor)
        .collect();
    pairs.sort_by(|a, b| b.1.total_cmp(&a.1));
    for (pair, score) in pairs.into_iter().take(queries) {
        found.add(
            bounds(pair / classes),
            score,
            pair % classes,
            [].into_iter(),
        );
    }
    Ok(found)
}

fn bounds(task: &Boxes, row: &[f32]) -> [f32; 4] {
    let bounds = [row[0], row[1], row[2], row[3]];
    match task.box_format.unwrap_or(BoxFormat::Cxcywh) {
        BoxFormat::Cxcywh => corners(bounds),
        BoxFormat::Xyxy => bounds,
        BoxFormat::Yxyx => [bounds[1], bounds[0], bounds[3], bounds[2]],
    }
}
