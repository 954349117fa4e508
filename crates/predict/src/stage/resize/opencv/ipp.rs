//! What OpenCV's x86 wheels leave to Intel's IPP: `INTER_CUBIC`, and `INTER_LINEAR` for floats.
//!
//! IPP fuses multiplications with additions, and does so in an order of its own for processors
//! with AVX-512, for those with AVX2 and for others. The results of the cubic kernel differ
//! between them in the last bit, which is one level in a few bytes of a million. This is what
//! processors with AVX-512 do, wherever it runs.

use super::super::rows::RowCache;
use super::super::vectorised::vectorised;
use super::super::view::{Region, View};

/// The shortest side that IPP takes; OpenCV resizes shorter ones itself.
pub(super) const LINEAR_LEAST: usize = 2;
pub(super) const CUBIC_LEAST: usize = 4;

/// Where an output sample's centre lies: the sample before it, and how far behind that.
fn centre(from: usize, to: usize, index: usize) -> (i64, f32) {
    let at = (index as f64 + 0.5) * (from as f64 / to as f64) - 0.5;
    (at.floor() as i64, (at - at.floor()) as f32)
}

/// Two neighbours, and the weight of the second.
struct Pair {
    first: usize,
    second: usize,
    weight: f32,
}

fn pair(from: usize, to: usize, index: usize) -> Pair {
    let (at, fraction) = centre(from, to, index);
    let first = usize::try_from(at).unwrap_or(0).min(from - 1);
    Pair {
        first,
        second: (first + 1).min(from - 1),
        weight: if at < 0 { 0.0 } else { fraction },
    }
}

pub(super) fn linear(
    source: View<'_>,
    values: &[f32; 256],
    size: (usize, usize),
    region: Region,
    out: &mut [f32],
) {
    let columns: Vec<Pair> = region
        .columns()
        .map(|x| pair(source.width, size.0, x))
        .collect();
    let mut cache = RowCache::<f32>::new(2, region.width * 3);
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let rows = pair(source.height, size.1, y);
        for y in [rows.first, rows.second] {
            cache.make(y, |row| {
                across_linear(source.row(y), values, &columns, row);
            });
        }
        let (upper, lower) = (cache.row(rows.first), cache.row(rows.second));
        down_linear(upper, lower, rows.weight, to);
    }
}

#[inline(always)]
fn between(first: f32, second: f32, weight: f32) -> f32 {
    (second - first).mul_add(weight, first)
}

vectorised! {
    fn across_linear(from: &[[u8; 3]], values: &[f32; 256], columns: &[Pair], to: &mut [f32]) {
        for (pixel, pair) in to.as_chunks_mut::<3>().0.iter_mut().zip(columns) {
            let (first, second) = (from[pair.first], from[pair.second]);
            for channel in 0..3 {
                let value = |byte: u8| values[usize::from(byte)];
                pixel[channel] = between(value(first[channel]), value(second[channel]), pair.weight);
            }
        }
    }
}

vectorised! {
    fn down_linear(upper: &[f32], lower: &[f32], weight: f32, to: &mut [f32]) {
        for ((to, upper), lower) in to.iter_mut().zip(upper).zip(lower) {
            *to = between(*upper, *lower, weight);
        }
    }
}

/// Four neighbours, inside of the picture, and their weights.
struct Taps {
    samples: [usize; 4],
    weights: [f32; 4],
    /// Whether one of the four lies outside: the outermost sample stands for it.
    outside: bool,
}

fn taps(from: usize, to: usize, index: usize) -> Taps {
    let (at, fraction) = centre(from, to, index);
    let inside = |sample: i64| usize::try_from(sample).unwrap_or(0).min(from - 1);
    Taps {
        samples: std::array::from_fn(|tap| inside(at + tap as i64 - 1)),
        weights: weights(fraction),
        outside: at < 1 || at + 2 >= from as i64,
    }
}

/// The cubic filter with a = -0.75, of a fraction that has lost a bit by the addition of 1.
fn weights(fraction: f32) -> [f32; 4] {
    const A: f64 = -0.75;
    let x = f64::from(1.0 + fraction) - 1.0;
    let inner = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let outer = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    [outer(1.0 + x), inner(x), inner(1.0 - x), outer(2.0 - x)].map(|weight| weight as f32)
}

/// The products added one after the other, in this order of taps.
#[inline(always)]
fn chain(values: [f32; 4], weights: [f32; 4], order: [usize; 4]) -> f32 {
    let [a, b, c, d] = order;
    let fuse = |sum: f32, tap: usize| values[tap].mul_add(weights[tap], sum);
    fuse(fuse(fuse(values[a] * weights[a], b), c), d)
}

