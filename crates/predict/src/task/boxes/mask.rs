//! Masks of boxes: prototypes by coefficients (YOLACT, Bolya et al., 2019), as Ultralytics'
//! `process_mask` and YOLOv5's put them together, or masks that the model gives itself.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use boxwright_model::package::Decoder;
use boxwright_model::prediction::RunLengths;

use super::super::score::sigmoid;
use super::bits::{Bits, Canvas};
use super::candidate::{Candidate, Candidates};
use super::paste::pasted;
use crate::error::{Error, Result};
use crate::stage::frame::{Frame, Mapping};
use crate::tensor::Slice;

/// The mask of a box.
pub(super) enum Made {
    Mask(RunLengths),
    /// It has no pixel, and the library drops such boxes.
    Empty,
    /// It has never been made, and its prototypes were not kept.
    Unknown,
}

/// The masks that have been made, by the places of their boxes, and what others are made from.
pub(super) struct MaskStore<'a> {
    made: Mutex<HashMap<usize, Option<RunLengths>>>,
    source: Option<Masks<'a>>,
}

impl<'a> MaskStore<'a> {
    pub fn new(source: Masks<'a>) -> Self {
        Self {
            made: Mutex::default(),
            source: Some(source),
        }
    }

    /// The mask of a box, which lies in pixels of the tensor.
    pub fn of_box(&self, candidates: &Candidates, candidate: &Candidate) -> Result<Made> {
        let known = self.made().get(&candidate.place).cloned();
        let mask = match (known, &self.source) {
            (Some(mask), _) => mask,
            (None, None) => return Ok(Made::Unknown),
            (None, Some(source)) => {
                let mask = source.of_box(candidates.extras_of(candidate), candidate.bounds)?;
                self.made().insert(candidate.place, mask.clone());
                mask
            }
        };
        Ok(mask.map_or(Made::Empty, Made::Mask))
    }

    /// The store without what it borrows; `numbered` where the places of boxes are still the same.
    pub fn kept(self, prototypes: bool, numbered: bool) -> MaskStore<'static> {
        let made = self
            .made
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        MaskStore {
            made: Mutex::new(if numbered { made } else { HashMap::new() }),
            source: self.source.filter(|_| prototypes).map(Masks::into_owned),
        }
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let run_lengths = |mask: &Option<RunLengths>| mask.as_ref().map_or(0, RunLengths::bytes);
        let made: usize = self
            .made()
            .values()
            .map(|mask| 64 + run_lengths(mask))
            .sum();
        made + self.prototype_bytes()
    }

    /// Bytes of the prototypes.
    pub fn prototype_bytes(&self) -> usize {
        let source = self.source.as_ref();
        source.map_or(0, |source| source.values.len() * size_of::<f32>())
    }

    fn made(&self) -> MutexGuard<'_, HashMap<usize, Option<RunLengths>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What masks are made from.
pub(super) struct Masks<'a> {
    values: Cow<'a, [f32]>,
    /// Prototypes, or masks.
    count: usize,
    height: usize,
    width: usize,
    decoder: Decoder,
    canvas: Canvas,
    /// From the tensor to the photo, and its size.
    mapping: Mapping,
    photo: (usize, usize),
}

impl<'a> Masks<'a> {
    /// Prototypes `[32, height, width]`, or a mask `[rows, 1, height, width]` for each row.
    pub fn of(output: &'a Slice<'_>, decoder: Decoder, frame: &Frame) -> Result<Self> {
        let prototypes = !matches!(decoder, Decoder::TorchVision | Decoder::MmDetection);
        let (count, height, width) = match output.shape[..] {
            [1, count, height, width] if prototypes => (count, height, width),
            [count, 1, height, width] | [count, height, width] => (count, height, width),
            _ => return Err(unfit(output)),
        };
        if (prototypes || count > 0) && (height == 0 || width == 0) {
            return Err(unfit(output));
        }
        Ok(Self {
            values: output.floats()?,
            count,
            height,
            width,
            decoder,
            canvas: match decoder {
                Decoder::MmDetection => Canvas::nearest(frame),
                _ => Canvas::new(frame),
            },
            mapping: frame.mapping_of(decoder),
            photo: frame.photo,
        })
    }

