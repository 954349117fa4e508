//! OpenCV's own kernels of four and eight neighbours an axis: the outermost pixel counts beyond
//! the edges.

use super::super::rows::RowCache;
use super::super::view::{Region, View};
use super::coordinates::{WEIGHT_BITS, centre, fixed};

/// Neighbours, inside of the picture, and their weights.
pub(super) struct Taps<W, const N: usize> {
    pub samples: [usize; N],
    pub weights: [W; N],
}

/// The weights of the neighbours of a place, by how far it lies behind the one before.
pub(super) type Weights<const N: usize> = fn(f32) -> [f32; N];

pub(super) fn taps<W, const N: usize>(
    from: usize,
    to: usize,
    index: usize,
    weights: Weights<N>,
    weight: fn(f32) -> W,
) -> Taps<W, N> {
    let (at, fraction) = centre(from, to, index);
    let inside = |sample: i64| usize::try_from(sample).unwrap_or(0).min(from - 1);
    let before = N as i64 / 2 - 1;
    Taps {
        samples: std::array::from_fn(|tap| inside(at + tap as i64 - before)),
        weights: weights(fraction).map(weight),
    }
}

/// A row's weighted sums, from the first tap to the last.
pub(super) fn across<T, W: Copy, const N: usize>(
    from: &[[u8; 3]],
    value: impl Fn(u8) -> T,
    weight: impl Fn(W) -> T,
    columns: &[Taps<W, N>],
    to: &mut [T],
) where
    T: Copy + std::ops::Mul<Output = T> + std::ops::Add<Output = T>,
{
    for (pixel, taps) in to.as_chunks_mut::<3>().0.iter_mut().zip(columns) {
        for (channel, to) in pixel.iter_mut().enumerate() {
            let term =
                |tap: usize| value(from[taps.samples[tap]][channel]) * weight(taps.weights[tap]);
            *to = (1..N).fold(term(0), |sum, tap| sum + term(tap));
        }
    }
}

/// Resizes bytes with weights in fixed point; `down` makes a row of as many sums as there are
/// taps.
pub(super) fn bytes<const N: usize>(
    source: View<'_>,
    size: (usize, usize),
    region: Region,
    weights: Weights<N>,
    down: impl Fn([&[i32]; N], [i16; N], &mut [u8]),
    out: &mut [u8],
) {
    let columns: Vec<Taps<i16, N>> = region
        .columns()
        .map(|x| taps(source.width, size.0, x, weights, fixed))
        .collect();
    let mut cache = RowCache::<i32>::new(N, region.width * 3);
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let rows = taps(source.height, size.1, y, weights, fixed);
        for y in rows.samples {
            cache.make(y, |row| {
                across(source.row(y), i32::from, i32::from, &columns, row);
            });
        }
        down(rows.samples.map(|y| cache.row(y)), rows.weights, to);
    }
}

/// A sum in fixed point of one value of each row.
pub(super) fn fixed_sum<const N: usize>(from: [&[i32]; N], weights: [i16; N], index: usize) -> u8 {
    const BITS: i32 = 2 * WEIGHT_BITS;
    let terms = from.iter().zip(weights);
    let sum = terms.fold(1i32 << (BITS - 1), |sum, (row, weight)| {
        sum.wrapping_add(row[index].wrapping_mul(i32::from(weight)))
    });
    (sum >> BITS).clamp(0, 255) as u8
}

pub(super) fn floats<const N: usize>(
    source: View<'_>,
    values: &[f32; 256],
    size: (usize, usize),
    region: Region,
    weights: Weights<N>,
    out: &mut [f32],
) {
    let columns: Vec<Taps<f32, N>> = region
        .columns()
        .map(|x| taps(source.width, size.0, x, weights, |weight| weight))
        .collect();
    let value = |byte: u8| values[usize::from(byte)];
    let fours = whole(size, region, 4);
    let mut cache = RowCache::<f32>::new(N, region.width * 3);
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let rows = taps(source.height, size.1, y, weights, |weight| weight);
        for y in rows.samples {
            cache.make(y, |row| {
                across(source.row(y), value, |weight| weight, &columns, row);
            });
        }
        let from = rows.samples.map(|y| cache.row(y));
        for (index, to) in to.iter_mut().enumerate() {
            let term = |tap: usize| from[tap][index] * rows.weights[tap];
            *to = if index < fours {
                (0..N - 1)
                    .rev()
                    .fold(term(N - 1), |sum, tap| term(tap) + sum)
            } else {
                (1..N).fold(term(0), |sum, tap| sum + term(tap))
            };
        }
    }
}

/// Values of a region's row that OpenCV takes `step` at a time, from the last tap to the first.
/// What is left of a whole row it takes from the first to the last.
pub(super) fn whole(size: (usize, usize), region: Region, step: usize) -> usize {
    (size.0 * 3 / step * step).saturating_sub(region.left * 3)
}
