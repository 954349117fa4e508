//! `INTER_AREA` where it shrinks: the mean of the area that an output pixel covers.

use super::super::vectorised::vectorised;
use super::super::view::{Region, View};
use super::coordinates::scale;

/// Whether the area's mean is taken; else OpenCV interpolates.
pub(super) fn shrinks(source: View<'_>, to: (usize, usize)) -> bool {
    source.width >= to.0 && source.height >= to.1
}

/// Whether both axes are halved: there the linear kernels take the mean of four.
pub(super) fn halves(source: View<'_>, to: (usize, usize)) -> bool {
    source.width == to.0 * 2 && source.height == to.1 * 2
}

/// Where an output sample begins, for enlarging: the input sample there, and how much of the
/// output sample the next one takes.
pub(super) fn edge(from: usize, to: usize, index: usize) -> (i64, f32) {
    let at = (index as f64 * scale(from, to)).floor();
    let inverse = to as f64 / from as f64;
    let fraction = ((index + 1) as f64 - (at + 1.0) * inverse) as f32;
    let fraction = if fraction <= 0.0 {
        0.0
    } else {
        fraction - fraction.floor()
    };
    (at as i64, fraction)
}

/// The whole factor that an axis shrinks by, as far as OpenCV takes it for one.
fn whole(from: usize, to: usize) -> Option<usize> {
    let scale = scale(from, to);
    let whole = scale.round_ties_even();
    ((scale - whole).abs() < f64::EPSILON).then_some(whole as usize)
}

pub(super) fn bytes(source: View<'_>, size: (usize, usize), region: Region, out: &mut [u8]) {
    let factors = (whole(source.width, size.0), whole(source.height, size.1));
    let rows = out.chunks_exact_mut(region.width * 3).zip(region.rows());
    if let (Some(across), Some(down)) = factors {
        let mut sums = vec![0u32; region.width * 3];
        let share = 1.0 / (across * down) as f32;
        for (to, y) in rows {
            block_sums(source, region.left, (across, down), y, &mut sums);
            match (across, down) {
                (2, 2) => quarters(&sums, to),
                _ => rounded(&sums, share, to),
            }
        }
        return;
    }
    let value = |byte: u8| f32::from(byte);
    let mut mean = Mean::new(source, size, region);
    for (to, y) in rows {
        round(mean.row(source, size.1, y, value), to);
    }
}

fn quarters(sums: &[u32], to: &mut [u8]) {
    for (to, sum) in to.iter_mut().zip(sums) {
        *to = ((sum + 2) >> 2) as u8;
    }
}

vectorised! {
    fn rounded(sums: &[u32], share: f32, to: &mut [u8]) {
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = (*sum as f32 * share).round_ties_even() as u8;
        }
    }
}

vectorised! {
    fn round(means: &[f32], to: &mut [u8]) {
        for (to, mean) in to.iter_mut().zip(means) {
            *to = mean.round_ties_even() as u8;
        }
    }
}

vectorised! {
    /// The sums of the blocks that output row `y` covers.
    fn block_sums(
        source: View<'_>,
        left: usize,
        factors: (usize, usize),
        y: usize,
        sums: &mut [u32],
    ) {
        let (across, down) = factors;
        sums.fill(0);
        for source_y in y * down..(y + 1) * down {
            let from = source.row(source_y)[left * across..].chunks_exact(across);
            for (sum, block) in sums.as_chunks_mut::<3>().0.iter_mut().zip(from) {
                for pixel in block {
                    for (sum, value) in sum.iter_mut().zip(pixel) {
                        *sum += u32::from(*value);
                    }
                }
            }
        }
    }
}

pub(super) fn floats(
    source: View<'_>,
    values: &[f32; 256],
    size: (usize, usize),
    region: Region,
    out: &mut [f32],
) {
    let factors = (whole(source.width, size.0), whole(source.height, size.1));
    let rows = out.chunks_exact_mut(region.width * 3).zip(region.rows());
    let value = |byte: u8| values[usize::from(byte)];
    if let (Some(across), Some(down)) = factors {
        for (to, y) in rows {
            for (pixel, x) in to.as_chunks_mut::<3>().0.iter_mut().zip(region.columns()) {
                *pixel = block_mean(source, (across, down), (x, y), value);
            }
        }
        return;
    }
    let mut mean = Mean::new(source, size, region);
    for (to, y) in rows {
        to.copy_from_slice(mean.row(source, size.1, y, value));
    }
}

