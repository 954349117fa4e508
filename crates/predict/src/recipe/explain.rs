//! How well pixels explain a tensor.

use std::ops::Range;

use boxwright_model::package::{GreyOrder, Preprocess};

use super::fit::{Line, Order, Residual, Sums};
use super::target::Target;
use crate::stage::canvas;
use crate::stage::decode::Picture;
use crate::stage::geometry::Placement;
use crate::stage::resize::{Depth, Kernel, Pixels, Region, Resizer, View};
use crate::stage::source::Grey;

/// Rows of a band.
const BAND: usize = 8;

/// A few rows from the upper and the lower part.
pub(super) fn bands(height: usize) -> Vec<Range<usize>> {
    if height <= 3 * BAND {
        return std::iter::once(0..height).collect();
    }
    let from = |part: usize| {
        let start = (height * part / 8).min(height - BAND);
        start..start + BAND
    };
    vec![from(1), from(6)]
}

/// The pixels of some rows of a place, three channels in 0..=255, with their places in the tensor.
pub(super) fn pixels(
    picture: &Picture,
    place: &Placement,
    preprocess: &Preprocess,
    rows: &[Range<usize>],
) -> Vec<(usize, usize, Vec<[f32; 3]>)> {
    let kernel = Kernel::of(preprocess);
    let unit = if kernel.depth() == Depth::Unit {
        255.0
    } else {
        1.0
    };
    let cut = canvas::cut(
        View {
            width: picture.width,
            height: picture.height,
            rgb: &picture.rgb,
        },
        place.source,
    );
    let view = View {
        width: place.source.width,
        height: place.source.height,
        rgb: cut.as_deref().unwrap_or(&picture.rgb),
    };
    let grey = (preprocess.channels.count() == 1 && preprocess.grey == GreyOrder::After)
        .then(|| Grey::of(preprocess));
    let mut resizer = Resizer::default();
    let mut out = Pixels::default();
    let mut all = Vec::new();
    for rows in rows {
        let region = Region {
            top: place.region.top + rows.start,
            height: rows.len(),
            ..place.region
        };
        resizer.resize(view, place.resized, kernel, region, &mut out);
        let values: Vec<[f32; 3]> = match &out {
            Pixels::U8(bytes) => {
                let pixel = |pixel: &[u8; 3]| match grey {
                    Some(grey) => [f32::from((grey.bytes)(*pixel)); 3],
                    None => pixel.map(f32::from),
                };
                bytes.as_chunks::<3>().0.iter().map(pixel).collect()
            }
            Pixels::F32(floats) => {
                let pixel = |pixel: &[f32; 3]| match grey {
                    Some(grey) => [(grey.floats)(*pixel) * unit; 3],
                    None => pixel.map(|value| value * unit),
                };
                floats.as_chunks::<3>().0.iter().map(pixel).collect()
            }
        };
        for (y, row) in rows.clone().zip(values.chunks_exact(region.width.max(1))) {
            all.push((place.at.0, place.at.1 + y, row.to_vec()));
        }
    }
    all
}

/// The order of channels and the lines that explain the tensor best, and what is left over.
pub(super) fn explain(
    picture: &Picture,
    target: &Target,
    place: &Placement,
    preprocess: &Preprocess,
    rows: &[Range<usize>],
) -> Option<(Order, Vec<Line>, Residual)> {
    let rows = pixels(picture, place, preprocess, rows);
    let pairs = |order: Order, channel: usize| {
        let plane = target.plane(channel);
        let source = order.source(channel);
        rows.iter().flat_map(move |(left, y, row)| {
            let start = y * target.width + left;
            let wanted = &plane[start..start + row.len()];
            row.iter()
                .zip(wanted)
                .map(move |(pixel, t)| (f64::from(pixel[source]), f64::from(*t)))
        })
    };
    let explained = |order: &Order| {
        let line = |channel| {
            let mut sums = Sums::default();
            pairs(*order, channel).for_each(|(x, t)| sums.add(x, t));
            sums.line()
        };
        let lines: Vec<Line> = (0..target.channels).map(line).collect();
        let mut residual = Residual::default();
        for (channel, line) in lines.iter().enumerate() {
            let mut own = Residual::default();
            pairs(*order, channel).for_each(|(x, t)| own.add(*line, x, t));
            residual = residual.and(own);
        }
        (*order, lines, residual)
    };
    Order::all(target.channels)
        .iter()
        .map(explained)
        .min_by(|a, b| a.2.squares.total_cmp(&b.2.squares))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_lie_within_the_height() {
        for height in 1..200 {
            let bands = bands(height);
            assert!(
                bands.iter().all(|band| band.end <= height),
                "{height}: {bands:?}"
            );
            assert!(
                bands.windows(2).all(|two| two[0].end <= two[1].start),
                "{height}: {bands:?}"
            );
        }
    }
}
