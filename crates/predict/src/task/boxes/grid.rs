//! Decoders of outputs that are relative to the cells of a grid for each stride.

use boxwright_model::pipeline::Boxes;

use super::super::score::{activate, best};
use super::candidate::{Candidates, Space, corners};
use super::output::{checked, matrix, unfit};
use crate::error::Result;
use crate::stage::frame::Frame;
use crate::tensor::Slice;

/// YOLOX's strides, in input pixels.
const STRIDES: [usize; 3] = [8, 16, 32];
/// Cells of one stride that PicoDet looks at: `nms_top_k`.
const PICODET_CELLS: usize = 1000;

/// `[N, 5 + C]`: xy = (o + cell) · stride, size = exp(o) · stride; the score is objectness times the
/// best class's. YOLOX's `demo_postprocess`, whose boxes come to the photo's pixels before they are
/// suppressed, and are not cut at its edges.
pub(super) fn yolox(
    task: &Boxes,
    output: &Slice<'_>,
    frame: &Frame,
    floor: f32,
) -> Result<Candidates> {
    let (rows, columns) = matrix(output)?;
    let canvas = frame.canvas;
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
    let mapping = frame.mapping_of(task.decoder);
    let mut found = Candidates::new(Space::Photo, 0);
    let mut rows = floats.chunks_exact(columns);
    for stride in STRIDES {
        let (width, height) = grid(stride);
        for (cell, row) in rows.by_ref().take(width * height).enumerate() {
            checked(&row[4..], output)?;
            let Some((class, score)) = best(&row[5..]) else {
                continue;
            };
            let score = score * row[4];
            if score > floor {
                let (x, y, stride) = ((cell % width) as f32, (cell / width) as f32, stride as f32);
                let bounds = corners([
                    (row[0] + x) * stride,
                    (row[1] + y) * stride,
                    row[2].exp() * stride,
                    row[3].exp() * stride,
                ]);
                found.add(mapping.bounds(bounds), score, class, [].into_iter());
            }
        }
    }
    Ok(found)
}

/// For each stride scores `[cells, C]` and distances `[cells, 4 · (most + 1)]`: each distance is the
/// expectation of a distribution over 0..=most strides (Generalized Focal Loss, Li et al., 2020),
/// from the cell's centre. PaddleDetection's `PicoDetPostProcess`: a cell may be of several classes.
pub(super) fn picodet(
    task: &Boxes,
    outputs: &[Slice<'_>],
    canvas: (usize, usize),
    floor: f32,
) -> Result<Candidates> {
    let (scores, distances) = outputs.split_at(outputs.len() / 2);
    let mut found = Candidates::new(Space::Input, 0);
    for (scores, distances) in scores.iter().zip(distances) {
        let ((cells, classes), (rows, columns)) = (matrix(scores)?, matrix(distances)?);
        let fits = rows == cells && columns > 0 && columns.is_multiple_of(4) && classes > 0;
        let Some(stride) = stride(cells, canvas).filter(|_| fits) else {
            let expected = "scores and distances of the same cells";
            return Err(unfit(task, distances, expected));
        };
        let width = canvas.0.div_ceil(stride);
        let (values, distances) = (scores.floats()?, distances.floats()?);
        checked(&values, scores)?;
        let rows = || values.chunks_exact(classes);
        let bests: Vec<f32> = rows()
            .map(|row| best(row).map_or(0.0, |(_, score)| score))
            .collect();
        for cell in best_cells(&bests, floor) {
            let row = &distances[cell * columns..(cell + 1) * columns];
            let size = stride as f32;
            let center = [(cell % width) as f32 + 0.5, (cell / width) as f32 + 0.5];
            let [x, y] = center.map(|place| place * size);
            let side = |place: usize| {
                let share = columns / 4;
                expectation(&row[place * share..(place + 1) * share]) * size
            };
            let bounds = [x - side(0), y - side(1), x + side(2), y + side(3)];
            let row = &values[cell * classes..(cell + 1) * classes];
            for (class, score) in row.iter().enumerate() {
                if *score > floor {
                    found.add(bounds, *score, class, [].into_iter());
                }
            }
        }
    }
    Ok(found)
}

/// The cells with the best scores above the threshold.
fn best_cells(bests: &[f32], threshold: f32) -> Vec<usize> {
    let mut cells: Vec<usize> = (0..bests.len())
        .filter(|cell| bests[*cell] > threshold)
        .collect();
    cells.sort_by(|a, b| bests[*b].total_cmp(&bests[*a]));
    cells.truncate(PICODET_CELLS);
    cells
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
