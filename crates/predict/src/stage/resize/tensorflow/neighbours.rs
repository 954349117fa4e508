//! Bilinear and bicubic without antialiasing: two and four neighbours of each axis.

use super::super::view::Region;
use super::source::{Source, centre};

/// Two neighbours, and the weight of the second.
struct Pair {
    first: usize,
    second: usize,
    weight: f32,
}

fn pair(from: usize, to: usize, index: usize) -> Pair {
    let at = centre(from, to, index);
    Pair {
        first: at.floor().max(0.0) as usize,
        second: (at.ceil().max(0.0) as usize).min(from - 1),
        weight: at - at.floor(),
    }
}

pub(super) fn bilinear(source: Source<'_>, size: (usize, usize), region: Region, out: &mut [f32]) {
    let columns: Vec<Pair> = region
        .columns()
        .map(|x| pair(source.view.width, size.0, x))
        .collect();
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let rows = pair(source.view.height, size.1, y);
        let lines = [source.view.row(rows.first), source.view.row(rows.second)];
        for (pixel, pair) in to.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            for (channel, to) in pixel.iter_mut().enumerate() {
                let across = lines.map(|line| {
                    let first = source.value(line[pair.first][channel]);
                    let second = source.value(line[pair.second][channel]);
                    first + (second - first) * pair.weight
                });
                *to = across[0] + (across[1] - across[0]) * rows.weight;
            }
        }
    }
}

/// Four neighbours, inside of the picture, and their weights.
struct Taps {
    samples: [usize; 4],
    weights: [f32; 4],
}

/// What lies beyond the edges has no weight; the other weights are scaled up for it.
fn taps(from: usize, to: usize, index: usize) -> Taps {
    /// Fractions are rounded to this many places.
    const PLACES: f32 = 1024.0;
    let at = centre(from, to, index);
    let floor = at.floor() as i64;
    let place = ((at - floor as f32) * PLACES).round_ties_even();
    let (before, behind) = (place / PLACES, (PLACES - place) / PLACES);
    let weights = [outer(before), inner(before), inner(behind), outer(behind)];
    let bound = |tap: usize| {
        let sample = floor + tap as i64 - 1;
        let inside = sample.clamp(0, from as i64 - 1);
        (
            inside as usize,
            if inside == sample { weights[tap] } else { 0.0 },
        )
    };
    let all: [(usize, f32); 4] = std::array::from_fn(bound);
    let sum = all[0].1 + all[1].1 + all[2].1 + all[3].1;
    let share = if sum.abs() >= 1000.0 * f32::MIN_POSITIVE {
        1.0 / sum
    } else {
        1.0
    };
    Taps {
        samples: all.map(|(sample, _)| sample),
        weights: all.map(|(_, weight)| weight * share),
    }
}

/// The cubic filter with a = -0.5, up to 1.
fn inner(x: f32) -> f32 {
    const A: f64 = -0.5;
    let x = f64::from(x);
    (((A + 2.0) * x - (A + 3.0)) * x * x + 1.0) as f32
}

/// The same filter from 1 on, of what is behind 1.
fn outer(x: f32) -> f32 {
    const A: f64 = -0.5;
    let x = f64::from(x + 1.0);
    (((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A) as f32
}

pub(super) fn bicubic(source: Source<'_>, size: (usize, usize), region: Region, out: &mut [f32]) {
    let columns: Vec<Taps> = region
        .columns()
        .map(|x| taps(source.view.width, size.0, x))
        .collect();
    let mut down = vec![0f32; source.view.width * 3];
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let rows = taps(source.view.height, size.1, y);
        let lines = rows.samples.map(|y| source.view.row(y).as_flattened());
        for (index, to) in down.iter_mut().enumerate() {
            *to = sum(lines.map(|line| source.value(line[index])), rows.weights);
        }
        for (pixel, taps) in to.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            for (channel, to) in pixel.iter_mut().enumerate() {
                *to = sum(taps.samples.map(|x| down[x * 3 + channel]), taps.weights);
            }
        }
    }
}

fn sum(values: [f32; 4], weights: [f32; 4]) -> f32 {
    let products: [f32; 4] = std::array::from_fn(|tap| values[tap] * weights[tap]);
    products[0] + products[1] + products[2] + products[3]
}
