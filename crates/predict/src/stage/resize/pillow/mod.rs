//! Pillow's resampling: an antialiased convolution in fixed point, one axis after the other,
//! rounded to eight bits in between.

use std::ops::Range;

use super::kernel::PillowFilter;
use super::view::{Region, View};

mod avx2;
mod reduce;
mod weights;

use self::weights::{HALF, Part, Weights, clip, column};

/// Which axis Pillow 13 takes first, found by comparing it with both orders: the vertical one
/// where that takes away more than twice the pixels.
fn vertical_first(from: (usize, usize), to: (usize, usize)) -> bool {
    from.1 > to.1 && (from.0 < to.0 || from.1 - to.1 > 2 * (from.0 - to.0))
}

/// Buffers for what lies between a picture and its resized one.
#[derive(Debug, Default)]
pub(super) struct Between {
    reduced: Vec<u8>,
    resampled: Vec<u8>,
}

impl Between {
    /// Gives back buffers of more than this many bytes.
    pub fn trim(&mut self, bytes: usize) {
        for buffer in [&mut self.reduced, &mut self.resampled] {
            if buffer.capacity() > bytes {
                *buffer = Vec::new();
            }
        }
    }
}

/// `Image.resize` with `box` and `reducing_gap`.
pub(super) fn resize(
    source: View<'_>,
    to: (usize, usize),
    (filter, part, gap): (PillowFilter, Part, Option<f64>),
    region: Region,
    between: &mut Between,
    out: &mut [u8],
) {
    let Between { reduced, resampled } = between;
    if filter == PillowFilter::Nearest {
        return nearest(source, to, part, region, out);
    }
    if let Some((source, part)) =
        gap.and_then(|gap| reduce::reduce(source, to, filter, part, gap, reduced))
    {
        return resample(source, to, (filter, part), region, resampled, out);
    }
    resample(source, to, (filter, part), region, resampled, out);
}

fn resample(
    source: View<'_>,
    to: (usize, usize),
    (filter, part): (PillowFilter, Part),
    region: Region,
    between: &mut Vec<u8>,
    out: &mut [u8],
) {
    let [left, top, right, bottom] = part.map(|side| side as f32);
    let from = (source.width, source.height);
    let columns = Weights::new(filter, (from.0, left, right), to.0, region.columns());
    let rows = Weights::new(filter, (from.1, top, bottom), to.1, region.rows());
    if from.0 == to.0 && left == 0.0 && right == to.0 as f32 {
        vertical(source, region.left, 0, &rows, out);
    } else if from.1 == to.1 && top == 0.0 && bottom == to.1 as f32 {
        horizontal(source, region.top, 0, &columns, out);
    } else if vertical_first(from, to) {
        let needed = columns.range();
        between.resize(needed.len() * region.height * 3, 0);
        vertical(source, needed.start, 0, &rows, between);
        let resized = View {
            width: needed.len(),
            height: region.height,
            rgb: between,
        };
        horizontal(resized, 0, needed.start, &columns, out);
    } else {
        let needed = rows.range();
        between.resize(region.width * needed.len() * 3, 0);
        horizontal(source, needed.start, 0, &columns, between);
        let resized = View {
            width: region.width,
            height: needed.len(),
            rgb: between,
        };
        vertical(resized, 0, needed.start, &rows, out);
    }
}

/// Resizes the rows of `source` from `top` on, as many as `out` has, along themselves. Column
/// `first` of the picture is the first of `source`.
fn horizontal(source: View<'_>, top: usize, first: usize, columns: &Weights, out: &mut [u8]) {
    // To the end of the picture, so that a whole register can be read at a row's end.
    let from = |y: usize| &source.rgb[(top + y) * source.width * 3..];
    let row_bytes = columns.len() * 3;
    if !avx2::available() {
        for (y, to) in out.chunks_exact_mut(row_bytes).enumerate() {
            row(from(y), first, columns, to);
        }
        return;
    }
    let split = avx2::Split::new(columns);
    let mut blocks = out.chunks_exact_mut(row_bytes * avx2::ROWS);
    let mut y = 0;
    for to in &mut blocks {
        let rows: [&[u8]; avx2::ROWS] = std::array::from_fn(|index| from(y + index));
        avx2::rows(rows, first, columns, &split, to);
        y += avx2::ROWS;
    }
    for to in blocks.into_remainder().chunks_exact_mut(row_bytes) {
        avx2::rows([from(y)], first, columns, &split, to);
        y += 1;
    }
}

