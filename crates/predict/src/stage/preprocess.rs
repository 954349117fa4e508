//! From a picture to the model's numbers: resize, crop, channels, mean and standard deviation.

use boxwright_model::package::{Channels, Crop, ImageDtype, Layout, Preprocess, Resize};
use half::f16;
use ort::value::{DynValue, TensorRef};

use crate::error::{Error, Result};
use crate::stage::decode::{Picture, RAISE, grouped};
use crate::stage::resize::{Region, Resizer, View};

/// Longer sides are refused: no camera makes them, and a resize would take memory by the length.
const MAX_SIDE: usize = 1_000_000;

/// What a letterbox is filled with where the package doesn't say.
const PAD: [u8; 3] = [114; 3];

/// How pictures become the image input's tensor.
#[derive(Debug)]
pub(crate) struct ImageInput {
    /// The input's name, for messages.
    pub name: String,
    /// Width and height that the model takes; `None` where it takes any.
    pub size: Option<(usize, usize)>,
    pub layout: Layout,
    pub preprocess: Preprocess,
    tables: Tables,
    max_pixels: usize,
}

/// The normalised value of each byte, one table a channel.
#[derive(Debug)]
enum Tables {
    F32(Vec<[f32; 256]>),
    F16(Vec<[f16; 256]>),
    U8(Vec<[u8; 256]>),
}

impl Tables {
    fn new(dtype: ImageDtype, preprocess: &Preprocess) -> Result<Self> {
        let channels = channels(preprocess.channels);
        let mean = each_channel(&preprocess.mean, "mean", channels)?;
        let std = each_channel(&preprocess.std, "std", channels)?;
        if std.iter().any(|std| *std == 0.0 || !std.is_finite()) {
            return Err(Error::Package {
                reason: "preprocess.std has a value that can't be divided by".into(),
                hint: "Use 1 for values that should stay as they are.".into(),
            });
        }
        let tables = (0..channels).map(|channel| -> [f32; 256] {
            std::array::from_fn(|byte| (byte as f32 - mean[channel]) / std[channel])
        });
        Ok(match dtype {
            ImageDtype::F32 => Self::F32(tables.collect()),
            ImageDtype::F16 => Self::F16(tables.map(|table| table.map(f16::from_f32)).collect()),
            // A cast saturates.
            ImageDtype::U8 => Self::U8(
                tables
                    .map(|table| table.map(|v| v.round_ties_even() as u8))
                    .collect(),
            ),
        })
    }
}

/// One value a channel, from as many or from one for all.
fn each_channel(values: &[f32], field: &str, channels: usize) -> Result<Vec<f32>> {
    match values {
        [one] => Ok(vec![*one; channels]),
        all if all.len() == channels => Ok(all.to_vec()),
        all => Err(Error::Package {
            reason: format!(
                "preprocess.{field} has {} values for {channels} channels",
                all.len()
            ),
            hint: format!("Give preprocess.{field} one value, or {channels}."),
        }),
    }
}

/// The numbers of a batch, in a buffer that stays.
#[derive(Debug)]
pub(crate) enum Numbers {
    F32(Vec<f32>),
    F16(Vec<f16>),
    U8(Vec<u8>),
}

impl ImageInput {
    /// Checks `preprocess` on its own; `size` is what the model and the package agree on.
    pub fn new(
        name: &str,
        size: Option<(usize, usize)>,
        layout: Layout,
        dtype: ImageDtype,
        preprocess: &Preprocess,
        max_pixels: u64,
    ) -> Result<Self> {
        if preprocess.resize == Resize::ShortSide && preprocess.size.is_none_or(|size| size == 0) {
            return Err(Error::Package {
                reason: "preprocess.size is missing, the pixels of the shorter side".into(),
                hint: "Set preprocess.size, for example to 256.".into(),
            });
        }
        if matches!(preprocess.resize, Resize::Stretch | Resize::Letterbox) && size.is_none() {
            return Err(Error::Package {
                reason: format!(
                    "input `{name}` takes any size, and {} needs one",
                    preprocess.resize
                ),
                hint: "Set width and height of the input.".into(),
            });
        }
        let tables = Tables::new(dtype, preprocess)?;
        let max_pixels = usize::try_from(max_pixels).unwrap_or(usize::MAX);
        Ok(Self {
            name: name.into(),
            size,
            layout,
            preprocess: preprocess.clone(),
            tables,
            max_pixels,
        })
    }

