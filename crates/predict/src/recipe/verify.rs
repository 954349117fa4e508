//! A recipe against a tensor, by the stages that a prediction goes through.

use boxwright_model::package::{ImageDtype, Layout};
use boxwright_model::pipeline::ImageInput;
use half::f16;

use super::target::Target;
use crate::error::Result;
use crate::stage::canvas::Canvas;
use crate::stage::decode::Picture;
use crate::stage::normalise::{Normaliser, TensorBuffer};
use crate::stage::resize::{Depth, Kernel, Pixels, Resizer};

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
    /// What white is in what was drawn.
    white: f64,
    max_pixels: usize,
}

impl Comparison {
    pub fn new(max_pixels: u64) -> Self {
        Self {
            canvas: Canvas::default(),
            resizer: Resizer::default(),
            buffer: TensorBuffer::U8(Vec::new()),
            white: 255.0,
            max_pixels: usize::try_from(max_pixels).unwrap_or(usize::MAX),
        }
    }

    /// Draws a picture, already altered, for [`Comparison::with`].
    pub fn draw(&mut self, picture: &Picture, input: &ImageInput) -> Result<()> {
        self.white = match Kernel::of(&input.preprocess).depth() {
            Depth::Unit => 1.0,
            _ => 255.0,
        };
        self.canvas
            .draw(input, self.max_pixels, picture, &mut self.resizer)
            .map(drop)
    }

    /// Whether what was drawn has the tensor's size.
    pub fn fits(&self, target: &Target) -> bool {
        (self.canvas.width, self.canvas.height) == (target.width, target.height)
    }

    /// The largest value that was drawn, in levels: at least the smallest part of one.
    pub fn brightest(&self) -> f64 {
        match self.canvas.pixels() {
            Pixels::U8(bytes) => f64::from(bytes.iter().copied().max().unwrap_or(0).max(1)),
            Pixels::F32(floats) => {
                let most = floats.iter().copied().fold(0.0, f32::max);
                f64::from(most).max(1e-6) * 255.0 / self.white
            }
        }
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
        if !self.fits(target) {
            all.max = f64::INFINITY;
            all.differing = target.planes.len();
            all.count = target.planes.len();
            return all;
        }
        Normaliser::new(input).normalise(&self.canvas, 0, &mut self.buffer);
        let std = &input.preprocess.std;
        for channel in 0..target.channels {
            let std = std.get(channel).unwrap_or(&std[0]).abs();
            let each = |place: usize, levels: f64| each(channel, place, levels);
            let own = match &self.buffer {
                TensorBuffer::F32(got) => compare(target, channel, got, |v| *v, std, each),
                TensorBuffer::F16(got) => compare(target, channel, got, |v| v.to_f32(), std, each),
                TensorBuffer::U8(got) => {
                    compare(target, channel, got, |v| f32::from(*v), std, each)
                }
            };
            all = own.and(&all);
        }
        all
    }
}

/// One channel of what was made against that of a tensor.
fn compare<T>(
    target: &Target,
    channel: usize,
    got: &[T],
    value: impl Fn(&T) -> f32,
    std: f64,
    mut each: impl FnMut(usize, f64),
) -> Difference {
    let mut all = Difference::default();
    let (first, step) = match target.layout {
        Layout::Nchw => (channel * target.width * target.height, 1),
        Layout::Nhwc => (channel, target.channels),
    };
    let got = got[first..].iter().step_by(step);
    let plane = target.plane(channel);
    for (place, (wanted, got)) in plane.iter().zip(got).enumerate() {
        let levels = f64::from((value(got) - wanted).abs()) * std;
        let slack = match target.dtype {
            ImageDtype::F32 => LAST_DIGITS,
            ImageDtype::U8 => 0.0,
            // A unit in the last place of a half: numbers that differ in the last digits may be
            // rounded to neighbours.
            ImageDtype::F16 => {
                let unit = f16::EPSILON.to_f32() * wanted.abs();
                f64::from(unit) * std + LAST_DIGITS
            }
        };
        all.max = all.max.max(levels);
        all.sum += levels;
        all.differing += usize::from(levels > slack);
        each(place, levels);
    }
    all.count = plane.len();
    all
}
