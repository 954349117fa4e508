//! `INTER_LINEAR_EXACT` for bytes: eight bits behind the point, the same on every machine.

use super::super::rows::RowCache;
use super::super::view::{Region, View};

/// Bits behind the point of a weight.
const BITS: i32 = 8;

/// Two neighbours of an axis, and the weight of the second.
struct Pair {
    first: usize,
    second: usize,
    weight: u32,
}

fn pairs(from: usize, to: usize, range: std::ops::Range<usize>) -> Vec<Pair> {
    let scale = 1.0 / (to as f64 / from as f64);
    let pair = |index: usize| {
        let at = scale * (index as f64 + 0.5) - 0.5;
        let first = usize::try_from(at.floor() as i64)
            .unwrap_or(0)
            .min(from - 1);
        let inside = at >= 0.0 && first + 1 < from;
        let fraction = if inside { at - at.floor() } else { 0.0 };
        Pair {
            first,
            second: (first + 1).min(from - 1),
            weight: (fraction * f64::from(1 << BITS)).round_ties_even() as u32,
        }
    };
    range.map(pair).collect()
}

pub(super) fn linear(source: View<'_>, size: (usize, usize), region: Region, out: &mut [u8]) {
    let columns = pairs(source.width, size.0, region.columns());
    let rows = pairs(source.height, size.1, region.rows());
    let mut cache = RowCache::<u16>::new(2, region.width * 3);
    for (to, pair) in out.chunks_exact_mut(region.width * 3).zip(rows) {
        for y in [pair.first, pair.second] {
            cache.make(y, |row| across(source.row(y), &columns, row));
        }
        let both = cache.row(pair.first).iter().zip(cache.row(pair.second));
        for (to, (upper, lower)) in to.iter_mut().zip(both) {
            let first = u32::from(*upper) * ((1 << BITS) - pair.weight);
            let sum = first + u32::from(*lower) * pair.weight;
            *to = ((sum + (1 << (2 * BITS - 1))) >> (2 * BITS)) as u8;
        }
    }
}

fn across(from: &[[u8; 3]], columns: &[Pair], to: &mut [u16]) {
    for (pixel, pair) in to.as_chunks_mut::<3>().0.iter_mut().zip(columns) {
        let (first, second) = (from[pair.first], from[pair.second]);
        for channel in 0..3 {
            let sum = u32::from(first[channel]) * ((1 << BITS) - pair.weight);
            pixel[channel] = (sum + u32::from(second[channel]) * pair.weight) as u16;
        }
    }
}