    /// Channels of the tensor.
    pub fn channels(&self) -> usize {
        channels(self.preprocess.channels)
    }

    /// An empty buffer of the right type.
    pub fn numbers(&self) -> Numbers {
        match self.tables {
            Tables::F32(_) => Numbers::F32(Vec::new()),
            Tables::F16(_) => Numbers::F16(Vec::new()),
            Tables::U8(_) => Numbers::U8(Vec::new()),
        }
    }

    /// Resizes and crops `picture` into `rgb`; gives the width and height.
    pub fn fit(&self, picture: &Picture, resizer: &mut Resizer, rgb: &mut Fitted) -> Result<()> {
        let frame = self.frame(picture.width, picture.height)?;
        let view = View {
            width: picture.width,
            height: picture.height,
            rgb: &picture.rgb,
        };
        let whole = frame.canvas == (frame.region.width, frame.region.height);
        (rgb.width, rgb.height) = frame.canvas;
        let kernel = self.preprocess.filter.into();
        if whole {
            resizer.resize_bytes(view, frame.resized, kernel, frame.region, &mut rgb.bytes);
            return Ok(());
        }
        resizer.resize_bytes(view, frame.resized, kernel, frame.region, &mut rgb.part);
        rgb.bytes.resize(frame.canvas.0 * frame.canvas.1 * 3, 0);
        let pixels = rgb.bytes.as_chunks_mut::<3>().0;
        pixels.fill(frame.fill);
        let part = rgb.part.as_chunks::<3>().0;
        for (y, row) in part.chunks_exact(frame.region.width.max(1)).enumerate() {
            let at = (frame.at.1 + y) * frame.canvas.0 + frame.at.0;
            pixels[at..at + row.len()].copy_from_slice(row);
        }
        Ok(())
    }

    /// Where a picture of this size goes.
    fn frame(&self, width: usize, height: usize) -> Result<Frame> {
        if width.max(height) > MAX_SIDE {
            return Err(too_narrow(width, height));
        }
        let resized = self.resized(width, height);
        let centre =
            self.preprocess.crop == Crop::Center || self.preprocess.resize == Resize::Letterbox;
        let canvas = match self.size {
            Some(size) if centre => size,
            Some(size) if size != resized => return Err(self.misfit(resized, size)),
            _ => resized,
        };
        let (left, at_x, across) = placed(resized.0, canvas.0);
        let (top, at_y, down) = placed(resized.1, canvas.1);
        self.check_asked()?;
        // Between the two passes there are as many pixels as rows that go in times columns that
        // come out.
        let most = across
            .saturating_mul(down.max(height))
            .max(canvas.0.saturating_mul(canvas.1));
        if most > self.max_pixels {
            return Err(too_narrow(width, height));
        }
        let letterbox = self.preprocess.resize == Resize::Letterbox;
        let fill = if letterbox {
            self.preprocess.pad.unwrap_or(PAD)
        } else {
            [0; 3]
        };
        let region = Region {
            left,
            top,
            width: across,
            height: down,
        };
        Ok(Frame {
            resized,
            region,
            canvas,
            at: (at_x, at_y),
            fill,
        })
    }