/// Resizes the columns of `source` from `left` on, as many as `out` has, along themselves. Row
/// `first` of the picture is the first of `source`.
fn vertical(source: View<'_>, left: usize, first: usize, rows: &Weights, out: &mut [u8]) {
    let fast = avx2::available();
    let stride = source.width * 3;
    let row_bytes = out.len() / rows.len();
    for (y, to) in out.chunks_exact_mut(row_bytes).enumerate() {
        let (start, weights) = rows.of(y);
        let from = &source.rgb[(start - first) * stride + left * 3..];
        if fast {
            avx2::column(from, stride, weights, to);
        } else {
            column(from, stride, weights, to);
        }
    }
}

fn row(from: &[u8], first: usize, columns: &Weights, to: &mut [u8]) {
    for (x, pixel) in to.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let (start, weights) = columns.of(x);
        let mut sums = [HALF; 3];
        for (sample, weight) in from[(start - first) * 3..]
            .as_chunks::<3>()
            .0
            .iter()
            .zip(weights)
        {
            for (sum, value) in sums.iter_mut().zip(sample) {
                *sum = sum.wrapping_add(i32::from(*value).wrapping_mul(*weight));
            }
        }
        *pixel = sums.map(clip);
    }
}

fn nearest(
    source: View<'_>,
    size: (usize, usize),
    [left, top, right, bottom]: Part,
    region: Region,
    out: &mut [u8],
) {
    let columns = neighbours((source.width, left, right), size.0, region.columns());
    let rows = neighbours((source.height, top, bottom), size.1, region.rows());
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(rows) {
        let from = source.row(y);
        for (pixel, x) in to.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            *pixel = from[*x];
        }
    }
}

/// The nearest samples. Pillow adds the step up instead of multiplying it, and rounding errors
/// with it; to land on the same neighbours, so does this.
pub(super) fn neighbours(
    (from, start, end): (usize, f64, f64),
    to: usize,
    range: Range<usize>,
) -> Vec<usize> {
    let step = (end - start) / to as f64;
    let mut at = start + step * 0.5;
    let mut all = Vec::with_capacity(range.len());
    for index in 0..range.end {
        if index >= range.start {
            all.push((at as usize).min(from - 1));
        }
        at += step;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(length: usize) -> Vec<u8> {
        let mut state = 12345u32;
        let step = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..length).map(step).collect()
    }

    /// `cargo test` runs on machines with AVX2, ARM has none: both ways must give the same.
    #[test]
    fn the_vector_path_gives_the_same_bytes() {
        if !avx2::available() {
            println!("SKIPPED: this processor has no AVX2");
            return;
        }
        // Enough rows for a block that is taken together and one that is not.
        const HEIGHT: usize = avx2::ROWS + 1;
        for (width, to) in [(1, 7), (7, 1), (37, 5), (64, 63), (5, 37), (200, 11)] {
            let rgb = noise(width * HEIGHT * 3);
            let source = View {
                width,
                height: HEIGHT,
                rgb: &rgb,
            };
            for filter in [
                PillowFilter::Box,
                PillowFilter::Bilinear,
                PillowFilter::Bicubic,
                PillowFilter::Lanczos,
            ] {
                let weights = Weights::new(filter, (width, 0.0, width as f32), to, 0..to);
                let (mut plain, mut fast) = (vec![0; to * HEIGHT * 3], vec![0; to * HEIGHT * 3]);
                for (from, to) in rgb
                    .chunks_exact(width * 3)
                    .zip(plain.chunks_exact_mut(to * 3))
                {
                    row(from, 0, &weights, to);
                }
                horizontal(source, 0, 0, &weights, &mut fast);
                assert_eq!(plain, fast, "{filter:?} {width} → {to}");
            }
        }
    }
}
