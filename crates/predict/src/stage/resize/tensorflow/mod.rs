//! `tf.image.resize`. Everything but nearest neighbours gives floats, also of bytes.

mod area;
mod neighbours;
mod source;
mod spans;

use self::source::{Source, scale};
use super::kernel::TensorFlowFilter;
use super::view::{Region, View};

/// Takes one input pixel for every output pixel.
pub(super) fn nearest<T: Copy>(
    source: View<'_>,
    size: (usize, usize),
    region: Region,
    value: impl Fn(&[u8; 3]) -> [T; 3],
    out: &mut [T],
) {
    let neighbour = |from: usize, to: usize, index: usize| {
        (((index as f32 + 0.5) * scale(from, to)).floor() as usize).min(from - 1)
    };
    let columns: Vec<usize> = region
        .columns()
        .map(|x| neighbour(source.width, size.0, x))
        .collect();
    for (to, y) in out.chunks_exact_mut(region.width * 3).zip(region.rows()) {
        let from = source.row(neighbour(source.height, size.1, y));
        for (pixel, x) in to.as_chunks_mut::<3>().0.iter_mut().zip(&columns) {
            *pixel = value(&from[*x]);
        }
    }
}

pub(super) fn floats(
    view: View<'_>,
    values: &[f32; 256],
    size: (usize, usize),
    (filter, antialias): (TensorFlowFilter, bool),
    region: Region,
    out: &mut [f32],
) {
    let source = Source { view, values };
    match filter {
        TensorFlowFilter::Nearest => {
            let value = |pixel: &[u8; 3]| pixel.map(|byte| source.value(byte));
            nearest(view, size, region, value, out);
        }
        TensorFlowFilter::Area => area::resize(source, size, region, out),
        TensorFlowFilter::Bilinear if !antialias => {
            neighbours::bilinear(source, size, region, out);
        }
        TensorFlowFilter::Bicubic if !antialias => neighbours::bicubic(source, size, region, out),
        _ => spans::resize(source, size, (filter, antialias), region, out),
    }
}
