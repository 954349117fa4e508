//! `area`: what an output pixel covers, in single precision.

use super::super::view::Region;
use super::source::{Source, scale};

/// The input samples under an output sample, those beyond the edge included, and the parts of
/// them that count.
struct Cells {
    start: usize,
    parts: Vec<f32>,
}

fn cells(from: usize, to: usize, index: usize) -> Cells {
    let scale = scale(from, to);
    let (first, last) = (index as f32 * scale, (index + 1) as f32 * scale);
    let (start, end) = (first.floor() as usize, last.ceil() as usize);
    let part = |sample: usize| {
        let (low, high) = (sample as f32, (sample + 1) as f32);
        match (low < first, high > last) {
            (true, true) => scale,
            (true, false) => high - first,
            (false, true) => last - low,
            (false, false) => 1.0,
        }
    };
    Cells {
        start,
        parts: (start..end).map(part).collect(),
    }
}

pub(super) fn resize(source: Source<'_>, size: (usize, usize), region: Region, out: &mut [f32]) {
    let (width, height) = (source.view.width, source.view.height);
    let columns: Vec<Cells> = region.columns().map(|x| cells(width, size.0, x)).collect();
    let area = scale(height, size.1) * scale(width, size.0);
    let share = (1.0 / f64::from(area)) as f32;
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let rows = cells(height, size.1, y);
        to.fill(0.0);
        for (index, part) in rows.parts.iter().enumerate() {
            let from = source.view.row((rows.start + index).min(height - 1));
            for (pixel, cells) in to.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
                for (channel, to) in pixel.iter_mut().enumerate() {
                    let sample = |x: usize| source.value(from[x.min(width - 1)][channel]);
                    *to += across(cells, sample) * part;
                }
            }
        }
        for value in to {
            *value *= share;
        }
    }
}

/// Only the first and the last cell of a row can count in part.
fn across(cells: &Cells, sample: impl Fn(usize) -> f32) -> f32 {
    let term = |index: usize| sample(cells.start + index) * cells.parts[index];
    (1..cells.parts.len()).fold(term(0), |sum, index| sum + term(index))
}
