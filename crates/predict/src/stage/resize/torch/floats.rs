//! Floats: sums in single precision, each product fused with the sum so far.

use std::f64::consts::PI;

use super::super::kernel::TorchFilter;
use super::super::rows::RowCache;
use super::super::vectorised::vectorised;
use super::super::view::{Region, View};
use super::coordinates::{centre, is_small, nearest, reach, scale};

/// The input samples of an output sample, and their weights.
struct Taps {
    samples: Vec<usize>,
    weights: Vec<f32>,
}

fn taps(
    filter: TorchFilter,
    (antialias, small): (bool, bool),
    (from, to): (usize, usize),
    range: std::ops::Range<usize>,
) -> Vec<Taps> {
    if from == to && antialias {
        let one = |index| Taps {
            samples: vec![index],
            weights: vec![1.0],
        };
        return range.map(one).collect();
    }
    range
        .map(|index| match (antialias, filter) {
            (true, _) => antialiased(filter, from, to, index),
            (false, TorchFilter::Bicubic) => cubic(from, to, index),
            (false, _) => linear(from, to, index, small),
        })
        .collect()
}

fn kernel(filter: TorchFilter, x: f32) -> f32 {
    const A: f32 = -0.5;
    let x = x.abs();
    let sinc = |x: f64| {
        if x == 0.0 {
            1.0
        } else {
            (x * PI).sin() / (x * PI)
        }
    };
    let narrow_sinc = |x: f32| {
        let x = x * PI as f32;
        if x == 0.0 {
            1.0
        } else {
            f64::from(x).sin() as f32 / x
        }
    };
    match filter {
        TorchFilter::Bicubic if x < 1.0 => inner_fused(A, x),
        TorchFilter::Bicubic if x < 2.0 => outer_fused(A, x),
        TorchFilter::Bicubic => 0.0,
        TorchFilter::Lanczos if x < 3.0 => {
            (f64::from(narrow_sinc(x)) * sinc(f64::from(x) / 3.0)) as f32
        }
        TorchFilter::Lanczos => 0.0,
        _ => (1.0 - f64::from(x)).max(0.0) as f32,
    }
}

/// The compiler has fused the filter's last sums where it antialiases, and not elsewhere.
fn inner_fused(a: f32, x: f32) -> f32 {
    ((a + 2.0).mul_add(x, -(a + 3.0)) * x).mul_add(x, 1.0)
}

fn outer_fused(a: f32, x: f32) -> f32 {
    a.mul_add(x, -5.0 * a)
        .mul_add(x, 8.0 * a)
        .mul_add(x, -4.0 * a)
}

fn inner(a: f32, x: f32) -> f32 {
    (a + 2.0).mul_add(x, -(a + 3.0)) * x * x + 1.0
}

fn outer(a: f32, x: f32) -> f32 {
    a.mul_add(x, -5.0 * a).mul_add(x, 8.0 * a) * x - 4.0 * a
}

fn antialiased(filter: TorchFilter, from: usize, to: usize, index: usize) -> Taps {
    let scale = scale(from, to);
    let support = (reach(filter) as f64 * 0.5 * f64::from(scale.max(1.0))) as f32;
    let center = (f64::from(scale) * (index as f64 + 0.5)) as f32;
    let inverse = if scale >= 1.0 {
        (1.0 / f64::from(scale)) as f32
    } else {
        1.0
    };
    let start = (f64::from(center - support) + 0.5) as usize;
    let end = ((f64::from(center + support) + 0.5) as usize).min(from);
    let end = end.min(start + support.ceil() as usize * 2 + 1);
    let weight = |sample: usize| {
        let distance = (f64::from(sample as f32 - center) + 0.5) * f64::from(inverse);
        kernel(filter, distance as f32)
    };
    let mut weights: Vec<f32> = (start..end).map(weight).collect();
    let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
    if sum != 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= sum);
    }
    Taps {
        samples: (start..end).collect(),
        weights,
    }
}

fn linear(from: usize, to: usize, index: usize, small: bool) -> Taps {
    if from == to {
        return Taps {
            samples: vec![index, index],
            weights: vec![1.0, 0.0],
        };
    }
    let at = match small {
        true => centre(from, to, index),
        false => scale(from, to) * (index as f32 + 0.5) - 0.5,
    };
    let at = at.max(0.0);
    let first = (at as usize).min(from - 1);
    let behind = (at - first as f32).clamp(0.0, 1.0);
    Taps {
        samples: vec![first, (first + 1).min(from - 1)],
        weights: vec![1.0 - behind, behind],
    }
}

