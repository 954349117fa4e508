//! Masks that cover their box alone, put into the photo.

use boxwright_model::prediction::RunLengths;

use super::bits::Counts;

/// The two nearest places of a plane along an axis, each with its weight; outside of it is nothing.
type Taps = [(Option<usize>, f32); 2];

/// A plane of `size`, width and height, stretched over the box `bounds` of a photo: PyTorch's
/// `grid_sample` at the middle of each pixel, with zeros around. From a half on a pixel is one:
/// MMDetection's `_do_paste_mask`.
pub(super) fn pasted(
    plane: &[f32],
    size: (usize, usize),
    [left, top, right, bottom]: [f32; 4],
    photo: (usize, usize),
) -> RunLengths {
    let columns = taps(left, right, size.0, photo.0);
    let rows = taps(top, bottom, size.1, photo.1);
    let mut counts = Counts::default();
    for column in &columns {
        let Some(column) = column else {
            counts.add(false, photo.1);
            continue;
        };
        for row in &rows {
            let value = row.map_or(0.0, |row| value(plane, size.0, column, &row));
            counts.add(value >= 0.5, 1);
        }
    }
    counts.finish([photo.1, photo.0])
}

fn value(plane: &[f32], width: usize, column: &Taps, row: &Taps) -> f32 {
    let mut sum = 0.0;
    for (y, down) in row {
        for (x, across) in column {
            if let (Some(x), Some(y)) = (x, y) {
                sum += plane[y * width + x] * across * down;
            }
        }
    }
    sum
}

/// Where each of a photo's pixels lies in the plane; `None` where that is outside.
fn taps(low: f32, high: f32, length: usize, photo: usize) -> Vec<Option<Taps>> {
    let tap = |place: usize| {
        // In -1 to 1, as the library has it; the middle for a box of no size.
        let part = (place as f32 + 0.5 - low) / (high - low) * 2.0 - 1.0;
        let part = if part.is_infinite() { 0.0 } else { part };
        let at = ((part + 1.0) * length as f32 - 1.0) / 2.0;
        if !(at > -1.0 && at < length as f32) {
            return None;
        }
        let from = at.floor();
        let weight = at - from;
        let index = |place: f32| (place >= 0.0 && place < length as f32).then_some(place as usize);
        Some([(index(from), 1.0 - weight), (index(from + 1.0), weight)])
    };
    (0..photo).map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_covers_its_box_and_nothing_else() {
        let run = |bounds| pasted(&[1.0; 4], (2, 2), bounds, (4, 3)).counts;
        // Columns of three rows: of the first none, of the two middle ones the lower two.
        assert_eq!(run([1.0, 1.0, 3.0, 3.0]), [4, 2, 1, 2, 3]);
        assert_eq!(run([9.0, 9.0, 12.0, 12.0]), [12]);
    }
}
