//! Decoders of outputs that are relative to the cells of a grid for each stride.

use boxwright_model::pipeline::Boxes;

use super::super::score::{activate, best};
use super::candidate::{Candidates, Space, corners};
use super::{matrix, unfit};
use crate::error::{Error, Result};
use crate::tensor::Slice;

/// YOLOX's strides, in input pixels.
const STRIDES: [usize; 3] = [8, 16, 32];

/// `[N, 5 + C]`: xy = (o + cell) · stride, size = exp(o) · stride; the score is objectness times the
/// best class's. YOLOX's `demo_postprocess`.
pub(super) fn yolox(
    task: &Boxes,
    output: &Slice<'_>,
    canvas: (usize, usize),
    threshold: f32,
) -> Result<Candidates> {
    let (rows, columns) = matrix(output)?;
    let grid = |stride: usize| (canvas.0 / stride, canvas.1 / stride);
    let cells: usize = STRIDES
        .map(grid)
        .iter()
        .map(|(width, height)| width * height)
        .sum();
    if columns < 6 || rows != cells {
        let expected = format!(
            "[{cells}, 5 + classes] for {} × {} pixels",
            canvas.0, canvas.1
        );
        return Err(unfit(task, output, &expected));
    }
    let floats = output.floats()?;
    let mut found = Candidates::new(Space::Input, 0);
    let mut rows = floats.chunks_exact(columns);
    for stride in STRIDES {
        let (width, height) = grid(stride);
        for (cell, row) in rows.by_ref().take(width * height).enumerate() {
            let Some((class, score)) = best(&row[5..]) else {
                continue;
            };
            let score = score * row[4];
            if score > threshold {
                let (x, y, stride) = ((cell % width) as f32, (cell / width) as f32, stride as f32);
                let bounds = [
                    (row[0] + x) * stride,
                    (row[1] + y) * stride,
                    row[2].exp() * stride,
                    row[3].exp() * stride,
                ];
                found.add(corners(bounds), score, class, [].into_iter());
            }
        }
    }
    Ok(found)
}

/// For each stride scores `[cells, C]` and distances `[cells, 4 · (most + 1)]`: each distance is the
/// expectation of a distribution over 0..=most strides (Generalized Focal Loss, Li et al., 2020),
/// from the cell's centre.
pub(super) fn picodet(
    task: &Boxes,
    outputs: &[Slice<'_>],
    canvas: (usize, usize),
    threshold: f32,
) -> Result<Candidates> {
    let (scores, distances) = outputs.split_at(outputs.len() / 2);
    let mut found = Candidates::new(Space::Input, 0);
    for (scores, distances) in scores.iter().zip(distances) {
        let ((cells, classes), (rows, columns)) = (matrix(scores)?, matrix(distances)?);
        let Some(stride) = stride(cells, canvas).filter(|_| rows == cells && columns % 4 == 0)
        else {
            return Err(unfit(
                task,
                distances,
                "scores and distances of the same cells",
            ));
        };
        let width = canvas.0.div_ceil(stride);
        let (scores, distances) = (scores.floats()?, distances.floats()?);
        let rows = scores
            .chunks_exact(classes.max(1))
            .zip(distances.chunks_exact(columns));
        for (cell, (scores, row)) in rows.enumerate() {
            let Some((class, score)) = best(scores).filter(|(_, score)| *score > threshold) else {
                continue;
            };
            let stride = stride as f32;
            let center = [(cell % width) as f32 + 0.5, (cell / width) as f32 + 0.5];
            let [x, y] = center.map(|place| place * stride);
            let sides: Vec<f32> = row
                .chunks_exact(columns / 4)
                .map(|side| expectation(side) * stride)
                .collect();
            let [left, top, right, bottom] = sides[..] else {
                return Err(Error::Run("a box has four sides".into()));
            };
            found.add(
                [x - left, y - top, x + right, y + bottom],
                score,
                class,
                [].into_iter(),
            );
        }
    }
    Ok(found)
}

/// The stride at which a canvas has so many cells.
fn stride(cells: usize, (width, height): (usize, usize)) -> Option<usize> {
    let has = |stride: &usize| width.div_ceil(*stride) * height.div_ceil(*stride) == cells;
    [4, 8, 16, 32, 64, 128].into_iter().find(has)
}

fn expectation(logits: &[f32]) -> f32 {
    let mut shares = logits.to_vec();
    activate(&mut shares, boxwright_model::package::Activation::Softmax);
    shares
        .iter()
        .enumerate()
        .map(|(place, share)| place as f32 * share)
        .sum()
}