/// The mean of a block, added up four samples at a time.
fn block_mean(
    source: View<'_>,
    (across, down): (usize, usize),
    (x, y): (usize, usize),
    value: impl Fn(u8) -> f32,
) -> [f32; 3] {
    let count = across * down;
    let share = 1.0 / count as f32;
    std::array::from_fn(|channel| {
        let sample = |index: usize| {
            let row = source.row(y * down + index / across);
            value(row[x * across + index % across][channel])
        };
        let fours = count / 4 * 4;
        let mut sum = 0.0;
        for index in (0..fours).step_by(4) {
            sum += sample(index) + sample(index + 1) + sample(index + 2) + sample(index + 3);
        }
        for index in fours..count {
            sum += sample(index);
        }
        sum * share
    })
}

/// The input samples under an output sample, with the share of each in it.
fn shares(from: usize, to: usize, index: usize, all: &mut Vec<(usize, f32)>) {
    /// Less than this isn't counted.
    const LEAST: f64 = 1e-3;
    let scale = scale(from, to);
    let start = index as f64 * scale;
    let end = start + scale;
    let width = scale.min(from as f64 - start);
    let last = (end.floor() as usize).min(from - 1);
    let first = (start.ceil() as usize).min(last);
    if first as f64 - start > LEAST {
        all.push((first - 1, ((first as f64 - start) / width) as f32));
    }
    all.extend((first..last).map(|sample| (sample, (1.0 / width) as f32)));
    if end - last as f64 > LEAST {
        let covered = (end - last as f64).min(1.0).min(width);
        all.push((last, (covered / width) as f32));
    }
}

/// Output rows of an area's mean, in buffers that are used again.
struct Mean {
    /// Shares of all columns, one column after the other.
    columns: Vec<(usize, f32)>,
    /// Where each column's shares end.
    ends: Vec<usize>,
    rows: Vec<(usize, f32)>,
    /// The input row that `across` was made from.
    held: Option<usize>,
    across: Vec<f32>,
    sums: Vec<f32>,
}

impl Mean {
    fn new(source: View<'_>, size: (usize, usize), region: Region) -> Self {
        let mut columns = Vec::new();
        let mut ends = Vec::with_capacity(region.width);
        for x in region.columns() {
            shares(source.width, size.0, x, &mut columns);
            ends.push(columns.len());
        }
        Self {
            columns,
            ends,
            rows: Vec::new(),
            held: None,
            across: vec![0.0; region.width * 3],
            sums: vec![0.0; region.width * 3],
        }
    }

    /// Row `y` of `height`.
    fn row(
        &mut self,
        source: View<'_>,
        height: usize,
        y: usize,
        value: impl Fn(u8) -> f32,
    ) -> &[f32] {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        shares(source.height, height, y, &mut rows);
        self.sums.fill(0.0);
        for (source_y, share) in &rows {
            if self.held != Some(*source_y) {
                self.make_across(source.row(*source_y), &value);
                self.held = Some(*source_y);
            }
            for (sum, across) in self.sums.iter_mut().zip(&self.across) {
                *sum += across * share;
            }
        }
        self.rows = rows;
        &self.sums
    }

    fn make_across(&mut self, from: &[[u8; 3]], value: impl Fn(u8) -> f32) {
        let mut start = 0;
        for (pixel, end) in self
            .across
            .as_chunks_mut::<3>()
            .0
            .iter_mut()
            .zip(&self.ends)
        {
            *pixel = [0.0; 3];
            for (x, share) in &self.columns[start..*end] {
                for (sum, byte) in pixel.iter_mut().zip(from[*x]) {
                    *sum += value(byte) * share;
                }
            }
            start = *end;
        }
    }
}
