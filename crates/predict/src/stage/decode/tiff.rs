//! The first picture of a TIFF, by the `tiff` crate; `image` refuses palettes and its colours
//! of CMYK are not Pillow's.

use std::io::Cursor;

use ::tiff::decoder::{Decoder, DecodingResult, Limits};
use ::tiff::tags::Tag;
use ::tiff::{ColorType, TiffError, TiffFormatError};

use super::orientation::Directory;
use super::{Format, Orientation, Picture, check_size, cmyk_to_rgb};
use crate::error::{Error, Result};

/// The most that one tag, such as an ICC profile, may take.
const MAX_TAG_BYTES: usize = 16 << 20;

pub(super) fn decode(bytes: &[u8], max_pixels: u64, picture: &mut Picture) -> Result<Orientation> {
    let refuse = |error: TiffError| refusal(bytes, &error);
    let patched = indices_as_greys(bytes);
    let file = patched.as_deref().unwrap_or(bytes);
    let mut decoder = Decoder::new(Cursor::new(file)).map_err(refuse)?;
    let (width, height) = decoder.dimensions().map_err(refuse)?;
    let (width, height) = check_size(u64::from(width), u64::from(height), max_pixels)?;
    let color = match decoder.colortype().map_err(refuse)? {
        ColorType::Gray(bits) if patched.is_some() => ColorType::Palette(bits),
        ColorType::Multiband {
            bit_depth,
            num_samples: 2,
        } => ColorType::GrayA(bit_depth),
        color => color,
    };
    let samples = Samples::of(color)?;
    let row_bytes = (width * samples.count * usize::from(color.bit_depth())).div_ceil(8);
    decoder = decoder.with_limits(limits(row_bytes.saturating_mul(height)));
    let orientation = match decoder.find_tag_unsigned::<u16>(Tag::Orientation) {
        Ok(Some(tag)) => Orientation::from_tag(tag),
        _ => Orientation::default(),
    };
    let palette = match color {
        ColorType::Palette(bits) => colours(
            &decoder.get_tag_u16_vec(Tag::ColorMap).map_err(refuse)?,
            bits,
        ),
        _ => Vec::new(),
    };
    // 1 stands for colours that are already multiplied by their alpha.
    let premultiplied = samples.alpha
        && matches!(
            decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples),
            Ok(Some(extra)) if extra.first() == Some(&1)
        );
    let mut data = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut data).map_err(refuse)?;
    let bytes_of = eight_bits(data, color, row_bytes, width * samples.count)?;
    if bytes_of.len() < width * height * samples.count {
        return Err(Format::Tiff.cut_off(bytes));
    }
    let pixels = Interleaved {
        bytes: &bytes_of,
        count: samples.count,
        planar: layout.planes > 1,
    };
    picture.reset(width, height);
    paint(picture, &pixels, color, &palette, premultiplied);
    Ok(orientation)
}

/// The file with its palette picture said to be grey, where it is one: the `tiff` crate reads
/// everything about palettes, and then refuses them. The indices come out as if they were greys.
fn indices_as_greys(bytes: &[u8]) -> Option<Vec<u8>> {
    const PALETTE: u16 = 3;
    const GREY: u16 = 1;
    let directory = Directory::first(bytes)?;
    let entry = directory.find(Tag::PhotometricInterpretation.to_u16())?;
    if directory.u16_at(entry + 8)? != PALETTE {
        return None;
    }
    let mut patched = bytes.to_vec();
    patched[entry + 8..entry + 10].copy_from_slice(&directory.bytes_of(GREY));
    Some(patched)
}

/// How many samples make a pixel.
struct Samples {
    count: usize,
    alpha: bool,
}

impl Samples {
    fn of(color: ColorType) -> Result<Self> {
        let (count, alpha) = match color {
            ColorType::Gray(1 | 2 | 4 | 8 | 16) | ColorType::Palette(1 | 2 | 4 | 8) => (1, false),
            ColorType::GrayA(8 | 16) => (2, true),
            ColorType::RGB(8 | 16) | ColorType::YCbCr(8) => (3, false),
            ColorType::RGBA(8 | 16) => (4, true),
            ColorType::CMYK(8 | 16) => (4, false),
            other => {
                return Err(Format::Tiff.damaged(format!("its colours are stored as {other:?}")));
            }
        };
        Ok(Self { count, alpha })
    }
}

