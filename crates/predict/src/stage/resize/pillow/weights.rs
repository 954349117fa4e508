//! The weights of the convolution, in fixed point.

use std::f64::consts::PI;
use std::ops::Range;

use super::super::kernel::PillowFilter;

/// Weights that a step of [`rows`] takes together.
pub(super) const TAPS: usize = 4;

/// Bits behind the point of a weight: 8 bits of sample and 2 for overshoot are left of 32.
pub(super) const PRECISION: u32 = 32 - 8 - 2;

/// Half, in fixed point: the accumulators start there, so that the shift rounds.
pub(super) const HALF: i32 = 1 << (PRECISION - 1);

/// The part of a picture that is resized: left, top, right and bottom.
pub(super) type Part = [f64; 4];

/// An accumulator's value in 0..=255.
pub(super) fn clip(accumulator: i32) -> u8 {
    (accumulator >> PRECISION).clamp(0, 255) as u8
}

/// The filter's value at `x`, and how far it reaches.
pub(super) fn kernel(filter: PillowFilter) -> (fn(f64) -> f64, f64) {
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
    pub fn new(
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
        let stride = most.next_multiple_of(TAPS);
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

    /// All weights in groups of [`TAPS`], as many for every output, the last ones zeros.
    #[cfg(target_arch = "x86_64")]
    pub fn groups(&self) -> (&[[i32; TAPS]], usize) {
        (self.weights.as_chunks().0, self.stride / TAPS)
    }

    /// The input samples from `first` on that an output takes: where they start, in how many
    /// groups they lie.
    #[cfg(target_arch = "x86_64")]
    pub fn span(&self, output: usize, first: usize) -> (usize, usize) {
        (
            self.starts[output] - first,
            self.lengths[output].div_ceil(TAPS),
        )
    }

    /// The input samples that any output takes.
    pub fn range(&self) -> std::ops::Range<usize> {
        let start = self.starts.first().copied().unwrap_or(0);
        let end = self
            .starts
            .iter()
            .zip(&self.lengths)
            .map(|(start, length)| start + length);
        start..end.max().unwrap_or(start)
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
