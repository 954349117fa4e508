//! Masks of boxes: prototypes by coefficients (YOLACT, Bolya et al., 2019), as Ultralytics'
//! `process_mask` puts them together, or masks that the model gives itself.

use std::borrow::Cow;

use boxwright_model::package::Decoder;
use boxwright_model::prediction::RunLengths;

use crate::error::{Error, Result};
use crate::stage::frame::Frame;
use crate::tensor::Slice;

/// What masks are made from.
pub(super) struct Masks<'a> {
    values: Cow<'a, [f32]>,
    /// Prototypes, or masks.
    count: usize,
    height: usize,
    width: usize,
    prototypes: bool,
}

impl<'a> Masks<'a> {
    /// Prototypes `[32, height, width]`, or a mask `[rows, 1, height, width]` for each row.
    pub fn of(output: &'a Slice<'_>, decoder: Decoder) -> Result<Self> {
        let prototypes = decoder != Decoder::TorchVision;
        let (count, height, width) = match output.shape[..] {
            [1, count, height, width] if prototypes => (count, height, width),
            [count, 1, height, width] | [count, height, width] => (count, height, width),
            _ => {
                return Err(Error::Shape(format!(
                    "Output `{}` has the shape {:?} for a sample, and masks are [prototypes, height, \
                     width].",
                    output.name, output.shape
                )));
            }
        };
        Ok(Self {
            values: output.floats()?,
            count,
            height,
            width,
            prototypes,
        })
    }

    /// The mask of a box, which lies in pixels of the tensor; `None` where it is empty.
    pub fn of_box(
        &self,
        extras: &[f32],
        bounds: [f32; 4],
        frame: &Frame,
    ) -> Result<Option<RunLengths>> {
        let plane = match self.prototypes {
            true => Cow::Owned(self.combined(extras)?),
            false => Cow::Borrowed(self.own(extras)?),
        };
        let threshold = if self.prototypes { 0.0 } else { 0.5 };
        Ok(self.drawn(&plane, threshold, bounds, frame))
    }

    /// The sum of the prototypes by a box's coefficients.
    fn combined(&self, coefficients: &[f32]) -> Result<Vec<f32>> {
        if coefficients.len() != self.count {
            return Err(Error::Shape(format!(
                "A box has {} coefficients, and there are {} prototypes of masks.",
                coefficients.len(),
                self.count
            )));
        }
        let length = self.height * self.width;
        let mut plane = vec![0.0f32; length];
        for (coefficient, prototype) in coefficients.iter().zip(self.values.chunks_exact(length)) {
            for (sum, value) in plane.iter_mut().zip(prototype) {
                *sum += coefficient * value;
            }
        }
        Ok(plane)
    }

    fn own(&self, extras: &[f32]) -> Result<&[f32]> {
        let row = extras.first().map_or(0, |row| *row as usize);
        let length = self.height * self.width;
        let mask = self.values.get(row * length..(row + 1) * length);
        mask.ok_or_else(|| Error::Run("a box has no mask".into()))
    }

    /// The plane, brought to the tensor's size, held against the threshold, cut to the box, and
    /// then taken for each pixel of the photo.
    fn drawn(
        &self,
        plane: &[f32],
        threshold: f32,
        bounds: [f32; 4],
        frame: &Frame,
    ) -> Option<RunLengths> {
        let (gain, offset) = (frame.gain(), frame.offset());
        let columns = Line::new(
            frame.photo.0,
            frame.canvas.0,
            self.width,
            (gain[0], offset[0]),
        );
        let rows = Line::new(
            frame.photo.1,
            frame.canvas.1,
            self.height,
            (gain[1], offset[1]),
        );
        let columns = columns.taps(bounds[0], bounds[2]);
        let rows = rows.taps(bounds[1], bounds[3]);
        let mut counts = Counts::default();
        // Most of the photo lies outside of the box.
        let first = rows.iter().take_while(|row| !row.inside).count();
        let inside = rows[first..].iter().take_while(|row| row.inside).count();
        for column in &columns {
            if !column.inside {
                counts.add(false, rows.len());
                continue;
            }
            counts.add(false, first);
            for row in &rows[first..first + inside] {
                let at = |y: usize, x: usize| plane[y * self.width + x];
                let line = |y: usize| {
                    (1.0 - column.weight) * at(y, column.from) + column.weight * at(y, column.to)
                };
                let value = (1.0 - row.weight) * line(row.from) + row.weight * line(row.to);
                counts.add(value > threshold, 1);
            }
            counts.add(false, rows.len() - first - inside);
        }
        counts.finish([frame.photo.1, frame.photo.0])
    }
}

/// One axis of the photo, in the tensor and in the plane.
struct Line {
    photo: usize,
    canvas: usize,
    plane: usize,
    gain: f32,
    offset: f32,
}

/// Where a pixel of the photo lies in the plane.
struct Tap {
    inside: bool,
    from: usize,
    to: usize,
    weight: f32,
}

impl Line {
    fn new(photo: usize, canvas: usize, plane: usize, (gain, offset): (f32, f32)) -> Self {
        Self {
            photo,
            canvas,
            plane,
            gain,
            offset,
        }
    }

    /// For each pixel of the photo the pixel of the tensor that is nearest, and from where in the
    /// plane that has its value. `low` and `high` are the box, in pixels of the tensor.
    fn taps(&self, low: f32, high: f32) -> Vec<Tap> {
        let last = self.canvas.saturating_sub(1);
        let scale = self.plane as f32 / self.canvas.max(1) as f32;
        let tap = |place: usize| {
            let pixel = (place as f32 + 0.5) * self.gain + self.offset;
            let pixel = (pixel.max(0.0) as usize).min(last);
            let center = ((pixel as f32 + 0.5) * scale - 0.5).max(0.0);
            let from = (center as usize).min(self.plane - 1);
            Tap {
                inside: pixel as f32 >= low && (pixel as f32) < high,
                from,
                to: (from + 1).min(self.plane - 1),
                weight: (center - from as f32).min(1.0),
            }
        };
        (0..self.photo).map(tap).collect()
    }
}

/// Runs of zeros and ones in turn, zeros first.
#[derive(Default)]
struct Counts {
    runs: Vec<u32>,
    ones: bool,
    run: u32,
    any: bool,
}

impl Counts {
    fn add(&mut self, one: bool, pixels: usize) {
        if pixels == 0 {
            return;
        }
        if one != self.ones {
            self.runs.push(self.run);
            (self.run, self.ones) = (0, one);
        }
        self.run = self
            .run
            .saturating_add(u32::try_from(pixels).unwrap_or(u32::MAX));
        self.any |= one;
    }

    fn finish(mut self, size: [usize; 2]) -> Option<RunLengths> {
        self.runs.push(self.run);
        self.any.then_some(RunLengths {
            size,
            counts: self.runs,
        })
    }
}
