//! Planes of a model's output at the photo's size, row by row: bilinear without antialiasing, with
//! pixels' centres at halves, as PyTorch's `interpolate(align_corners=False)`.

use super::planes::Planes;
use crate::stage::frame::Frame;

/// How the photo's pixels lie along one axis of the output.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    /// Pixels of the photo.
    photo: usize,
    /// Pixels of the output that may be looked at.
    seen: std::ops::Range<usize>,
    /// Pixels of the output for one of the photo.
    scale: f32,
    /// Where the photo begins behind the first that may be looked at, in the output's pixels.
    offset: f32,
}

/// The two nearest pixels of the output, and the weight of the second.
#[derive(Debug, Clone, Copy)]
struct Tap {
    from: usize,
    to: usize,
    weight: f32,
}

impl Axis {
    pub fn horizontal(planes: Planes, frame: &Frame) -> Self {
        let (canvas, photo, mapping) = (frame.canvas.0, frame.photo.0, frame.mapping());
        let place = (mapping.gain[0], mapping.offset[0]);
        let seen = (frame.at.0, frame.inner.0, frame.inner.0 == frame.resized.0);
        Self::new(photo, planes.width, canvas, place, seen)
    }

    pub fn vertical(planes: Planes, frame: &Frame) -> Self {
        let (canvas, photo, mapping) = (frame.canvas.1, frame.photo.1, frame.mapping());
        let place = (mapping.gain[1], mapping.offset[1]);
        let seen = (frame.at.1, frame.inner.1, frame.inner.1 == frame.resized.1);
        Self::new(photo, planes.height, canvas, place, seen)
    }

    fn new(
        photo: usize,
        length: usize,
        canvas: usize,
        (gain, offset): (f32, f32),
        (at, inner, whole): (usize, usize, bool),
    ) -> Self {
        let canvas = canvas.max(1);
        // All of the photo, on whole pixels of the output: it is cut out and resized, as PyTorch
        // does from the two sizes alone.
        let exact = |side: usize| (side * length).is_multiple_of(canvas);
        if whole && inner > 0 && exact(at) && exact(inner) {
            let (start, seen) = (at * length / canvas, inner * length / canvas);
            return Self {
                photo,
                seen: start..start + seen,
                scale: seen as f32 / photo.max(1) as f32,
                offset: 0.0,
            };
        }
        let part = length as f32 / canvas as f32;
        Self {
            photo,
            seen: 0..length,
            scale: gain * part,
            offset: offset * part,
        }
    }

    fn taps(&self) -> Vec<Tap> {
        let last = self.seen.len() - 1;
        let tap = |place: usize| {
            let center = (place as f32 + 0.5) * self.scale + self.offset - 0.5;
            let center = center.max(0.0);
            let from = (center as usize).min(last);
            Tap {
                from: self.seen.start + from,
                to: self.seen.start + (from + 1).min(last),
                weight: (center - from as f32).min(1.0),
            }
        };
        (0..self.photo).map(tap).collect()
    }

    /// The nearest pixel of the output for each of the photo: `interpolate(mode="nearest")`, which
    /// takes the pixel's corner.
    pub fn nearest(&self) -> Vec<usize> {
        let last = self.seen.len() - 1;
        let one = |place: usize| {
            let at = place as f32 * self.scale + self.offset;
            self.seen.start + (at.max(0.0) as usize).min(last)
        };
        (0..self.photo).map(one).collect()
    }
}

/// Planes at the photo's size, row by row; only some columns at a time, so that many planes of a
/// wide photo take no more memory than few.
pub(super) struct Rows<'a> {
    values: &'a [f32],
    planes: Planes,
    columns: Vec<Tap>,
    rows: Vec<Tap>,
}

/// Floats that the two rows around one of the photo take, for all planes.
const MOST_FLOATS: usize = 1 << 22;

impl<'a> Rows<'a> {
    /// `values` are the planes, one behind the other.
    pub fn new(values: &'a [f32], planes: Planes, frame: &Frame) -> Self {
        Self {
            values,
            planes,
            columns: Axis::horizontal(planes, frame).taps(),
            rows: Axis::vertical(planes, frame).taps(),
        }
    }

    /// Calls `each` with a plane, a row and a column of the photo, and the values there: for every
    /// part of every row, plane by plane.
    pub fn visit(&self, mut each: impl FnMut(usize, usize, usize, &[f32])) {
        let most = (MOST_FLOATS / self.planes.count).max(1);
        let mut row = Vec::new();
        for (part, columns) in self.columns.chunks(most).enumerate() {
            let mut above = Line::default();
            let mut below = Line::default();
            for (y, tap) in self.rows.iter().enumerate() {
                if below.row == Some(tap.from) {
                    std::mem::swap(&mut above, &mut below);
                }
                above.fill(self, tap.from, columns);
                below.fill(self, tap.to, columns);
                let (upper, lower) = (1.0 - tap.weight, tap.weight);
                let length = columns.len();
                let planes = above
                    .values
                    .chunks_exact(length)
                    .zip(below.values.chunks_exact(length));
                for (plane, (above, below)) in planes.enumerate() {
                    row.clear();
                    let values = above.iter().zip(below);
                    row.extend(values.map(|(above, below)| upper * above + lower * below));
                    each(plane, y, part * most, &row);
                }
            }
        }
    }
}

/// One row of every plane, with the photo's columns.
#[derive(Default)]
struct Line {
    row: Option<usize>,
    values: Vec<f32>,
}

impl Line {
    fn fill(&mut self, rows: &Rows<'_>, row: usize, columns: &[Tap]) {
        if self.row == Some(row) {
            return;
        }
        self.row = Some(row);
        self.values.clear();
        let width = rows.planes.width;
        for plane in rows.values.chunks_exact(rows.planes.length()) {
            let line = &plane[row * width..(row + 1) * width];
            let values = columns.iter().map(|column| {
                (1.0 - column.weight) * line[column.from] + column.weight * line[column.to]
            });
            self.values.extend(values);
        }
    }
}
