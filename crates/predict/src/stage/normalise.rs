//! From pixels to the model's numbers: order of channels, mean and standard deviation.

use boxwright_model::package::{
    Arithmetic, Channels, GreyOrder, ImageDtype, Layout, Preprocess, Scale,
};
use boxwright_model::pipeline::ImageInput;
use half::f16;
use ort::value::{DynValue, TensorRef};

use super::canvas::Canvas;
use crate::error::{Error, Result};

/// The largest value of a byte.
const FULL: f64 = 255.0;

/// The numbers of a batch, in a buffer that stays.
#[derive(Debug)]
pub(crate) enum TensorBuffer {
    F32(Vec<f32>),
    F16(Vec<f16>),
    U8(Vec<u8>),
}

/// Turns the pixels of a canvas into numbers.
#[derive(Debug)]
pub(crate) struct Normaliser {
    layout: Layout,
    channels: Channels,
    /// What is grey was made so before it was resized.
    grey_already: bool,
    scale: Scale,
    formulas: Vec<Formula>,
    /// What each byte becomes, one table a channel, where all pictures share them.
    tables: Tables,
}

/// y = (x − mean) / std of one channel, with x in 0..=255.
#[derive(Debug, Clone, Copy)]
struct Formula {
    arithmetic: Arithmetic,
    mean: f64,
    std: f64,
}

impl Formula {
    /// The value of `x`, where `full` is what becomes 255 (or 1).
    fn value(self, x: f32, full: f64) -> f32 {
        let Self {
            arithmetic,
            mean,
            std,
        } = self;
        let scaled = || match full {
            FULL => x,
            full => (f64::from(x) * (FULL / full)) as f32,
        };
        match arithmetic {
            Arithmetic::Fused => (scaled() - mean as f32) / std as f32,
            Arithmetic::Torchvision => {
                (x / full as f32 - (mean / FULL) as f32) / (std / FULL) as f32
            }
            Arithmetic::Keras => scaled() / std as f32 - (mean / std) as f32,
            Arithmetic::Reciprocal => {
                let bytes = |number: f64| (number / FULL) as f32 * FULL as f32;
                (scaled() - bytes(mean)) * (1.0 / bytes(std))
            }
            Arithmetic::Float64 => ((f64::from(x) / full - mean / FULL) / (std / FULL)) as f32,
        }
    }

    fn table(self, full: f64) -> [f32; 256] {
        std::array::from_fn(|byte| self.value(byte as f32, full))
    }
}

/// The normalised value of each byte, one table a channel.
#[derive(Debug)]
enum Tables {
    F32(Vec<[f32; 256]>),
    F16(Vec<[f16; 256]>),
    U8(Vec<[u8; 256]>),
}

impl Tables {
    fn new(dtype: ImageDtype, formulas: &[Formula], full: f64) -> Self {
        let tables = formulas.iter().map(|formula| formula.table(full));
        match dtype {
            ImageDtype::F32 => Self::F32(tables.collect()),
            ImageDtype::F16 => Self::F16(tables.map(|table| table.map(f16::from_f32)).collect()),
            ImageDtype::U8 => Self::U8(tables.map(|table| table.map(byte)).collect()),
        }
    }
}

/// Rounded to nearest, half to even, and clamped to 0..=255.
fn byte(value: f32) -> u8 {
    // A cast saturates.
    value.round_ties_even() as u8
}

impl Normaliser {
    pub fn new(image: &ImageInput) -> Self {
        let Preprocess {
            channels,
            grey,
            scale,
            arithmetic,
            ref mean,
            ref std,
            ..
        } = image.preprocess;
        // One value a channel, or one for all: that there are so many was checked.
        let of = |values: &[f64], channel: usize| *values.get(channel).unwrap_or(&values[0]);
        let formula = |channel| Formula {
            arithmetic,
            mean: of(mean, channel),
            std: of(std, channel),
        };
        let formulas: Vec<_> = (0..channels.count()).map(formula).collect();
        Self {
            layout: image.layout,
            channels,
            grey_already: grey == GreyOrder::Before,
            scale,
            tables: Tables::new(image.dtype, &formulas, FULL),
            formulas,
        }
    }

    /// An empty buffer of the right type.
    pub fn buffer(&self) -> TensorBuffer {
        match self.tables {
            Tables::F32(_) => TensorBuffer::F32(Vec::new()),
            Tables::F16(_) => TensorBuffer::F16(Vec::new()),
            Tables::U8(_) => TensorBuffer::U8(Vec::new()),
        }
    }

    fn dtype(&self) -> ImageDtype {
        match self.tables {
            Tables::F32(_) => ImageDtype::F32,
            Tables::F16(_) => ImageDtype::F16,
            Tables::U8(_) => ImageDtype::U8,
        }
    }

