//! The first picture of a TIFF, by the `tiff` crate; `image` refuses palettes and its colours
//! of CMYK are not Pillow's.

mod jpeg;
mod opencv;
mod refusal;
mod ycbcr;

use std::io::Cursor;

use ::tiff::decoder::{Decoder, DecodingResult, Limits};
use ::tiff::tags::Tag;
use ::tiff::{ColorType, TiffError};

use self::jpeg::Parts;
use self::refusal::refusal;
use super::cmyk::cmyk_to_rgb;
use super::decoding::Decoding;
use super::exif::Directory;
use super::format::{Format, check_size};
use super::orientation::Orientation;
use super::picture::Picture;
use super::request::Request;
use super::{grey, icc, tensorflow};
use crate::error::Result;

/// The most that one tag, such as an ICC profile, may take.
const MAX_TAG_BYTES: usize = 16 << 20;

pub(super) fn decode(request: &Request<'_>, picture: &mut Picture) -> Result<Orientation> {
    let Request {
        bytes, decoding, ..
    } = *request;
    if decoding.by_tensorflow() {
        return Err(tensorflow::refused(Format::Tiff, "it knows no TIFF"));
    }
    let refuse = |error: TiffError| refusal(bytes, &error);
    let patched = indices_as_greys(bytes);
    let file = patched.as_deref().unwrap_or(bytes);
    let mut decoder = Decoder::new(Cursor::new(file)).map_err(refuse)?;
    let (width, height) = decoder.dimensions().map_err(refuse)?;
    let size = check_size(u64::from(width), u64::from(height), request.max_pixels)?;
    let color = match decoder.colortype().map_err(refuse)? {
        ColorType::Gray(bits) if patched.is_some() => ColorType::Palette(bits),
        ColorType::Multiband {
            bit_depth,
            num_samples: 2,
        } => ColorType::GrayA(bit_depth),
        color => color,
    };
    let samples = Samples::of(color)?;
    let stored = decoder
        .find_tag_unsigned(Tag::SamplesPerPixel)
        .map_err(refuse)?;
    describe(picture, size, color, stored, bytes);
    if !decoding.by_pillow() {
        opencv::check(color)?;
        if decoding.unchanged() {
            opencv::unchanged(color, picture.details.channels).check()?;
        }
    }
    let row_bytes = (size.0 * samples.count * usize::from(color.bit_depth())).div_ceil(8);
    let mut decoder = decoder.with_limits(limits(row_bytes.saturating_mul(size.1)));
    let orientation = match decoder.find_tag_unsigned::<u32>(Tag::Orientation) {
        Ok(Some(tag)) => Orientation::from_tag(tag),
        _ => Orientation::default(),
    };
    let colours = Colours::read(&mut decoder, color, decoding).map_err(refuse)?;
    let pixels = Interleaved::read(&mut decoder, &colours, size, request)?;
    picture.reset(size.0, size.1);
    paint(picture, &pixels, &colours);
    if decoding.grey() {
        picture.turn_grey(grey::opencv_reader);
    }
    Ok(orientation)
}

fn describe(
    picture: &mut Picture,
    size: (usize, usize),
    color: ColorType,
    stored_samples: Option<u16>,
    bytes: &[u8],
) {
    let samples = stored_samples.unwrap_or(color.num_samples());
    picture.details.stored = size;
    picture.details.bits = color.bit_depth();
    picture.details.channels = u8::try_from(samples).unwrap_or(u8::MAX);
    let profile = Directory::first(bytes).and_then(|first| first.bytes(Tag::IccProfile.to_u16()));
    picture.details.colour_profile = profile.and_then(icc::name);
}

/// How 16 bits become 8: greys of Pillow's mode `I;16` are cut off at 255, libtiff rounds the
/// samples of colours for OpenCV, and everything else keeps the upper 8.
fn narrow(color: ColorType, by_pillow: bool) -> fn(u16) -> u8 {
    match (color, by_pillow) {
        (ColorType::Gray(_), true) => |word| word.min(255) as u8,
        (ColorType::Gray(_) | ColorType::GrayA(_), false) | (_, true) => |word| (word >> 8) as u8,
        (_, false) => |word| ((u32::from(word) + 128) / 257) as u8,
    }
}

/// What the fourth sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alpha {
    None,
    /// The colours are already multiplied by it.
    Premultiplied,
    /// The colours are as they are without it.
    Straight,
}

impl Alpha {
    fn of(extra: Option<u16>) -> Self {
        match extra {
            Some(1) => Self::Premultiplied,
            Some(2) => Self::Straight,
            _ => Self::None,
        }
    }
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
}