    fn into_owned(self) -> Masks<'static> {
        Masks {
            values: Cow::Owned(self.values.into_owned()),
            ..self
        }
    }

    /// How many prototypes there are, or masks.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The mask of a box, which lies in pixels of the tensor; `None` where it is empty and the
    /// library drops such boxes.
    fn of_box(&self, extras: &[f32], bounds: [f32; 4]) -> Result<Option<RunLengths>> {
        let bits = match self.decoder {
            // A mask of its box alone, unless it has the size of the tensor.
            Decoder::MmDetection
                if (self.width, self.height) != (self.canvas.width(), self.canvas.height()) =>
            {
                let (plane, size) = (self.own(extras)?, (self.width, self.height));
                let bounds = self.mapping.bounds(bounds);
                return Ok(Some(pasted(plane, size, bounds, self.photo)));
            }
            Decoder::TorchVision | Decoder::MmDetection => {
                let plane = self.own(extras)?;
                self.bits(plane, 0.5, None)
            }
            Decoder::YoloV5 => {
                let plane = self.cropped_first(extras, bounds)?;
                self.bits(&plane, 0.5, None)
            }
            _ => {
                let bits = self.bits(&self.combined(extras)?, 0.0, Some(bounds));
                if bits.is_empty() {
                    return Ok(None);
                }
                bits
            }
        };
        Ok(Some(self.canvas.in_photo(&bits)))
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
        match plane.iter().find(|value| value.is_nan()) {
            Some(_) => Err(Error::Run("it gave NaN in the mask of a box".into())),
            None => Ok(plane),
        }
    }

    /// YOLOv5's way: the sigmoid, cut to the box at the size of the prototypes.
    fn cropped_first(&self, coefficients: &[f32], bounds: [f32; 4]) -> Result<Vec<f32>> {
        let mut plane = self.combined(coefficients)?;
        let across = self.width as f32 / self.canvas.width() as f32;
        let down = self.height as f32 / self.canvas.height() as f32;
        let [left, top, right, bottom] = bounds;
        let inside = |place: usize, low: f32, high: f32| {
            let place = place as f32;
            place >= low && place < high
        };
        for (y, row) in plane.chunks_exact_mut(self.width).enumerate() {
            let row_inside = inside(y, top * down, bottom * down);
            for (x, value) in row.iter_mut().enumerate() {
                *value = match row_inside && inside(x, left * across, right * across) {
                    true => sigmoid(*value),
                    false => 0.0,
                };
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

    /// The plane, brought to the tensor's size bilinearly, held against the threshold, and cut to a
    /// box.
    fn bits(&self, plane: &[f32], threshold: f32, bounds: Option<[f32; 4]>) -> Bits {
        let (width, height) = (self.canvas.width(), self.canvas.height());
        let whole = [0.0, 0.0, width as f32, height as f32];
        let [left, top, right, bottom] = bounds.unwrap_or(whole);
        let (columns, rows) = (
            whole_pixels(left, right, width),
            whole_pixels(top, bottom, height),
        );
        let across: Vec<Tap> = columns
            .clone()
            .map(|place| Tap::new(place, self.width, width))
            .collect();
        let mut bits = Bits::new(columns, rows.clone());
        for y in rows {
            let tap = Tap::new(y, self.height, height);
            let row = |place: usize| &plane[place * self.width..(place + 1) * self.width];
            let (above, below) = (row(tap.from), row(tap.to));
            bits.push_row(across.iter().map(|column| {
                let line = |row: &[f32]| {
                    (1.0 - column.weight) * row[column.from] + column.weight * row[column.to]
                };
                (1.0 - tap.weight) * line(above) + tap.weight * line(below) > threshold
            }));
        }
        bits
    }
}

/// The pixels from `low` on and before `high`.
fn whole_pixels(low: f32, high: f32, length: usize) -> std::ops::Range<usize> {
    // Casts saturate, and NaN is 0.
    let start = (low.max(0.0).ceil() as usize).min(length);
    let end = (high.max(0.0).ceil() as usize).min(length);
    start..end.max(start)
}

/// The two nearest pixels of a plane, and the weight of the second: `interpolate` of PyTorch,
/// `align_corners=False`.
struct Tap {
    from: usize,
    to: usize,
    weight: f32,
}

impl Tap {
    fn new(place: usize, plane: usize, canvas: usize) -> Self {
        let scale = plane as f32 / canvas as f32;
        let center = ((place as f32 + 0.5) * scale - 0.5).max(0.0);
        let from = (center as usize).min(plane - 1);
        Self {
            from,
            to: (from + 1).min(plane - 1),
            weight: (center - from as f32).min(1.0),
        }
    }
}

fn unfit(output: &Slice<'_>) -> Error {
    Error::Shape(format!(
        "Output `{}` has the shape {:?} for a sample, and masks are [prototypes, height, width].",
        output.name, output.shape
    ))
}