    /// Normalises a canvas into sample `slot` of `buffer`.
    pub fn normalise(&self, canvas: &Canvas, slot: usize, buffer: &mut TensorBuffer) {
        match self.scale {
            Scale::Fixed => self.write(&self.tables, canvas, slot, buffer),
            Scale::PhotoMaximum => {
                let full = canvas.bytes().iter().copied().max().unwrap_or(0).max(1);
                let tables = Tables::new(self.dtype(), &self.formulas, f64::from(full));
                self.write(&tables, canvas, slot, buffer);
            }
        }
    }

    fn write(&self, tables: &Tables, canvas: &Canvas, slot: usize, buffer: &mut TensorBuffer) {
        let length = canvas.width * canvas.height * self.formulas.len();
        let at = slot * length;
        match (tables, buffer) {
            (Tables::F32(tables), TensorBuffer::F32(all)) => {
                all.resize(all.len().max(at + length), 0.0);
                self.look_up(tables, canvas, &mut all[at..at + length]);
            }
            (Tables::F16(tables), TensorBuffer::F16(all)) => {
                all.resize(all.len().max(at + length), f16::ZERO);
                self.look_up(tables, canvas, &mut all[at..at + length]);
            }
            (Tables::U8(tables), TensorBuffer::U8(all)) => {
                all.resize(all.len().max(at + length), 0);
                self.look_up(tables, canvas, &mut all[at..at + length]);
            }
            (tables, other) => {
                *other = self.buffer();
                self.write(tables, canvas, slot, other);
            }
        }
    }

    fn look_up<T: Copy>(&self, tables: &[[T; 256]], canvas: &Canvas, to: &mut [T]) {
        let pixels = canvas.bytes().as_chunks::<3>().0;
        let (count, channels) = (pixels.len(), tables.len());
        for (channel, table) in tables.iter().enumerate() {
            let byte = |pixel: &[u8; 3]| match self.channels {
                Channels::Rgb => pixel[channel],
                Channels::Bgr => pixel[2 - channel],
                Channels::Grey if self.grey_already => pixel[0],
                Channels::Grey => grey(*pixel),
            };
            match self.layout {
                Layout::Nchw => {
                    let plane = &mut to[channel * count..(channel + 1) * count];
                    for (value, pixel) in plane.iter_mut().zip(pixels) {
                        *value = table[usize::from(byte(pixel))];
                    }
                }
                Layout::Nhwc => {
                    let values = to[channel..].iter_mut().step_by(channels);
                    for (value, pixel) in values.zip(pixels) {
                        *value = table[usize::from(byte(pixel))];
                    }
                }
            }
        }
    }
}

impl TensorBuffer {
    /// Runs `with` on the first numbers as a tensor of this shape; zeros fill up what is missing.
    pub fn tensor<R>(
        &mut self,
        shape: Vec<usize>,
        with: impl FnOnce(&DynValue) -> Result<R>,
    ) -> Result<R> {
        let length = shape.iter().product();
        let failed = |error: ort::Error| Error::Run(error.to_string());
        match self {
            Self::F32(all) => {
                all.resize(all.len().max(length), 0.0);
                let tensor = TensorRef::from_array_view((shape, &all[..length]));
                with(&tensor.map_err(failed)?.into_dyn())
            }
            Self::F16(all) => {
                all.resize(all.len().max(length), f16::ZERO);
                let tensor = TensorRef::from_array_view((shape, &all[..length]));
                with(&tensor.map_err(failed)?.into_dyn())
            }
            Self::U8(all) => {
                all.resize(all.len().max(length), 0);
                let tensor = TensorRef::from_array_view((shape, &all[..length]));
                with(&tensor.map_err(failed)?.into_dyn())
            }
        }
    }

    /// Moves sample `slot` of `length` numbers to the front.
    pub fn move_to_front(&mut self, slot: usize, length: usize) {
        let range = slot * length..(slot + 1) * length;
        match self {
            Self::F32(all) => all.copy_within(range, 0),
            Self::F16(all) => all.copy_within(range, 0),
            Self::U8(all) => all.copy_within(range, 0),
        }
    }
}

/// Pillow's `convert("L")`: the luma of ITU-R 601, in fixed point.
pub(crate) fn grey([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471;
    ((sum + 0x8000) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x = 200, ImageNet's red, as NumPy and PyTorch compute it.
    #[test]
    fn the_order_of_the_arithmetic_shows_in_the_last_digits() {
        let value = |arithmetic| {
            let formula = Formula {
                arithmetic,
                mean: 123.675,
                std: 58.395,
            };
            formula.value(200.0, FULL)
        };
        let exact = (200.0_f64 - 123.675) / 58.395;
        for arithmetic in Arithmetic::ALL {
            assert!((f64::from(value(*arithmetic)) - exact).abs() < 1e-6);
        }
        assert_eq!(value(Arithmetic::Float64), exact as f32);
        let torchvision = (200.0_f32 / 255.0 - 0.485) / 0.229;
        assert_eq!(value(Arithmetic::Torchvision), torchvision);
    }
}
