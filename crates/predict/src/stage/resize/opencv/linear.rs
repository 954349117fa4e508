//! `INTER_LINEAR` for bytes, and what `INTER_AREA` enlarges with: two neighbours of each axis.

use super::super::rows::RowCache;
use super::super::vectorised::vectorised;
use super::super::view::{Region, View};
use super::coordinates::{WEIGHT_BITS, fixed};

/// Where output sample `index` of an axis lies, of `from` samples brought to `to`.
type Place = fn(from: usize, to: usize, index: usize) -> (i64, f32);

/// Two neighbours of a row, and the weights of both.
struct Pair<W> {
    first: usize,
    second: usize,
    weights: [W; 2],
}

/// Outside of the picture the nearest sample counts alone.
fn columns<W>(
    from: usize,
    to: usize,
    region: Region,
    place: Place,
    weight: fn(f32) -> W,
) -> Vec<Pair<W>> {
    let pair = |x| {
        let (at, fraction) = place(from, to, x);
        let first = usize::try_from(at).unwrap_or(0).min(from - 1);
        let fraction = if at < 0 || first + 1 >= from {
            0.0
        } else {
            fraction
        };
        Pair {
            first,
            second: (first + 1).min(from - 1),
            weights: [weight(1.0 - fraction), weight(fraction)],
        }
    };
    region.columns().map(pair).collect()
}

/// In the other direction the nearest row counts twice, with both weights.
fn rows(from: usize, at: i64) -> (usize, usize) {
    let inside = |y: i64| usize::try_from(y).unwrap_or(0).min(from - 1);
    (inside(at), inside(at + 1))
}

pub(super) fn bytes(
    source: View<'_>,
    size: (usize, usize),
    region: Region,
    place: Place,
    out: &mut [u8],
) {
    let columns = columns(source.width, size.0, region, place, fixed);
    let mut cache = RowCache::<i16>::new(2, region.width * 3);
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let (at, fraction) = place(source.height, size.1, y);
        let (upper, lower) = rows(source.height, at);
        for y in [upper, lower] {
            cache.make(y, |row| across_bytes(source.row(y), &columns, row));
        }
        let weights = [fixed(1.0 - fraction), fixed(fraction)];
        let (upper, lower) = (cache.row(upper), cache.row(lower));
        down_bytes(upper, lower, weights, to);
    }
}

vectorised! {
    /// The sums of a row, without the four lowest bits.
    fn across_bytes(from: &[[u8; 3]], columns: &[Pair<i16>], to: &mut [i16]) {
        for (pixel, pair) in to.as_chunks_mut::<3>().0.iter_mut().zip(columns) {
            let (first, second) = (from[pair.first], from[pair.second]);
            let [a, b] = pair.weights.map(i32::from);
            for channel in 0..3 {
                let sum = i32::from(first[channel]) * a + i32::from(second[channel]) * b;
                pixel[channel] = (sum >> 4) as i16;
            }
        }
    }
}

vectorised! {
    fn down_bytes(upper: &[i16], lower: &[i16], weights: [i16; 2], to: &mut [u8]) {
        let high = |a: i16, b: i16| ((i32::from(a) * i32::from(b)) >> 16) as i16;
        for ((to, upper), lower) in to.iter_mut().zip(upper).zip(lower) {
            let sum = high(*upper, weights[0]) + high(*lower, weights[1]);
            *to = ((sum + 2) >> (2 * WEIGHT_BITS - 4 - 16)).clamp(0, 255) as u8;
        }
    }
}

pub(super) fn floats(
    source: View<'_>,
    values: &[f32; 256],
    size: (usize, usize),
    region: Region,
    place: Place,
    out: &mut [f32],
) {
    let columns = columns(source.width, size.0, region, place, |weight| weight);
    let mut cache = RowCache::<f32>::new(2, region.width * 3);
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let (at, fraction) = place(source.height, size.1, y);
        let (upper, lower) = rows(source.height, at);
        for y in [upper, lower] {
            cache.make(y, |row| {
                across_floats(source.row(y), values, &columns, row);
            });
        }
        let (upper, lower) = (cache.row(upper), cache.row(lower));
        for ((to, upper), lower) in to.iter_mut().zip(upper).zip(lower) {
            *to = upper * (1.0 - fraction) + lower * fraction;
        }
    }
}

fn across_floats(from: &[[u8; 3]], values: &[f32; 256], columns: &[Pair<f32>], to: &mut [f32]) {
    for (pixel, pair) in to.as_chunks_mut::<3>().0.iter_mut().zip(columns) {
        let value = |at: usize, channel: usize| values[usize::from(from[at][channel])];
        for (channel, to) in pixel.iter_mut().enumerate() {
            let first = value(pair.first, channel) * pair.weights[0];
            *to = first + value(pair.second, channel) * pair.weights[1];
        }
    }
}