fn limits(picture_bytes: usize) -> Limits {
    let mut limits = Limits::default();
    // Tags are held against it, too.
    limits.decoding_buffer_size = picture_bytes.max(MAX_TAG_BYTES);
    limits.intermediate_buffer_size = picture_bytes.saturating_add(MAX_TAG_BYTES);
    limits.ifd_value_size = MAX_TAG_BYTES;
    limits
}

/// The colour map, which holds all reds, then all greens, then all blues, as 8 bits.
fn colours(map: &[u16], bits: u8) -> Vec<[u8; 3]> {
    let count = 1 << bits.min(8);
    let at = |index: usize| map.get(index).map_or(0, |value| (value >> 8) as u8);
    (0..count)
        .map(|index| [at(index), at(count + index), at(2 * count + index)])
        .collect()
}

/// Samples of one byte each: packed ones unpacked (greys spread over 0..=255, indices as they
/// are), 16-bit ones by their high byte.
fn eight_bits(
    data: DecodingResult,
    color: ColorType,
    row_bytes: usize,
    row_samples: usize,
) -> Result<Vec<u8>> {
    let bits = color.bit_depth();
    match data {
        DecodingResult::U8(bytes) if bits == 8 => Ok(bytes),
        DecodingResult::U8(bytes) => {
            let mask = (1 << bits) - 1;
            let scale = if matches!(color, ColorType::Gray(_)) {
                255 / mask
            } else {
                1
            };
            let per_byte = 8 / usize::from(bits);
            let unpack = |row: &[u8], index: usize| {
                let shift = 8 - usize::from(bits) * (index % per_byte + 1);
                ((row[index / per_byte] >> shift) & mask) * scale
            };
            Ok(bytes
                .chunks_exact(row_bytes)
                .flat_map(|row| (0..row_samples).map(move |index| unpack(row, index)))
                .collect())
        }
        DecodingResult::U16(words) => Ok(words.iter().map(|word| (word >> 8) as u8).collect()),
        _ => Err(Format::Tiff.damaged("its samples are neither 8 nor 16 bits wide")),
    }
}

/// Samples that lie pixel by pixel, or plane by plane.
struct Interleaved<'a> {
    bytes: &'a [u8],
    count: usize,
    planar: bool,
}

impl Interleaved<'_> {
    fn pixel<const N: usize>(&self, index: usize, pixels: usize) -> [u8; N] {
        std::array::from_fn(|sample| {
            let at = if self.planar {
                sample * pixels + index
            } else {
                index * self.count + sample
            };
            self.bytes[at]
        })
    }
}

fn paint(
    picture: &mut Picture,
    samples: &Interleaved<'_>,
    color: ColorType,
    palette: &[[u8; 3]],
    premultiplied: bool,
) {
    let count = picture.width * picture.height;
    for (index, rgb) in picture.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        *rgb = match color {
            ColorType::Palette(_) => {
                let [entry] = samples.pixel(index, count);
                palette.get(usize::from(entry)).copied().unwrap_or_default()
            }
            ColorType::CMYK(_) => cmyk_to_rgb(samples.pixel(index, count)),
            ColorType::RGB(_) => samples.pixel(index, count),
            ColorType::RGBA(_) => {
                let [red, green, blue, alpha] = samples.pixel(index, count);
                if premultiplied {
                    [red, green, blue].map(|value| divided(value, alpha))
                } else {
                    [red, green, blue]
                }
            }
            ColorType::YCbCr(_) => ycbcr_to_rgb(samples.pixel(index, count)),
            _ => {
                let [grey] = samples.pixel(index, count);
                [grey; 3]
            }
        };
    }
}

fn divided(value: u8, alpha: u8) -> u8 {
    match alpha {
        0 => 0,
        255 => value,
        alpha => (u32::from(value) * 255 / u32::from(alpha)).min(255) as u8,
    }
}

/// The conversion of JFIF.
fn ycbcr_to_rgb([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    let (luma, blue, red) = (
        f32::from(luma),
        f32::from(blue) - 128.0,
        f32::from(red) - 128.0,
    );
    [
        luma + 1.402 * red,
        luma - 0.344_136 * blue - 0.714_136 * red,
        luma + 1.772 * blue,
    ]
    .map(|value| value.round() as u8)
}

fn refusal(bytes: &[u8], error: &TiffError) -> Error {
    match error {
        TiffError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            Format::Tiff.cut_off(bytes)
        }
        TiffError::FormatError(TiffFormatError::InconsistentSizesEncountered) => {
            Format::Tiff.cut_off(bytes)
        }
        error => Format::Tiff.damaged(error),
    }
}