fn cubic(from: usize, to: usize, index: usize) -> Taps {
    const A: f32 = -0.75;
    let at = centre(from, to, index);
    let floor = (at.floor() as i64).min(from as i64 - 1);
    let x = (at - floor as f32).clamp(0.0, 1.0);
    let rest = 1.0 - x;
    let sample = |tap: i64| (floor - 1 + tap).clamp(0, from as i64 - 1) as usize;
    Taps {
        samples: (0..4).map(sample).collect(),
        weights: vec![
            outer(A, x + 1.0),
            inner(A, x),
            inner(A, rest),
            outer(A, rest + 1.0),
        ],
    }
}

pub(crate) fn floats(
    source: View<'_>,
    values: &[f32; 256],
    size: (usize, usize),
    (filter, antialias): (TorchFilter, bool),
    region: Region,
    out: &mut [f32],
) {
    if let TorchFilter::Nearest | TorchFilter::NearestExact = filter {
        let exact = filter == TorchFilter::NearestExact;
        let value = |pixel: &[u8; 3]| pixel.map(|byte| values[usize::from(byte)]);
        return nearest(source, size, exact, region, value, out);
    }
    let antialias = antialias || filter == TorchFilter::Lanczos;
    let small = !antialias && filter == TorchFilter::Bilinear && is_small(size);
    let how = (antialias, small);
    let columns = taps(filter, how, (source.width, size.0), region.columns());
    let rows = taps(filter, how, (source.height, size.1), region.rows());
    if small {
        return four(source, values, &columns, &rows, out);
    }
    let order = if antialias {
        Order::Fours
    } else {
        Order::Second
    };
    let length = region.width * 3;
    let most = rows
        .iter()
        .map(|taps| taps.samples.len())
        .max()
        .unwrap_or(1);
    let mut cache = RowCache::<f32>::new(most, length);
    for (to, taps) in out.chunks_exact_mut(length).zip(&rows) {
        for y in &taps.samples {
            cache.make(*y, |row| {
                across(source.row(*y), values, &columns, order, row);
            });
        }
        down(&cache, taps, order, to);
    }
}

/// Which products are rounded on their own, before they are added to the sum.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Order {
    /// The second one; the first is fused with it, and so are the others in their order.
    Second,
    /// The first one, and as many whole fours of them as follow.
    Fours,
}

impl Order {
    #[inline(always)]
    fn sum(self, count: usize, value: impl Fn(usize) -> f32, weights: &[f32]) -> f32 {
        let product = |tap: usize| value(tap) * weights[tap];
        let fuse = |sum: f32, tap: usize| value(tap).mul_add(weights[tap], sum);
        if self == Self::Second {
            return (2..count).fold(fuse(product(1), 0), fuse);
        }
        let apart = (count - 1) / 4 * 4 + 1;
        let sum = (1..apart).fold(product(0), |sum, tap| sum + product(tap));
        (apart..count).fold(sum, fuse)
    }
}

vectorised! {
    fn across(from: &[[u8; 3]], values: &[f32; 256], columns: &[Taps], order: Order, to: &mut [f32]) {
        for (pixel, taps) in to.as_chunks_mut::<3>().0.iter_mut().zip(columns) {
            let samples = &taps.samples;
            for (channel, to) in pixel.iter_mut().enumerate() {
                let value = |tap: usize| values[usize::from(from[samples[tap]][channel])];
                *to = order.sum(samples.len(), value, &taps.weights);
            }
        }
    }
}

vectorised! {
    fn down(cache: &RowCache<f32>, taps: &Taps, order: Order, to: &mut [f32]) {
        let rows: Vec<&[f32]> = taps.samples.iter().map(|y| cache.row(*y)).collect();
        for (index, to) in to.iter_mut().enumerate() {
            *to = order.sum(rows.len(), |tap| rows[tap][index], &taps.weights);
        }
    }
}

vectorised! {
    /// Bilinear without antialiasing for small results: four products with their own weights.
    fn four(
        source: View<'_>,
        values: &[f32; 256],
        columns: &[Taps],
        rows: &[Taps],
        out: &mut [f32],
    ) {
        for (to, vertical) in out.chunks_exact_mut(columns.len() * 3).zip(rows) {
            let lines = [
                source.row(vertical.samples[0]),
                source.row(vertical.samples[1]),
            ];
            for (pixel, taps) in to.as_chunks_mut::<3>().0.iter_mut().zip(columns) {
                let weight = |tap: usize| vertical.weights[tap / 2] * taps.weights[tap % 2];
                let weights: [f32; 4] = std::array::from_fn(weight);
                for (channel, to) in pixel.iter_mut().enumerate() {
                    let value = |tap: usize| {
                        values[usize::from(lines[tap / 2][taps.samples[tap % 2]][channel])]
                    };
                    *to = Order::Second.sum(4, value, &weights);
                }
            }
        }
    }
}
