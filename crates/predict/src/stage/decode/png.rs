//! PNG.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::{ImageDecoder, Limits};

use super::format::{Format, check_size};
use super::opencv::{Unchanged, no_first_picture};
use super::orientation::Orientation;
use super::picture::Picture;
use super::png_chunks::Chunks;
use super::png_grey::Grey;
use super::request::Request;
use super::{grey, raster};
use crate::error::Result;

/// Room for a decoder's own tables and rows, beside the picture.
const WORKING_BYTES: u64 = 64 << 20;

/// Deflate makes at most 1032 bytes out of one.
const DEFLATE_RATIO: u64 = 1032;

/// Colour types of the header.
const GREY: u8 = 0;
const RGB: u8 = 2;
const PALETTE: u8 = 3;
const GREY_ALPHA: u8 = 4;
const RGB_ALPHA: u8 = 6;

pub(super) fn decode(request: &Request<'_>, picture: &mut Picture) -> Result<Orientation> {
    let Request {
        bytes, decoding, ..
    } = *request;
    judge(bytes, request.max_pixels)?;
    let chunks = Chunks::of(bytes);
    let mut limits = Limits::no_limits();
    let width = u64::from(u32::from_be_bytes([
        bytes[16], bytes[17], bytes[18], bytes[19],
    ]));
    limits.max_alloc = Some(WORKING_BYTES + width * 16);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits)
        .map_err(|error| raster::refusal(Format::Png, bytes, &error))?;
    raster::judge(&decoder, request, picture)?;
    picture.details.bits = chunks.bits;
    picture.details.channels = samples_of(chunks.color);
    picture
        .details
        .colour_profile
        .clone_from(&chunks.colour_profile);
    if decoding.by_pillow() {
        if decoding.by_tensorflow() {
            raster::decode(decoder, Format::Png, bytes, false, picture)?;
        } else {
            by_pillow(decoder, &chunks, request, picture)?;
        }
        return Ok(chunks.pillow());
    }
    if chunks.frames > 1 && !chunks.first_is_frame {
        return Err(no_first_picture(Format::Png));
    }
    if decoding.unchanged() {
        unchanged(&chunks).check()?;
    }
    if decoding.grey() {
        to_grey(decoder, &chunks, bytes, picture)?;
    } else {
        raster::decode(decoder, Format::Png, bytes, false, picture)?;
    }
    Ok(chunks.opencv())
}

/// Judges the size, which stands at a fixed place, before the decoder allocates.
fn judge(bytes: &[u8], max_pixels: u64) -> Result<()> {
    let header = bytes
        .get(16..26)
        .ok_or_else(|| Format::Png.cut_off(bytes))?;
    let number = |at: usize| {
        u64::from(u32::from_be_bytes([
            header[at],
            header[at + 1],
            header[at + 2],
            header[at + 3],
        ]))
    };
    let (width, height) = (number(0), number(4));
    check_size(width, height, max_pixels)?;
    let samples = u64::from(samples_of(header[9]));
    let row = width
        .saturating_mul(samples * u64::from(header[8]))
        .div_ceil(8);
    let raw = row.saturating_mul(height);
    if raw > (bytes.len() as u64).saturating_mul(DEFLATE_RATIO) {
        return Err(Format::Png.cut_off(bytes));
    }
    Ok(())
}

fn samples_of(color: u8) -> u8 {
    match color {
        RGB => 3,
        GREY_ALPHA => 2,
        RGB_ALPHA => 4,
        _ => 1,
    }
}

/// Greys of 16 bits are Pillow's mode `I;16`, whose way to RGB cuts off at 255.
fn by_pillow(
    decoder: impl ImageDecoder,
    chunks: &Chunks<'_>,
    request: &Request<'_>,
    picture: &mut Picture,
) -> Result<()> {
    let bytes = request.bytes;
    if (chunks.color, chunks.bits) != (GREY, 16) {
        // A palette's or a colour's transparency is no channel of Pillow's.
        let alpha = request.decoding.alpha && matches!(chunks.color, GREY_ALPHA | RGB_ALPHA);
        return raster::decode(decoder, Format::Png, bytes, alpha, picture);
    }
    let step = usize::from(decoder.color_type().bytes_per_pixel());
    let samples = raster::samples(decoder, Format::Png, bytes, picture.details.stored)?;
    let (width, height) = picture.details.stored;
    picture.reset(width, height);
    let words = samples.chunks_exact(step);
    picture.paint_greys(words.map(|word| u16::from_ne_bytes([word[0], word[1]]).min(255) as u8));
    Ok(())
}

/// A colour that is named transparent makes alpha, but not in a grey picture.
fn unchanged(chunks: &Chunks<'_>) -> Unchanged {
    let channels = match chunks.color {
        RGB | PALETTE if !chunks.transparency => 3,
        RGB | PALETTE | GREY_ALPHA | RGB_ALPHA => 4,
        _ => 1,
    };
    Unchanged {
        channels,
        bits: if chunks.bits == 16 { 16 } else { 8 },
    }
}

fn to_grey(
    decoder: impl ImageDecoder,
    chunks: &Chunks<'_>,
    bytes: &[u8],
    picture: &mut Picture,
) -> Result<()> {
    let png_grey = Grey::new(chunks.gamma);
    let color = decoder.color_type();
    if !raster::is_wide(color) || color.channel_count() < 3 {
        raster::decode(decoder, Format::Png, bytes, false, picture)?;
        if chunks.frames > 1 {
            // OpenCV puts an animation together in colour.
            picture.turn_grey(grey::opencv);
        } else {
            picture.turn_grey(|pixel| png_grey.of(pixel));
        }
        return Ok(());
    }
    let samples = raster::samples(decoder, Format::Png, bytes, picture.details.stored)?;
    let (width, height) = picture.details.stored;
    picture.reset(width, height);
    let pixels = samples.chunks_exact(usize::from(color.bytes_per_pixel()));
    picture.paint_greys(pixels.map(|pixel| {
        let word = |at: usize| u16::from_ne_bytes([pixel[at], pixel[at + 1]]);
        png_grey.of_wide([word(0), word(2), word(4)])
    }));
    Ok(())
}
