//! Planes of a model's output at the photo's size, row by row: bilinear without antialiasing, with
//! pixels' centres at halves, as PyTorch's `interpolate(align_corners=False)`.

use super::Planes;
use crate::stage::frame::Frame;

/// How the photo's pixels lie along one axis of the output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    /// Pixels of the photo.
    photo: usize,
    /// Pixels of the output.
    length: usize,
    /// Pixels of the output for one of the photo.
    scale: f32,
    /// Where the photo begins in the output, in its pixels.
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
        let canvas = frame.canvas.0;
        let (gain, offset) = (frame.gain()[0], frame.offset()[0]);
        Self::new(frame.photo.0, planes.width, canvas, (gain, offset))
    }

    pub fn vertical(planes: Planes, frame: &Frame) -> Self {
        let canvas = frame.canvas.1;
        let (gain, offset) = (frame.gain()[1], frame.offset()[1]);
        Self::new(frame.photo.1, planes.height, canvas, (gain, offset))
    }

    fn new(photo: usize, length: usize, canvas: usize, (gain, offset): (f32, f32)) -> Self {
        let part = length as f32 / canvas.max(1) as f32;
        // A photo that fills the tensor: as PyTorch reckons from the two sizes alone.
        let fills = offset == 0.0 && (gain * photo as f32 - canvas as f32).abs() < 1e-3;
        Self {
            photo,
            length,
            scale: match fills {
                true => length as f32 / photo.max(1) as f32,
                false => gain * part,
            },
            offset: offset * part,
        }
    }

    fn taps(self) -> Vec<Tap> {
        let tap = |place: usize| {
            let center = (place as f32 + 0.5) * self.scale + self.offset - 0.5;
            let center = center.max(0.0);
            let from = (center as usize).min(self.length - 1);
            Tap {
                from,
                to: (from + 1).min(self.length - 1),
                weight: (center - from as f32).min(1.0),
            }
        };
        (0..self.photo).map(tap).collect()
    }

    /// The nearest pixel of the output for each of the photo: `interpolate(mode="nearest")`, which
    /// takes the pixel's corner.
    pub fn nearest(self) -> Vec<usize> {
        let one = |place: usize| {
            let at = place as f32 * self.scale + self.offset;
            (at.max(0.0) as usize).min(self.length - 1)
        };
        (0..self.photo).map(one).collect()
    }
}

/// Rows of planes at the photo's size.
pub(super) struct Rows {
    columns: Vec<Tap>,
    rows: Vec<Tap>,
    width: usize,
    row: Vec<f32>,
}

impl Rows {
    pub fn new(planes: Planes, frame: &Frame) -> Self {
        Self {
            columns: Axis::horizontal(planes, frame).taps(),
            rows: Axis::vertical(planes, frame).taps(),
            width: planes.width,
            row: Vec::new(),
        }
    }

    /// Row `y` of the photo, of this plane.
    pub fn row(&mut self, plane: &[f32], y: usize) -> &[f32] {
        let tap = self.rows[y];
        let row = |place: usize| &plane[place * self.width..(place + 1) * self.width];
        let (above, below) = (row(tap.from), row(tap.to));
        let (lower, upper) = (tap.weight, 1.0 - tap.weight);
        let value = |column: &Tap| {
            let (right, left) = (column.weight, 1.0 - column.weight);
            let (from, to) = (column.from, column.to);
            upper * (left * above[from] + right * above[to])
                + lower * (left * below[from] + right * below[to])
        };
        self.row.clear();
        self.row.extend(self.columns.iter().map(value));
        &self.row
    }
}