/// The products added two by two; the second of each pair is rounded on its own.
#[inline(always)]
fn pairs(values: [f32; 4], weights: [f32; 4], order: [usize; 4]) -> f32 {
    let [a, b, c, d] = order;
    let first = values[a].mul_add(weights[a], values[b] * weights[b]);
    first + values[c].mul_add(weights[c], values[d] * weights[d])
}

pub(super) fn cubic_bytes(source: View<'_>, size: (usize, usize), region: Region, out: &mut [u8]) {
    let columns: Vec<Taps> = region
        .columns()
        .map(|x| taps(source.width, size.0, x))
        .collect();
    let mut cache = RowCache::<f32>::new(4, region.width * 3);
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let rows = taps(source.height, size.1, y);
        for y in rows.samples {
            cache.make(y, |row| across_bytes(source.row(y), &columns, row));
        }
        let from = rows.samples.map(|y| cache.row(y));
        down_bytes(from, rows.weights, to);
    }
}

vectorised! {
    fn across_bytes(from: &[[u8; 3]], columns: &[Taps], to: &mut [f32]) {
        for (pixel, taps) in to.as_chunks_mut::<3>().0.iter_mut().zip(columns) {
            let samples = taps.samples.map(|x| from[x].map(f32::from));
            for (channel, to) in pixel.iter_mut().enumerate() {
                let values = samples.map(|sample| sample[channel]);
                *to = chain(values, taps.weights, [0, 1, 2, 3]);
            }
        }
    }
}

vectorised! {
    fn down_bytes(from: [&[f32]; 4], weights: [f32; 4], to: &mut [u8]) {
        let from = from.map(|row| &row[..to.len()]);
        for (index, to) in to.iter_mut().enumerate() {
            let sum = pairs(from.map(|row| row[index]), weights, [0, 1, 2, 3]);
            *to = sum.round_ties_even() as u8;
        }
    }
}

pub(super) fn cubic(
    source: View<'_>,
    values: &[f32; 256],
    size: (usize, usize),
    region: Region,
    out: &mut [f32],
) {
    let all: Vec<Taps> = (0..size.0).map(|x| taps(source.width, size.0, x)).collect();
    let columns = &all[region.columns()];
    let orders = orders(&all, region);
    let length = region.width * 3;
    let mut cache = RowCache::<f32>::new(4, length * 3);
    for (to, y) in out.chunks_exact_mut(length).zip(region.rows()) {
        let rows = taps(source.height, size.1, y);
        for y in rows.samples {
            cache.make(y, |row| {
                across_floats(source.row(y), values, columns, row);
            });
        }
        let from = rows.samples.map(|y| cache.row(y));
        down(from, &rows, &orders, to);
    }
}

vectorised! {
    /// Three sums for every value, as it depends on the row what they are needed for.
    fn across_floats(from: &[[u8; 3]], values: &[f32; 256], columns: &[Taps], to: &mut [f32]) {
        let length = columns.len() * 3;
        let (inside, outside) = to.split_at_mut(length);
        let (outer, inner) = outside.split_at_mut(length);
        for (x, taps) in columns.iter().enumerate() {
            for channel in 0..3 {
                let sample = |x: usize| values[usize::from(from[x][channel])];
                let (samples, at) = (taps.samples.map(sample), x * 3 + channel);
                inside[at] = pairs(samples, taps.weights, [0, 3, 1, 2]);
                outer[at] = chain(samples, taps.weights, [0, 1, 2, 3]);
                inner[at] = chain(samples, taps.weights, [1, 0, 2, 3]);
            }
        }
    }
}

/// How the four sums of a value in a row inside are added.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    Inside,
    /// What is left of a row that is taken four values at a time.
    Rest,
    Outside,
}

fn orders(all: &[Taps], region: Region) -> Vec<Order> {
    let inside = all.iter().filter(|taps| !taps.outside).count();
    let rest = inside * 3 % 4;
    let last = all.iter().rposition(|taps| !taps.outside);
    let order = |x: usize, channel: usize| match all[x].outside {
        true => Order::Outside,
        false if Some(x) == last && channel + rest >= 3 => Order::Rest,
        false => Order::Inside,
    };
    region
        .columns()
        .flat_map(|x| (0..3).map(move |channel| order(x, channel)))
        .collect()
}

vectorised! {
    fn down(from: [&[f32]; 4], rows: &Taps, orders: &[Order], to: &mut [f32]) {
        let length = to.len();
        for (index, (to, order)) in to.iter_mut().zip(orders).enumerate() {
            if rows.outside || *order == Order::Outside {
                let part = [1, 2, 2, 1];
                let product = |tap: usize| from[tap][part[tap] * length + index] * rows.weights[tap];
                *to = (product(0) + product(2)) + (product(1) + product(3));
                continue;
            }
            let values = from.map(|row| row[index]);
            let order = if *order == Order::Rest {
                [1, 0, 2, 3]
            } else {
                [0, 1, 2, 3]
            };
            *to = pairs(values, rows.weights, order);
        }
    }
}
