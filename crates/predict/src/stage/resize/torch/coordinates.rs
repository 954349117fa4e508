//! Where output samples lie.

use std::ops::Range;

use super::super::kernel::TorchFilter;
use super::super::view::{Region, View};

/// Takes one input pixel for every output pixel, if the filter is a nearest one.
pub(super) fn nearest<T: Copy>(
    source: View<'_>,
    size: (usize, usize),
    exact: bool,
    region: Region,
    value: impl Fn(&[u8; 3]) -> [T; 3],
    out: &mut [T],
) {
    let neighbours = |from: usize, to: usize, range: Range<usize>| -> Vec<usize> {
        let neighbour = |index| match exact {
            true => nearest_exact(from, to, index, is_small(size)),
            false => (index as f32 * scale(from, to)).floor() as usize,
        };
        range.map(|index| neighbour(index).min(from - 1)).collect()
    };
    let columns = neighbours(source.width, size.0, region.columns());
    let rows = neighbours(source.height, size.1, region.rows());
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(rows) {
        let from = source.row(y);
        for (pixel, x) in to.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            *pixel = value(&from[*x]);
        }
    }
}

pub(super) fn nearest_exact(from: usize, to: usize, index: usize, small: bool) -> usize {
    if small {
        return ((index as f64 + 0.5) * f64::from(scale(from, to))) as f32 as usize;
    }
    (f64::from(centre(from, to, index).max(0.0)) + 0.5) as f32 as usize
}

/// Small results come from other code than large ones.
pub(super) fn is_small(size: (usize, usize)) -> bool {
    size.0 + size.1 <= 128
}

pub(super) fn scale(from: usize, to: usize) -> f32 {
    from as f32 / to as f32
}

/// Where an output sample's centre lies, in input samples.
pub(super) fn centre(from: usize, to: usize, index: usize) -> f32 {
    scale(from, to).mul_add(index as f32 + 0.5, -0.5)
}

/// Input samples that each filter reaches, without antialiasing.
pub(super) fn reach(filter: TorchFilter) -> usize {
    match filter {
        TorchFilter::Nearest | TorchFilter::NearestExact => 1,
        TorchFilter::Bilinear => 2,
        TorchFilter::Bicubic => 4,
        TorchFilter::Lanczos => 6,
    }
}
