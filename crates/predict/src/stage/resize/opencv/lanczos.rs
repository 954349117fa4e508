//! `INTER_LANCZOS4`: eight neighbours of each axis.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use super::super::view::{Region, View};
use super::taps;

const TAPS: usize = 8;

pub(super) fn bytes(source: View<'_>, size: (usize, usize), region: Region, out: &mut [u8]) {
    let down = |from: [&[i32]; TAPS], weights: [i16; TAPS], to: &mut [u8]| {
        for (index, to) in to.iter_mut().enumerate() {
            *to = taps::fixed_sum(from, weights, index);
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

/// The weights of eight samples with the place `x` behind the fourth, summing to about 1.
fn weights(x: f32) -> [f32; TAPS] {
    /// Sine and cosine of the eighths of a turn between the samples.
    const TURNS: [(f64, f64); TAPS] = [
        (1.0, 0.0),
        (-FRAC_1_SQRT_2, -FRAC_1_SQRT_2),
        (0.0, 1.0),
        (FRAC_1_SQRT_2, -FRAC_1_SQRT_2),
        (-1.0, 0.0),
        (FRAC_1_SQRT_2, FRAC_1_SQRT_2),
        (0.0, -1.0),
        (-FRAC_1_SQRT_2, FRAC_1_SQRT_2),
    ];
    let (sine, cosine) = (-f64::from(x + 3.0) * PI * 0.25).sin_cos();
    let weights: [f32; TAPS] = std::array::from_fn(|tap| {
        let distance = x + 3.0 - tap as f32;
        if distance.abs() < 1e-6 {
            // On a sample: the others vanish beside it.
            return 1e30;
        }
        let y = -f64::from(distance) * PI * 0.25;
        let (of_sine, of_cosine) = TURNS[tap];
        ((of_sine * sine + of_cosine * cosine) / (y * y)) as f32
    });
    let share = 1.0 / weights.iter().fold(0.0, |sum, weight| sum + weight);
    weights.map(|weight| weight * share)
}