    /// Refuses a package that asks for more pixels than any picture may have.
    fn check_asked(&self) -> Result<()> {
        let short = match self.preprocess.resize {
            Resize::ShortSide => self.preprocess.size.map(|size| size as usize),
            _ => None,
        };
        let asked = [
            ("input's width and height", self.size),
            (
                "package's preprocess.size",
                short.map(|short| (short, short)),
            ),
        ];
        for (field, size) in asked {
            let (width, height) = size.unwrap_or_default();
            let pixels = width.saturating_mul(height);
            if pixels > self.max_pixels {
                return Err(Error::Shape(format!(
                    "The result would have {} × {} = {} pixels by the {field}, and the limit is \
                     {}. Set a smaller one, or {RAISE}.",
                    grouped(width as u64),
                    grouped(height as u64),
                    grouped(pixels as u64),
                    grouped(self.max_pixels as u64)
                )));
            }
        }
        Ok(())
    }

    fn resized(&self, width: usize, height: usize) -> (usize, usize) {
        match (self.preprocess.resize, self.size) {
            (Resize::Stretch, Some(size)) => size,
            (Resize::Letterbox, Some(size)) => {
                let scale = f64::min(size.0 as f64 / width as f64, size.1 as f64 / height as f64);
                let side = |length: usize, most: usize| {
                    ((length as f64 * scale).round_ties_even() as usize).clamp(1, most.max(1))
                };
                (side(width, size.0), side(height, size.1))
            }
            (Resize::ShortSide, _) => {
                let short = self.preprocess.size.unwrap_or(1) as usize;
                let long = |long: usize, side: usize| {
                    ((short as f64 * long as f64) / side as f64).round_ties_even() as usize
                };
                if width <= height {
                    (short, long(height, width))
                } else {
                    (long(width, height), short)
                }
            }
            _ => (width, height),
        }
    }

    fn misfit(&self, resized: (usize, usize), size: (usize, usize)) -> Error {
        Error::Shape(format!(
            "The picture is {} × {} pixels after resizing, and input `{}` takes {} × {}. Choose \
             another way to resize, or crop to the centre.",
            resized.0, resized.1, self.name, size.0, size.1
        ))
    }

    /// Normalises a fitted picture into sample `slot` of `numbers`.
    pub fn normalise(&self, rgb: &Fitted, slot: usize, numbers: &mut Numbers) {
        let length = rgb.width * rgb.height * self.channels();
        let at = slot * length;
        match (&self.tables, numbers) {
            (Tables::F32(tables), Numbers::F32(all)) => {
                all.resize(all.len().max(at + length), 0.0);
                self.spread(tables, rgb, &mut all[at..at + length]);
            }
            (Tables::F16(tables), Numbers::F16(all)) => {
                all.resize(all.len().max(at + length), f16::ZERO);
                self.spread(tables, rgb, &mut all[at..at + length]);
            }
            (Tables::U8(tables), Numbers::U8(all)) => {
                all.resize(all.len().max(at + length), 0);
                self.spread(tables, rgb, &mut all[at..at + length]);
            }
            (_, other) => {
                *other = self.numbers();
                self.normalise(rgb, slot, other);
            }
        }
    }

    fn spread<T: Copy>(&self, tables: &[[T; 256]], rgb: &Fitted, to: &mut [T]) {
        let pixels = rgb.bytes.as_chunks::<3>().0;
        let (count, channels) = (pixels.len(), tables.len());
        for (channel, table) in tables.iter().enumerate() {
            let byte = |pixel: &[u8; 3]| match self.preprocess.channels {
                Channels::Rgb => pixel[channel],
                Channels::Bgr => pixel[2 - channel],
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

    /// The axes of a batch of pictures of this size.
    pub fn shape(&self, count: usize, width: usize, height: usize) -> Vec<usize> {
        let picture = match self.layout {
            Layout::Nchw => [self.channels(), height, width],
            Layout::Nhwc => [height, width, self.channels()],
        };
        std::iter::once(count).chain(picture).collect()
    }
}

impl Numbers {
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
                with(
                    &TensorRef::from_array_view((shape, &all[..length]))
                        .map_err(failed)?
                        .into_dyn(),
                )
            }
            Self::F16(all) => {
                all.resize(all.len().max(length), f16::ZERO);
                with(
                    &TensorRef::from_array_view((shape, &all[..length]))
                        .map_err(failed)?
                        .into_dyn(),
                )
            }
            Self::U8(all) => {
                all.resize(all.len().max(length), 0);
                with(
                    &TensorRef::from_array_view((shape, &all[..length]))
                        .map_err(failed)?
                        .into_dyn(),
                )
            }
        }
    }

