//! OpenCV 5's `resize`, as its x86 wheels do it: its own code, and Intel's IPP where it asks that.

mod area;
mod coordinates;
mod cubic;
mod exact;
mod ipp;
mod lanczos;
mod linear;
mod taps;

use std::ops::Range;

use self::coordinates::{centre, scale};
use super::kernel::OpenCvFilter;
use super::pillow;
use super::view::{Region, View};

/// Resizes bytes.
pub(super) fn bytes(
    source: View<'_>,
    size: (usize, usize),
    filter: OpenCvFilter,
    region: Region,
    out: &mut [u8],
) {
    match filter {
        OpenCvFilter::Nearest => pick(source, size, region, nearest, |pixel| *pixel, out),
        OpenCvFilter::NearestExact => {
            pick(source, size, region, nearest_exact, |pixel| *pixel, out)
        }
        OpenCvFilter::Linear | OpenCvFilter::LinearExact if area::halves(source, size) => {
            area::bytes(source, size, region, out);
        }
        OpenCvFilter::Linear => linear::bytes(source, size, region, centre, out),
        OpenCvFilter::LinearExact => exact::linear(source, size, region, out),
        OpenCvFilter::Cubic if source.width.min(source.height) < ipp::CUBIC_LEAST => {
            cubic::bytes(source, size, region, out);
        }
        OpenCvFilter::Cubic => ipp::cubic_bytes(source, size, region, out),
        OpenCvFilter::Area if area::shrinks(source, size) => area::bytes(source, size, region, out),
        OpenCvFilter::Area => linear::bytes(source, size, region, area::edge, out),
        OpenCvFilter::Lanczos4 => lanczos::bytes(source, size, region, out),
    }
}

/// Resizes the floats that bytes have become by `values`.
pub(super) fn floats(
    source: View<'_>,
    values: &[f32; 256],
    size: (usize, usize),
    filter: OpenCvFilter,
    region: Region,
    out: &mut [f32],
) {
    let least = source.width.min(source.height);
    let value = |pixel: &[u8; 3]| pixel.map(|byte| values[usize::from(byte)]);
    match filter {
        OpenCvFilter::Nearest => pick(source, size, region, nearest, value, out),
        OpenCvFilter::NearestExact => pick(source, size, region, nearest_exact, value, out),
        // There is no exact kernel for floats: OpenCV takes the other one.
        OpenCvFilter::Linear | OpenCvFilter::LinearExact if least < ipp::LINEAR_LEAST => {
            linear::floats(source, values, size, region, centre, out);
        }
        OpenCvFilter::Linear | OpenCvFilter::LinearExact => {
            ipp::linear(source, values, size, region, out);
        }
        OpenCvFilter::Cubic if least < ipp::CUBIC_LEAST => {
            cubic::floats(source, values, size, region, out);
        }
        OpenCvFilter::Cubic => ipp::cubic(source, values, size, region, out),
        OpenCvFilter::Area if area::shrinks(source, size) => {
            area::floats(source, values, size, region, out);
        }
        OpenCvFilter::Area => linear::floats(source, values, size, region, area::edge, out),
        OpenCvFilter::Lanczos4 => lanczos::floats(source, values, size, region, out),
    }
}

/// Takes one input pixel for every output pixel.
fn pick<T: Copy>(
    source: View<'_>,
    size: (usize, usize),
    region: Region,
    neighbours: fn(usize, usize, Range<usize>) -> Vec<usize>,
    value: impl Fn(&[u8; 3]) -> [T; 3],
    out: &mut [T],
) {
    let columns = neighbours(source.width, size.0, region.columns());
    let rows = neighbours(source.height, size.1, region.rows());
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(rows) {
        let from = source.row(y);
        for (pixel, x) in to.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            *pixel = value(&from[*x]);
        }
    }
}

/// Pillow's nearest neighbours, since OpenCV 5.
fn nearest_exact(from: usize, to: usize, range: Range<usize>) -> Vec<usize> {
    pillow::neighbours((from, 0.0, from as f64), to, range)
}

fn nearest(from: usize, to: usize, range: Range<usize>) -> Vec<usize> {
    let scale = scale(from, to);
    let neighbour = |index| ((index as f64 * scale).floor() as usize).min(from - 1);
    range.map(neighbour).collect()
}