impl Samples {
    fn of(color: ColorType) -> Result<Self> {
        let count = match color {
            ColorType::Gray(1 | 2 | 4 | 8 | 16) | ColorType::Palette(1 | 2 | 4 | 8) => 1,
            ColorType::GrayA(8 | 16) => 2,
            ColorType::RGB(8 | 16) | ColorType::YCbCr(8) => 3,
            ColorType::RGBA(8 | 16) | ColorType::CMYK(8 | 16) => 4,
            other => {
                return Err(Format::Tiff.damaged(format!("its colours are stored as {other:?}")));
            }
        };
        Ok(Self { count })
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

/// The colour map, which holds all reds, then all greens, then all blues, as 8 bits. Some writers
/// put 8 bits into its 16, which libtiff, and with it OpenCV, takes for what it is.
fn palette(map: &[u16], bits: u8, by_pillow: bool) -> Vec<[u8; 3]> {
    let count = 1 << bits.min(8);
    let shift = if by_pillow || map.iter().any(|value| *value > 255) {
        8
    } else {
        0
    };
    let at = |index: usize| map.get(index).map_or(0, |value| (value >> shift) as u8);
    (0..count)
        .map(|index| [at(index), at(count + index), at(2 * count + index)])
        .collect()
}

/// Samples of one byte each: packed ones unpacked (greys spread over 0..=255, indices as they
/// are), 16-bit ones by `narrow`.
fn eight_bits(
    data: DecodingResult,
    color: ColorType,
    row_bytes: usize,
    row_samples: usize,
    narrow: fn(u16) -> u8,
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
        DecodingResult::U16(words) => Ok(words.into_iter().map(narrow).collect()),
        _ => Err(Format::Tiff.damaged("its samples are neither 8 nor 16 bits wide")),
    }
}

/// Samples of 8 bits that lie pixel by pixel, or plane by plane.
struct Interleaved {
    bytes: Vec<u8>,
    count: usize,
    planar: bool,
    /// They are RGB already, whatever the file says.
    rgb: bool,
}

impl Interleaved {
    fn read(
        decoder: &mut Decoder<Cursor<&[u8]>>,
        colours: &Colours,
        (width, height): (usize, usize),
        request: &Request<'_>,
    ) -> Result<Self> {
        let file = request.bytes;
        let color = colours.color;
        let count = Samples::of(color)?.count;
        if let Some(parts) = Parts::of(decoder, color, (width, height), request)? {
            return Ok(Self {
                bytes: parts.decode(file, (width, height))?,
                count,
                planar: false,
                rgb: count == 3,
            });
        }
        let mut data = DecodingResult::U8(Vec::new());
        let layout = decoder
            .read_image_to_buffer(&mut data)
            .map_err(|error| refusal(file, &error))?;
        let row_bytes = (width * count * usize::from(color.bit_depth())).div_ceil(8);
        let narrow = narrow(color, colours.by_pillow);
        let bytes = eight_bits(data, color, row_bytes, width * count, narrow)?;
        if bytes.len() < width * height * count {
            return Err(Format::Tiff.cut_off(file));
        }
        Ok(Self {
            bytes,
            count,
            planar: layout.planes > 1,
            rgb: false,
        })
    }

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

/// How samples become RGB.
#[derive(Debug)]
struct Colours {
    color: ColorType,
    alpha: Alpha,
    palette: Vec<[u8; 3]>,
    by_pillow: bool,
    /// Not compressed, and so read by Pillow without libtiff.
    plain: bool,
}

impl Colours {
    fn read(
        decoder: &mut Decoder<Cursor<&[u8]>>,
        color: ColorType,
        decoding: &Decoding,
    ) -> Result<Self, TiffError> {
        let by_pillow = decoding.by_pillow();
        let palette = match color {
            ColorType::Palette(bits) => {
                palette(&decoder.get_tag_u16_vec(Tag::ColorMap)?, bits, by_pillow)
            }
            _ => Vec::new(),
        };
        let alpha = match decoder.find_tag_unsigned_vec::<u16>(Tag::ExtraSamples) {
            Ok(Some(extra)) => Alpha::of(extra.first().copied()),
            _ => Alpha::None,
        };
        let compression = decoder.find_tag_unsigned::<u16>(Tag::Compression)?;
        Ok(Self {
            color,
            alpha,
            palette,
            by_pillow,
            plain: compression.unwrap_or(1) == 1,
        })
    }

    fn with_alpha(&self, [red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
        match (self.alpha, self.by_pillow) {
            (Alpha::Premultiplied, true) => [red, green, blue].map(|value| divided(value, alpha)),
            (Alpha::Straight, false) => {
                [red, green, blue].map(|value| opencv::multiplied(value, alpha))
            }
            _ => [red, green, blue],
        }
    }
}

fn paint(picture: &mut Picture, samples: &Interleaved, colours: &Colours) {
    let count = picture.width * picture.height;
    for (index, rgb) in picture.pixels().iter_mut().enumerate() {
        *rgb = match colours.color {
            ColorType::Palette(_) => {
                let [entry] = samples.pixel(index, count);
                let colour = colours.palette.get(usize::from(entry));
                colour.copied().unwrap_or_default()
            }
            ColorType::CMYK(_) if colours.by_pillow => cmyk_to_rgb(samples.pixel(index, count)),
            ColorType::CMYK(_) => opencv::cmyk_to_rgb(samples.pixel(index, count)),
            _ if samples.rgb => samples.pixel(index, count),
            ColorType::RGB(_) => samples.pixel(index, count),
            ColorType::RGBA(_) => colours.with_alpha(samples.pixel(index, count)),
            ColorType::YCbCr(_) if colours.by_pillow && colours.plain => {
                ycbcr::pillow(samples.pixel(index, count))
            }
            ColorType::YCbCr(_) => ycbcr::libtiff(samples.pixel(index, count)),
            // libtiff multiplies such greys, but not those that lie pixel by pixel.
            ColorType::GrayA(_)
                if samples.planar && colours.alpha == Alpha::Straight && !colours.by_pillow =>
            {
                let [grey, alpha] = samples.pixel(index, count);
                [opencv::multiplied(grey, alpha); 3]
            }
            _ => {
                let [grey] = samples.pixel(index, count);
                [grey; 3]
            }
        };
    }
}

/// Pillow's way back from a colour that is multiplied by its alpha.
fn divided(value: u8, alpha: u8) -> u8 {
    match alpha {
        0 => 0,
        255 => value,
        alpha => (u32::from(value) * 255 / u32::from(alpha)).min(255) as u8,
    }
}
