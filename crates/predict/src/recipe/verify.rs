//! A recipe against a tensor, by the stages that a prediction goes through.

use boxwright_model::package::ImageDtype;
use boxwright_model::pipeline::ImageInput;
use half::f16;

use super::target::Target;
use crate::error::Result;
use crate::stage::canvas::Canvas;
use crate::stage::decode::Picture;
use crate::stage::normalise::{Normaliser, TensorBuffer};
use crate::stage::resize::Resizer;

/// A 32-bit number that is less than this off, in levels, is off by its last digits only.
const LAST_DIGITS: f64 = 2e-3;

/// How far a recipe is from a tensor, in levels of 0..=255.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Difference {
    pub max: f64,
    pub sum: f64,
    /// Numbers that differ by more than their last digit.
    pub differing: usize,
    pub count: usize,
}

impl Difference {
    pub fn and(self, other: &Self) -> Self {
        Self {
            max: self.max.max(other.max),
            sum: self.sum + other.sum,
            differing: self.differing + other.differing,
            count: self.count + other.count,
        }
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }

    /// Whether this is the smaller difference.
    pub fn less_than(&self, other: &Self) -> bool {
        (self.differing, self.sum, self.max) < (other.differing, other.sum, other.max)
    }
}

/// The buffers of a comparison, which stay.
#[derive(Debug)]
pub(super) struct Comparison {
    canvas: Canvas,
    resizer: Resizer,
    buffer: TensorBuffer,
    max_pixels: usize,
}

impl Comparison {
    pub fn new(max_pixels: u64) -> Self {
        Self {
            canvas: Canvas::default(),
            resizer: Resizer::default(),
            buffer: TensorBuffer::U8(Vec::new()),
            max_pixels: usize::try_from(max_pixels).unwrap_or(usize::MAX),
        }
    }

    /// Draws a picture, already altered, for [`Comparison::with`].
    pub fn draw(&mut self, picture: &Picture, input: &ImageInput) -> Result<()> {
        self.canvas
            .draw(input, self.max_pixels, picture, &mut self.resizer)
            .map(drop)
    }

    /// What was drawn, normalised as `input` says, against a tensor; `each` gets the plane, the
    /// place in it and the difference of every number in levels.
    pub fn with(
        &mut self,
        input: &ImageInput,
        target: &Target,
        mut each: impl FnMut(usize, usize, f64),
    ) -> Difference {
        let mut all = Difference::default();
        if (self.canvas.width, self.canvas.height) != (target.width, target.height) {
            all.max = f64::INFINITY;
            all.differing = target.planes.len();
            all.count = target.planes.len();
            return all;
        }
        Normaliser::new(input).normalise(&self.canvas, 0, &mut self.buffer);
        let length = target.width * target.height;
        let std = |channel: usize| {
            let std = &input.preprocess.std;
            std.get(channel).unwrap_or(&std[0]).abs()
        };
        for (index, wanted) in target.planes.iter().enumerate() {
            let (channel, place) = (index / length, index % length);
            let at = match target.layout {
                boxwright_model::package::Layout::Nchw => index,
                boxwright_model::package::Layout::Nhwc => place * target.channels + channel,
            };
            let got = match &self.buffer {
                TensorBuffer::F32(all) => all[at],
                TensorBuffer::F16(all) => all[at].to_f32(),
                TensorBuffer::U8(all) => f32::from(all[at]),
            };
            let levels = f64::from((got - wanted).abs()) * std(channel);
            let slack = match target.dtype {
                ImageDtype::F32 => LAST_DIGITS,
                ImageDtype::U8 => 0.0,
                // A unit in the last place of a half: numbers that differ in the last digits may be
                // rounded to neighbours.
                ImageDtype::F16 => {
                    let unit = f16::EPSILON.to_f32() * wanted.abs();
                    f64::from(unit) * std(channel) + LAST_DIGITS
                }
            };
            all.max = all.max.max(levels);
            all.sum += levels;
            all.differing += usize::from(levels > slack);
            all.count += 1;
            each(channel, place, levels);
        }
        all
    }
}
