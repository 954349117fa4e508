//! `INTER_CUBIC` where IPP takes no part: pictures of fewer than four rows or columns.

use super::super::view::{Region, View};
use super::coordinates::WEIGHT_BITS;
use super::taps;

const TAPS: usize = 4;

/// The cubic filter with a = -0.75.
fn weights(x: f32) -> [f32; TAPS] {
    const A: f32 = -0.75;
    let first = ((A * (x + 1.0) - 5.0 * A) * (x + 1.0) + 8.0 * A) * (x + 1.0) - 4.0 * A;
    let second = ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let rest = 1.0 - x;
    let third = ((A + 2.0) * rest - (A + 3.0)) * rest * rest + 1.0;
    [first, second, third, 1.0 - first - second - third]
}

pub(super) fn bytes(source: View<'_>, size: (usize, usize), region: Region, out: &mut [u8]) {
    let eights = taps::whole(size, region, 8);
    let down = |from: [&[i32]; TAPS], weights: [i16; TAPS], to: &mut [u8]| {
        let scaled = weights.map(|weight| f32::from(weight) / (1 << (2 * WEIGHT_BITS)) as f32);
        for (index, to) in to.iter_mut().enumerate() {
            let term = |tap: usize| from[tap][index] as f32 * scaled[tap];
            *to = if index < eights {
                (term(0) + (term(1) + (term(2) + term(3)))).round_ties_even() as u8
            } else {
                taps::fixed_sum(from, weights, index)
            };
        }
    };
    taps::bytes(source, size, region, weights, down, out);
}

pub(super) fn floats(
    source: View<'_>,
    values: &[f32; 256],
    size: (usize, usize),
    region: Region,
    out: &mut [f32],
) {
    taps::floats(source, values, size, region, weights, out);
}
