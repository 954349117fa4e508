//! Pillow's resampling: an antialiased convolution in fixed point, one axis after the other,
//! rounded to eight bits in between.

use std::f64::consts::PI;
use std::ops::Range;

use super::{PillowFilter, Region, View};

mod avx2;
mod reduce;

/// Bits behind the point of a weight: 8 bits of sample and 2 for overshoot are left of 32.
pub(super) const PRECISION: u32 = 32 - 8 - 2;

/// Half, in fixed point: the accumulators start there, so that the shift rounds.
pub(super) const HALF: i32 = 1 << (PRECISION - 1);

/// An accumulator's value in 0..=255.
pub(super) fn clip(accumulator: i32) -> u8 {
    (accumulator >> PRECISION).clamp(0, 255) as u8
}

/// The filter's value at `x`, and how far it reaches.
fn kernel(filter: PillowFilter) -> (fn(f64) -> f64, f64) {
    fn sinc(x: f64) -> f64 {
        if x == 0.0 {
            1.0
        } else {
            (x * PI).sin() / (x * PI)
        }
    }
    match filter {
        PillowFilter::Box => (|x| if x > -0.5 && x <= 0.5 { 1.0 } else { 0.0 }, 0.5),
        PillowFilter::Bicubic => (
            |x| {
                const A: f64 = -0.5;
                let x = x.abs();
                if x < 1.0 {
                    ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
                } else if x < 2.0 {
                    (((x - 5.0) * x + 8.0) * x - 4.0) * A
                } else {
                    0.0
                }
            },
            2.0,
        ),
        PillowFilter::Lanczos => (
            |x| {
                if (-3.0..3.0).contains(&x) {
                    sinc(x) * sinc(x / 3.0)
                } else {
                    0.0
                }
            },
            3.0,
        ),
        PillowFilter::Hamming => (
            |x| {
                let x = x.abs();
                if x == 0.0 {
                    1.0
                } else if x >= 1.0 {
                    0.0
                } else {
                    let x = x * PI;
                    x.sin() / x * (f64::from(0.54f32) + f64::from(0.46f32) * x.cos())
                }
            },
            1.0,
        ),
        PillowFilter::Nearest | PillowFilter::Bilinear => (|x| (1.0 - x.abs()).max(0.0), 1.0),
    }
}

/// For each output sample of one axis: the first input sample, and the weights from there on.
pub(super) struct Weights {
    starts: Vec<usize>,
    lengths: Vec<usize>,
    /// `stride` weights for every output sample, zeros behind the last.
    weights: Vec<i32>,
    stride: usize,
}

impl Weights {
    /// The weights that bring the samples from `start` to `end`, of `from` in all, to `to`, for
    /// the outputs of `range`.
    fn new(
        filter: PillowFilter,
        (from, start, end): (usize, f32, f32),
        to: usize,
        range: Range<usize>,
    ) -> Self {
        let count = range.len();
        let (kernel, reach) = kernel(filter);
        let scale = f64::from(end - start) / to as f64;
        let stretch = scale.max(1.0);
        let support = reach * stretch;
        let most = support.ceil() as usize * 2 + 1;
        let stride = most.next_multiple_of(avx2::TAPS);
        let mut all = Self {
            starts: Vec::with_capacity(count),
            lengths: Vec::with_capacity(count),
            weights: vec![0; stride * count],
            stride,
        };
        let mut exact = Vec::with_capacity(most);
        for (index, weights) in all.weights.chunks_exact_mut(stride).enumerate() {
            let center = f64::from(start) + ((range.start + index) as f64 + 0.5) * scale;
            // A negative number becomes 0.
            let first = (center - support + 0.5) as usize;
            let last = ((center + support + 0.5) as usize).min(from);
            exact.clear();
            exact.extend(
                (first..last)
                    .map(|sample| kernel((sample as f64 - center + 0.5) * (1.0 / stretch))),
            );
            let sum: f64 = exact.iter().sum();
            for (fixed, weight) in weights.iter_mut().zip(&exact) {
                let weight = if sum == 0.0 { *weight } else { weight / sum };
                *fixed = (weight * f64::from(1 << PRECISION) + 0.5f64.copysign(weight)) as i32;
            }
            all.starts.push(first);
            all.lengths.push(exact.len());
        }
        all
    }

    /// Outputs.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// First input sample and weights of an output.
    pub fn of(&self, output: usize) -> (usize, &[i32]) {
        let at = output * self.stride;
        (
            self.starts[output],
            &self.weights[at..at + self.lengths[output]],
        )
    }

    /// All weights in groups of [`avx2::TAPS`], as many for every output, the last ones zeros.
    #[cfg(target_arch = "x86_64")]
    pub fn groups(&self) -> (&[[i32; avx2::TAPS]], usize) {
        (self.weights.as_chunks().0, self.stride / avx2::TAPS)
    }

    /// The input samples from `first` on that an output takes: where they start, in how many
    /// groups they lie.
    #[cfg(target_arch = "x86_64")]
    pub fn span(&self, output: usize, first: usize) -> (usize, usize) {
        (
            self.starts[output] - first,
            self.lengths[output].div_ceil(avx2::TAPS),
        )
    }

    /// The input samples that any output takes.
    fn range(&self) -> std::ops::Range<usize> {
        let start = self.starts.first().copied().unwrap_or(0);
        let end = self
            .starts
            .iter()
            .zip(&self.lengths)
            .map(|(start, length)| start + length);
        start..end.max().unwrap_or(start)
    }
}

/// Which axis Pillow 13 takes first, found by comparing it with both orders: the vertical one
/// where that takes away more than twice the pixels.
fn vertical_first(from: (usize, usize), to: (usize, usize)) -> bool {
    from.1 > to.1 && (from.0 < to.0 || from.1 - to.1 > 2 * (from.0 - to.0))
}

/// The part of a picture that is resized: left, top, right and bottom.
pub(super) type Part = [f64; 4];

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

/// One output row from as many input rows, `stride` bytes apart, as there are weights. The block
/// of accumulators stays in registers.
#[inline(always)]
pub(super) fn column(from: &[u8], stride: usize, weights: &[i32], to: &mut [u8]) {
    const BLOCK: usize = 32;
    let (blocks, rest) = to.as_chunks_mut::<BLOCK>();
    let rest_at = blocks.len() * BLOCK;
    for (index, block) in blocks.iter_mut().enumerate() {
        let mut sums = [HALF; BLOCK];
        for (y, weight) in weights.iter().enumerate() {
            let at = y * stride + index * BLOCK;
            for (sum, value) in sums.iter_mut().zip(&from[at..at + BLOCK]) {
                *sum = sum.wrapping_add(i32::from(*value).wrapping_mul(*weight));
            }
        }
        *block = sums.map(clip);
    }
    for (x, value) in rest.iter_mut().enumerate() {
        let sum = weights.iter().enumerate().fold(HALF, |sum, (y, weight)| {
            let sample = i32::from(from[y * stride + rest_at + x]);
            sum.wrapping_add(sample.wrapping_mul(*weight))
        });
        *value = clip(sum);
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
