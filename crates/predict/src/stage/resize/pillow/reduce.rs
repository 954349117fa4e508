//! `Image.reduce`: the means of whole blocks of pixels.

use super::super::kernel::PillowFilter;
use super::super::view::View;
use super::weights::{Part, kernel};

/// Averages blocks of `source`, if at least `gap` times the size is left then: the smaller
/// picture, and the part of it that is to be resized.
pub(super) fn reduce<'a>(
    source: View<'_>,
    to: (usize, usize),
    filter: PillowFilter,
    part: Part,
    gap: f64,
    out: &'a mut Vec<u8>,
) -> Option<(View<'a>, Part)> {
    let [left, top, right, bottom] = part;
    let factor = |length: f64, to: usize| ((length / to as f64 / gap).trunc() as usize).max(1);
    let (across, down) = (factor(right - left, to.0), factor(bottom - top, to.1));
    if across == 1 && down == 1 {
        return None;
    }
    let columns = reached(filter, (left, right), to.0, source.width);
    let rows = reached(filter, (top, bottom), to.1, source.height);
    let size = (
        (columns.1 - columns.0).div_ceil(across),
        (rows.1 - rows.0).div_ceil(down),
    );
    out.clear();
    for y in 0..size.1 {
        let first = rows.0 + y * down;
        let rows = first..(first + down).min(rows.1);
        for x in 0..size.0 {
            let first = columns.0 + x * across;
            let columns = first..(first + across).min(columns.1);
            out.extend_from_slice(&mean(source, columns, rows.clone()));
        }
    }
    let view = View {
        width: size.0,
        height: size.1,
        rgb: out,
    };
    let (before, above) = (columns.0 as f64, rows.0 as f64);
    let part = [
        (left - before) / across as f64,
        (top - above) / down as f64,
        (right - before) / across as f64,
        (bottom - above) / down as f64,
    ];
    Some((view, part))
}

/// The samples that the filter takes around a part of an axis.
fn reached(
    filter: PillowFilter,
    (start, end): (f64, f64),
    to: usize,
    length: usize,
) -> (usize, usize) {
    let (_, reach) = kernel(filter);
    let around = (reach - 0.5) * ((end - start) / to as f64);
    let first = (start - around).max(0.0) as usize;
    (first, ((end + around).ceil() as usize).min(length))
}

/// The mean of a block, in fixed point.
fn mean(
    source: View<'_>,
    columns: std::ops::Range<usize>,
    rows: std::ops::Range<usize>,
) -> [u8; 3] {
    /// Bits of a sum's share that are behind the point.
    const BITS: u32 = 24;
    let count = (columns.len() * rows.len()) as u32;
    let share = ((1u64 << (BITS + 8)) as f32 / (count << 8) as f32) as u32;
    let mut sums = [count / 2; 3];
    for y in rows {
        for pixel in &source.row(y)[columns.clone()] {
            for (sum, value) in sums.iter_mut().zip(pixel) {
                *sum += u32::from(*value);
            }
        }
    }
    sums.map(|sum| (sum.wrapping_mul(share) >> BITS) as u8)
}
