//! From pixels to the model's numbers: order of channels, mean and standard deviation.

use boxwright_model::package::{
    Arithmetic, Channels, GreyOrder, ImageDtype, Layout, Preprocess, Scale,
};
use boxwright_model::pipeline::ImageInput;
use half::f16;
use ort::value::{DynValue, TensorRef};

use super::canvas::{Canvas, Inner};
use super::resize::{Depth, Kernel, Pixels};
use super::source::Grey;
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
    dtype: ImageDtype,
    /// The grey of what is not grey yet.
    grey: Option<Grey>,
    scale: Scale,
    /// What white is in the pixels of the canvas.
    white: f64,
    formulas: Vec<Formula>,
    /// What each byte becomes, one table a channel, where all pictures share them.
    tables: Tables,
    /// What lies around the picture, where it is not normalised.
    pad: Option<f32>,
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

impl Tables {
    fn f32(&self) -> &[[f32; 256]] {
        match self {
            Self::F32(tables) => tables,
            _ => &[],
        }
    }

    fn f16(&self) -> &[[f16; 256]] {
        match self {
            Self::F16(tables) => tables,
            _ => &[],
        }
    }

    fn u8(&self) -> &[[u8; 256]] {
        match self {
            Self::U8(tables) => tables,
            _ => &[],
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
            pad_normalised,
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
        let kernel = Kernel::of(&image.preprocess);
        Self {
            layout: image.layout,
            channels,
            dtype: image.dtype,
            grey: (grey == GreyOrder::After).then(|| Grey::of(&image.preprocess)),
            scale,
            white: if kernel.depth() == Depth::Unit {
                1.0
            } else {
                FULL
            },
            tables: Tables::new(image.dtype, &formulas, FULL),
            formulas,
            pad: pad_normalised.map(|pad| pad as f32),
        }
    }

    /// An empty buffer of the right type.
    pub fn buffer(&self) -> TensorBuffer {
        match self.dtype {
            ImageDtype::F32 => TensorBuffer::F32(Vec::new()),
            ImageDtype::F16 => TensorBuffer::F16(Vec::new()),
            ImageDtype::U8 => TensorBuffer::U8(Vec::new()),
        }
    }

    /// Normalises a canvas into sample `slot` of `buffer`.
    pub fn normalise(&self, canvas: &Canvas, slot: usize, buffer: &mut TensorBuffer) {
        let length = canvas.width * canvas.height * self.formulas.len();
        let place = slot * length..(slot + 1) * length;
        match buffer {
            TensorBuffer::F32(all) if self.dtype == ImageDtype::F32 => {
                all.resize(all.len().max(place.end), 0.0);
                self.write(canvas, &mut all[place], Tables::f32, |value| value);
            }
            TensorBuffer::F16(all) if self.dtype == ImageDtype::F16 => {
                all.resize(all.len().max(place.end), f16::ZERO);
                self.write(canvas, &mut all[place], Tables::f16, f16::from_f32);
            }
            TensorBuffer::U8(all) if self.dtype == ImageDtype::U8 => {
                all.resize(all.len().max(place.end), 0);
                self.write(canvas, &mut all[place], Tables::u8, byte);
            }
            other => {
                *other = self.buffer();
                self.normalise(canvas, slot, other);
            }
        }
    }

    /// Writes a canvas in the element type that `convert` gives; `tables` are those of the type.
    fn write<T: Copy>(
        &self,
        canvas: &Canvas,
        to: &mut [T],
        tables: fn(&Tables) -> &[[T; 256]],
        convert: fn(f32) -> T,
    ) {
        match canvas.pixels() {
            Pixels::U8(bytes) => {
                let own;
                let shared = match self.scale {
                    Scale::Fixed => &self.tables,
                    Scale::PhotoMaximum => {
                        let full = bytes.iter().copied().max().unwrap_or(0).max(1);
                        own = Tables::new(self.dtype, &self.formulas, f64::from(full));
                        &own
                    }
                };
                let tables = tables(shared);
                let grey = self.grey.map(|grey| grey.bytes);
                let value = |byte: u8, channel: usize| tables[channel][usize::from(byte)];
                self.spread_channels(bytes, grey, value, to);
            }
            Pixels::F32(floats) => {
                let full = match self.scale {
                    Scale::Fixed => self.white,
                    Scale::PhotoMaximum => {
                        f64::from(floats.iter().copied().fold(0.0, f32::max)).max(1e-6)
                    }
                };
                let grey = self.grey.map(|grey| grey.floats);
                let value = |x: f32, channel: usize| convert(self.formulas[channel].value(x, full));
                self.spread_channels(floats, grey, value, to);
            }
        }
        if let (Some(pad), Some(inner)) = (self.pad, canvas.inner()) {
            self.pad_around(canvas, inner, convert(pad), to);
        }
    }

    /// Writes every channel in its order and layout.
    fn spread_channels<P: Copy, T: Copy>(
        &self,
        pixels: &[P],
        grey: Option<fn([P; 3]) -> P>,
        value: impl Fn(P, usize) -> T,
        to: &mut [T],
    ) {
        let pixels = pixels.as_chunks::<3>().0;
        let (count, channels) = (pixels.len(), self.formulas.len());
        for channel in 0..channels {
            let of = |pixel: &[P; 3]| match (self.channels, grey) {
                (Channels::Rgb, _) => pixel[channel],
                (Channels::Bgr, _) => pixel[2 - channel],
                (Channels::Grey, None) => pixel[0],
                (Channels::Grey, Some(grey)) => grey(*pixel),
            };
            match self.layout {
                Layout::Nchw => {
                    let plane = &mut to[channel * count..(channel + 1) * count];
                    for (to, pixel) in plane.iter_mut().zip(pixels) {
                        *to = value(of(pixel), channel);
                    }
                }
                Layout::Nhwc => {
                    let all = to[channel..].iter_mut().step_by(channels);
                    for (to, pixel) in all.zip(pixels) {
                        *to = value(of(pixel), channel);
                    }
                }
            }
        }
    }

    /// Fills what lies around the picture.
    fn pad_around<T: Copy>(&self, canvas: &Canvas, inner: Inner, pad: T, to: &mut [T]) {
        let channels = self.formulas.len();
        let columns = inner.left..inner.left + inner.width;
        let rows = inner.top..inner.top + inner.height;
        let outside = |index: usize| {
            let (x, y) = (index % canvas.width, index / canvas.width);
            !(columns.contains(&x) && rows.contains(&y))
        };
        let count = canvas.width * canvas.height;
        for index in (0..count).filter(|index| outside(*index)) {
            for channel in 0..channels {
                let at = match self.layout {
                    Layout::Nchw => channel * count + index,
                    Layout::Nhwc => index * channels + channel,
                };
                to[at] = pad;
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
