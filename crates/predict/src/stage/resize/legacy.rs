//! OpenCV's `INTER_LINEAR` and `INTER_AREA` for eight bits.

use super::view::{Region, View};

/// Bits behind the point of a linear weight.
const LINEAR_BITS: i32 = 11;

/// Two neighbours of one axis and the weight of the second, in fixed point.
#[derive(Debug, Clone, Copy)]
struct Pair {
    first: usize,
    second: usize,
    weight: i32,
}

/// Linear interpolation between the two nearest samples: half-pixel centres, no antialiasing.
pub(super) fn linear(source: View<'_>, to: (usize, usize), region: Region, out: &mut [u8]) {
    if source.width == to.0 * 2 && source.height == to.1 * 2 {
        // Halving is the mean of four; OpenCV takes its area code for it.
        return area(source, to, region, out);
    }
    let centres = |from: usize, to: usize, index: usize| {
        let at = ((index as f64 + 0.5) * (from as f64 / to as f64) - 0.5) as f32;
        (at.floor() as i64, at - at.floor())
    };
    interpolate(source, to, region, out, &centres);
}

fn interpolate(
    source: View<'_>,
    to: (usize, usize),
    region: Region,
    out: &mut [u8],
    position: &dyn Fn(usize, usize, usize) -> (i64, f32),
) {
    let pairs = |from: usize, to: usize, first: usize, count: usize| -> Vec<Pair> {
        (first..first + count)
            .map(|index| {
                let (at, fraction) = position(from, to, index);
                let inside = usize::try_from(at).unwrap_or(0).min(from - 1);
                let clamped = at < 0 || inside + 1 >= from;
                let weight = if clamped { 0.0 } else { fraction };
                Pair {
                    first: inside,
                    second: (inside + 1).min(from - 1),
                    weight: (weight * (1 << LINEAR_BITS) as f32).round_ties_even() as i32,
                }
            })
            .collect()
    };
    let columns = pairs(source.width, to.0, region.left, region.width);
    let rows = pairs(source.height, to.1, region.top, region.height);
    let row_of = |y: usize| source.rgb[y * source.width * 3..].as_chunks::<3>().0;
    for (to, pair) in out.chunks_exact_mut(region.width * 3).zip(rows) {
        let (upper, lower) = (row_of(pair.first), row_of(pair.second));
        for (pixel, column) in to.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            for channel in 0..3 {
                let across = |row: &[[u8; 3]]| {
                    let first = i32::from(row[column.first][channel]);
                    let second = i32::from(row[column.second][channel]);
                    (first << LINEAR_BITS) + (second - first) * column.weight
                };
                let sum = i64::from(across(upper)) * i64::from((1 << LINEAR_BITS) - pair.weight)
                    + i64::from(across(lower)) * i64::from(pair.weight);
                let half = 1 << (2 * LINEAR_BITS - 1);
                pixel[channel] = ((sum + half) >> (2 * LINEAR_BITS)).clamp(0, 255) as u8;
            }
        }
    }
}

/// Input samples with the share that each has in an output sample.
type Shares = Vec<(usize, f32)>;

/// The mean of the area that an output pixel covers, when shrinking in both directions; else
/// linear interpolation that keeps the edges of pixels in place.
pub(super) fn area(source: View<'_>, to: (usize, usize), region: Region, out: &mut [u8]) {
    if source.width < to.0 || source.height < to.1 {
        let edges = |from: usize, to: usize, index: usize| {
            let (scale, inverse) = (from as f64 / to as f64, to as f64 / from as f64);
            let at = (index as f64 * scale).floor();
            let fraction = ((index + 1) as f64 - (at + 1.0) * inverse) as f32;
            (
                at as i64,
                if fraction <= 0.0 {
                    0.0
                } else {
                    fraction - fraction.floor()
                },
            )
        };
        return interpolate(source, to, region, out, &edges);
    }
    let columns: Vec<Shares> = (region.left..region.left + region.width)
        .map(|index| shares(source.width, to.0, index))
        .collect();
    let mut sums = vec![0f32; region.width * 3];
    for (y, row) in out.chunks_exact_mut(region.width * 3).enumerate() {
        sums.fill(0.0);
        for (source_y, share) in shares(source.height, to.1, region.top + y) {
            let from = source.rgb[source_y * source.width * 3..].as_chunks::<3>().0;
            for (sum, column) in sums.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
                let mut across = [0f32; 3];
                for (x, weight) in column {
                    for (across, value) in across.iter_mut().zip(from[*x]) {
                        *across += f32::from(value) * weight;
                    }
                }
                for (sum, across) in sum.iter_mut().zip(across) {
                    *sum += across * share;
                }
            }
        }
        for (value, sum) in row.iter_mut().zip(&sums) {
            *value = sum.round_ties_even() as u8;
        }
    }
}

/// The input samples under output `index`, the outer ones in part.
fn shares(from: usize, to: usize, index: usize) -> Shares {
    let scale = from as f64 / to as f64;
    let (start, end) = (index as f64 * scale, (index + 1) as f64 * scale);
    let cell = scale.min(from as f64 - start);
    let first_whole = start.ceil() as usize;
    let last_whole = (end.floor() as usize).min(from);
    let first_whole = first_whole.min(last_whole);
    let mut shares = Shares::new();
    if first_whole as f64 - start > 1e-3 {
        shares.push((
            first_whole - 1,
            ((first_whole as f64 - start) / cell) as f32,
        ));
    }
    shares.extend((first_whole..last_whole).map(|sample| (sample, (1.0 / cell) as f32)));
    if end - last_whole as f64 > 1e-3 && last_whole < from {
        let share = (end - last_whole as f64).min(1.0).min(cell) / cell;
        shares.push((last_whole, share as f32));
    }
    shares
}