    /// Moves sample `slot` of `length` numbers to the front.
    pub fn first(&mut self, slot: usize, length: usize) {
        let range = slot * length..(slot + 1) * length;
        match self {
            Self::F32(all) => all.copy_within(range, 0),
            Self::F16(all) => all.copy_within(range, 0),
            Self::U8(all) => all.copy_within(range, 0),
        }
    }
}

/// A picture of the model's size, in buffers that stay.
#[derive(Debug, Default)]
pub(crate) struct Fitted {
    pub width: usize,
    pub height: usize,
    bytes: Vec<u8>,
    part: Vec<u8>,
}

/// Where a resized picture goes on the model's canvas.
#[derive(Debug, PartialEq)]
struct Frame {
    resized: (usize, usize),
    region: Region,
    canvas: (usize, usize),
    at: (usize, usize),
    fill: [u8; 3],
}

/// One axis of torchvision's `CenterCrop`: where the cut begins, where it lands, its length.
fn placed(resized: usize, canvas: usize) -> (usize, usize, usize) {
    if resized >= canvas {
        let offset = ((resized - canvas) as f64 / 2.0).round_ties_even();
        (offset as usize, 0, canvas)
    } else {
        (0, (canvas - resized) / 2, resized)
    }
}

fn channels(channels: Channels) -> usize {
    if channels == Channels::Grey { 1 } else { 3 }
}

/// Pillow's `convert("L")`: the luma of ITU-R 601, in fixed point.
fn grey([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471;
    ((sum + 0x8000) >> 16) as u8
}

fn too_narrow(width: usize, height: usize) -> Error {
    Error::Sample(format!(
        "The picture is {} × {} pixels: too long and narrow to be resized. Crop it.",
        grouped(width as u64),
        grouped(height as u64)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(preprocess: Preprocess, size: Option<(usize, usize)>) -> String {
        let (layout, dtype, limit) = (Layout::Nchw, ImageDtype::F32, 100_000_000);
        let input = ImageInput::new("images", size, layout, dtype, &preprocess, limit);
        let frame = input.expect("a pipeline").frame(451, 300);
        frame.expect_err("more than the limit").to_string()
    }

    #[test]
    fn a_result_that_is_too_large_names_the_field_that_asks_for_it() {
        let stretch = Preprocess {
            resize: Resize::Stretch,
            ..Preprocess::default()
        };
        let words = refusal(stretch, Some((16_384, 16_384)));
        assert!(
            words.contains("16,384 × 16,384 = 268,435,456 pixels"),
            "{words}"
        );
        assert!(words.contains("input's width and height"), "{words}");
        let short_side = Preprocess {
            resize: Resize::ShortSide,
            size: Some(20_000),
            ..Preprocess::default()
        };
        let words = refusal(short_side, None);
        assert!(words.contains("preprocess.size"), "{words}");
    }

    #[test]
    fn a_picture_that_is_too_narrow_says_so() {
        let preprocess = Preprocess {
            resize: Resize::ShortSide,
            size: Some(256),
            crop: Crop::None,
            ..Preprocess::default()
        };
        let (layout, dtype) = (Layout::Nchw, ImageDtype::F32);
        let input = ImageInput::new("images", None, layout, dtype, &preprocess, 100_000_000);
        let frame = input.expect("a pipeline").frame(10, 900_000);
        let words = frame.expect_err("too narrow").to_string();
        assert!(words.contains("too long and narrow"), "{words}");
    }
}
