//! TensorFlow's `ScaleAndTranslate`: all filters with antialiasing, and Lanczos without.

use super::super::kernel::TensorFlowFilter;
use super::super::view::Region;
use super::source::Source;

/// The input samples of an output sample from `start` on, and their weights.
struct Span {
    start: usize,
    weights: Vec<f32>,
}

fn radius(filter: TensorFlowFilter) -> f32 {
    match filter {
        TensorFlowFilter::Bicubic => 2.0,
        TensorFlowFilter::Lanczos3 => 3.0,
        TensorFlowFilter::Lanczos5 => 5.0,
        _ => 1.0,
    }
}

fn kernel(filter: TensorFlowFilter, x: f32) -> f32 {
    let x = x.abs();
    match filter {
        TensorFlowFilter::Bicubic if x >= 2.0 => 0.0,
        TensorFlowFilter::Bicubic if x >= 1.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        TensorFlowFilter::Bicubic => ((1.5 * x - 2.5) * x) * x + 1.0,
        TensorFlowFilter::Lanczos3 | TensorFlowFilter::Lanczos5 => lanczos(radius(filter), x),
        _ => (1.0 - x).max(0.0),
    }
}

fn lanczos(radius: f32, x: f32) -> f32 {
    use std::f32::consts::PI;
    if x > radius {
        0.0
    } else if x <= 1e-3 {
        1.0
    } else {
        radius * (PI * x).sin() * (PI * x / radius).sin() / (PI * PI * x * x)
    }
}

fn span(
    (filter, antialias): (TensorFlowFilter, bool),
    from: usize,
    to: usize,
    index: usize,
) -> Span {
    let inverse = (1.0 / f64::from(to as f32 / from as f32)) as f32;
    let stretch = if antialias { inverse.max(1.0) } else { 1.0 };
    let reach = radius(filter) * stretch;
    let at = (index as f32 + 0.5) * inverse;
    let inside = |sample: f32| (sample as i64).clamp(0, from as i64 - 1) as usize;
    let start = inside((at - reach - 0.5).ceil());
    let end = inside((at + reach - 0.5).floor()) + 1;
    let weight = |sample: usize| kernel(filter, (sample as f32 + 0.5 - at) * (1.0 / stretch));
    let mut weights: Vec<f32> = (start..end).map(weight).collect();
    let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
    if sum.abs() >= 1000.0 * f32::MIN_POSITIVE {
        let share = 1.0 / sum;
        weights.iter_mut().for_each(|weight| *weight *= share);
    }
    Span { start, weights }
}

/// Down first, then across.
pub(super) fn resize(
    source: Source<'_>,
    size: (usize, usize),
    how: (TensorFlowFilter, bool),
    region: Region,
    out: &mut [f32],
) {
    let columns: Vec<Span> = region
        .columns()
        .map(|x| span(how, source.view.width, size.0, x))
        .collect();
    let mut down = vec![0f32; source.view.width * 3];
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let rows = span(how, source.view.height, size.1, y);
        down.fill(0.0);
        for (index, weight) in rows.weights.iter().enumerate() {
            let from = source.view.row(rows.start + index).as_flattened();
            for (sum, byte) in down.iter_mut().zip(from) {
                *sum += source.value(*byte) * weight;
            }
        }
        let pixels = down.as_chunks::<3>().0;
        for (pixel, span) in to.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            let mut sums = [0f32; 3];
            for (sample, weight) in pixels[span.start..].iter().zip(&span.weights) {
                for (sum, value) in sums.iter_mut().zip(sample) {
                    *sum += value * weight;
                }
            }
            *pixel = sums;
        }
    }
}
