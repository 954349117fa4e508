//! Bytes as bytes: weights of 16 bits, rounded to eight bits between the two axes.

use std::f64::consts::PI;

use super::super::kernel::TorchFilter;
use super::super::rows::RowCache;
use super::super::view::{Region, View};
use super::coordinates::{nearest, reach};

/// The weights of one axis in fixed point, and the input samples that they start from.
struct Axis {
    starts: Vec<usize>,
    weights: Vec<Vec<i32>>,
    /// Bits behind the point.
    precision: u32,
}

impl Axis {
    fn new(filter: TorchFilter, antialias: bool, from: usize, to: usize) -> Self {
        let mut most = 0.0f64;
        let exact: Vec<(usize, Vec<f64>)> = (0..to)
            .map(|index| match antialias {
                true => antialiased(filter, from, to, index, &mut most),
                false => plain(filter, from, to, index, &mut most),
            })
            .collect();
        let fits = |bits: &u32| ((0.5 + most * f64::from(1 << (bits + 1))) as i32) < 1 << 15;
        let precision = (0..22).find(|bits| !fits(bits)).unwrap_or(22);
        let fixed = |weight: &f64| {
            let scaled = weight * f64::from(1 << precision);
            (scaled + 0.5f64.copysign(scaled)) as i32
        };
        Self {
            starts: exact.iter().map(|(start, _)| *start).collect(),
            weights: exact
                .iter()
                .map(|(_, weights)| weights.iter().map(fixed).collect())
                .collect(),
            precision,
        }
    }

    /// A sum's value in 0..=255.
    fn clip(&self, sum: i32) -> u8 {
        (sum >> self.precision).clamp(0, 255) as u8
    }

    fn half(&self) -> i32 {
        1 << (self.precision - 1)
    }
}

fn kernel(filter: TorchFilter, antialias: bool, x: f64) -> f64 {
    let x = x.abs();
    let sinc = |x: f64| {
        if x == 0.0 {
            1.0
        } else {
            (x * PI).sin() / (x * PI)
        }
    };
    match filter {
        TorchFilter::Bicubic => {
            let a = if antialias { -0.5 } else { -0.75 };
            if x < 1.0 {
                ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
            } else if x < 2.0 {
                ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
            } else {
                0.0
            }
        }
        TorchFilter::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
        TorchFilter::Lanczos => 0.0,
        _ => (1.0 - x).max(0.0),
    }
}

/// The first sample and the weights; `most` becomes the greatest weight so far.
fn antialiased(
    filter: TorchFilter,
    from: usize,
    to: usize,
    index: usize,
    most: &mut f64,
) -> (usize, Vec<f64>) {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = reach(filter) as f64 * 0.5 * stretch;
    let center = scale * (index as f64 + 0.5);
    let start = (center - support + 0.5) as usize;
    let end = ((center + support + 0.5) as usize).min(from);
    let end = end.min(start + support.ceil() as usize * 2 + 1);
    let weight = |sample: usize| {
        kernel(
            filter,
            true,
            (sample as f64 - center + 0.5) * (1.0 / stretch),
        )
    };
    let mut weights: Vec<f64> = (start..end).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    if sum != 0.0 {
        for weight in &mut weights {
            *weight /= sum;
            *most = most.max(*weight);
        }
    }
    (start, weights)
}

/// Weights of samples beyond the edges go to the outermost sample. `most` also counts what the
/// sums pass through.
fn plain(
    filter: TorchFilter,
    from: usize,
    to: usize,
    index: usize,
    most: &mut f64,
) -> (usize, Vec<f64>) {
    let reach = reach(filter) as i64;
    let at = (from as f64 / to as f64) * (index as f64 + 0.5) - 0.5;
    let at = if reach > 2 { at } else { at.max(0.0) };
    let floor = (at.floor() as i64).min(from as i64 - 1);
    let behind = (at - floor as f64).clamp(0.0, 1.0);
    let first = floor - reach / 2 + 1;
    let last = from as i64 - 1;
    let start = first.clamp(0, last);
    let end = (first + reach - 1).clamp(0, last);
    let mut weights = vec![0.0; (end - start) as usize + 1];
    for tap in 0..reach {
        let sample = (first + tap).clamp(0, last);
        let distance = (tap + 1 - reach / 2) as f64 - behind;
        let weight = &mut weights[(sample - start) as usize];
        *weight += kernel(filter, false, distance);
        *most = most.max(*weight);
    }
    (start as usize, weights)
}

pub(crate) fn bytes(
    source: View<'_>,
    size: (usize, usize),
    filter: TorchFilter,
    antialias: bool,
    region: Region,
    out: &mut [u8],
) {
    if let TorchFilter::Nearest | TorchFilter::NearestExact = filter {
        let exact = filter == TorchFilter::NearestExact;
        return nearest(source, size, exact, region, |pixel| *pixel, out);
    }
    let antialias = antialias || filter == TorchFilter::Lanczos;
    let axis =
        |from: usize, to: usize| (from != to).then(|| Axis::new(filter, antialias, from, to));
    let (columns, rows) = (axis(source.width, size.0), axis(source.height, size.1));
    let across = |y: usize, to: &mut [u8]| {
        let from = source.row(y);
        match &columns {
            Some(axis) => across(axis, from, region, to),
            None => to.copy_from_slice(from[region.columns()].as_flattened()),
        }
    };
    let lines = out.chunks_exact_mut(region.width * 3).zip(region.rows());
    let Some(rows) = &rows else {
        lines.for_each(|(to, y)| across(y, to));
        return;
    };
    let most = rows.weights.iter().map(Vec::len).max().unwrap_or(1);
    let mut cache = RowCache::<u8>::new(most, region.width * 3);
    let mut sums = vec![0i32; region.width * 3];
    for (to, y) in lines {
        let start = rows.starts[y];
        sums.fill(rows.half());
        for (index, weight) in rows.weights[y].iter().enumerate() {
            cache.make(start + index, |row| across(start + index, row));
            for (sum, value) in sums.iter_mut().zip(cache.row(start + index)) {
                *sum += i32::from(*value) * weight;
            }
        }
        for (to, sum) in to.iter_mut().zip(&sums) {
            *to = rows.clip(*sum);
        }
    }
}

fn across(axis: &Axis, from: &[[u8; 3]], region: Region, to: &mut [u8]) {
    let pixels = to.as_chunks_mut::<3>().0.iter_mut().zip(region.columns());
    for (pixel, x) in pixels {
        let mut sums = [axis.half(); 3];
        for (sample, weight) in from[axis.starts[x]..].iter().zip(&axis.weights[x]) {
            for (sum, value) in sums.iter_mut().zip(sample) {
                *sum += i32::from(*value) * weight;
            }
        }
        *pixel = sums.map(|sum| axis.clip(sum));
    }
}
