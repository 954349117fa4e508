//! PNG, WebP and BMP, by the `image` crate.

use std::io::{Cursor, ErrorKind};

use image::codecs::{bmp::BmpDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{ColorType, ImageDecoder, ImageError, Limits};

use super::{Format, Orientation, Picture, check_size};
use crate::error::{Error, Result};

/// Room for a decoder's own tables and rows, beside the picture.
const WORKING_BYTES: u64 = 64 << 20;

/// Deflate makes at most 1032 bytes out of one.
const DEFLATE_RATIO: u64 = 1032;

pub(super) fn png(bytes: &[u8], max_pixels: u64, picture: &mut Picture) -> Result<Orientation> {
    // The size stands at a fixed place, so that it can be judged before the decoder allocates.
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
    let samples = match header[9] {
        2 => 3,
        4 => 2,
        6 => 4,
        _ => 1,
    };
    let row = width
        .saturating_mul(samples * u64::from(header[8]))
        .div_ceil(8);
    let raw = row.saturating_mul(height);
    if raw > (bytes.len() as u64).saturating_mul(DEFLATE_RATIO) {
        return Err(Format::Png.cut_off(bytes));
    }
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(WORKING_BYTES + width * 16);
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), limits)
        .map_err(|error| refusal(Format::Png, bytes, &error))?;
    decode(decoder, Format::Png, bytes, max_pixels, picture)
}

pub(super) fn webp(bytes: &[u8], max_pixels: u64, picture: &mut Picture) -> Result<Orientation> {
    let decoder = WebPDecoder::new(Cursor::new(bytes))
        .map_err(|error| refusal(Format::WebP, bytes, &error))?;
    decode(decoder, Format::WebP, bytes, max_pixels, picture)
}

pub(super) fn bmp(bytes: &[u8], max_pixels: u64, picture: &mut Picture) -> Result<Orientation> {
    let decoder =
        BmpDecoder::new(Cursor::new(bytes)).map_err(|error| refusal(Format::Bmp, bytes, &error))?;
    decode(decoder, Format::Bmp, bytes, max_pixels, picture)
}

fn decode(
    mut decoder: impl ImageDecoder,
    format: Format,
    bytes: &[u8],
    max_pixels: u64,
    picture: &mut Picture,
) -> Result<Orientation> {
    let (width, height) = decoder.dimensions();
    let (width, height) = check_size(u64::from(width), u64::from(height), max_pixels)?;
    let color = decoder.color_type();
    let orientation = orientation(&mut decoder);
    picture.reset(width, height);
    if color == ColorType::Rgb8 {
        decoder
            .read_image(&mut picture.rgb)
            .map_err(|error| refusal(format, bytes, &error))?;
        return Ok(orientation);
    }
    let mut samples = vec![0; width * height * usize::from(color.bytes_per_pixel())];
    decoder
        .read_image(&mut samples)
        .map_err(|error| refusal(format, bytes, &error))?;
    if color.bytes_per_pixel() / color.channel_count() == 2 {
        keep_high_bytes(&mut samples);
    }
    let pixels = picture.rgb.as_chunks_mut::<3>().0.iter_mut();
    // Alpha is dropped, not blended, as `convert("RGB")` does.
    match color.channel_count() {
        1 => pixels
            .zip(&samples)
            .for_each(|(rgb, grey)| *rgb = [*grey; 3]),
        2 => pixels
            .zip(samples.as_chunks::<2>().0)
            .for_each(|(rgb, [grey, _])| *rgb = [*grey; 3]),
        3 => pixels
            .zip(samples.as_chunks::<3>().0)
            .for_each(|(rgb, pixel)| *rgb = *pixel),
        _ => pixels
            .zip(samples.as_chunks::<4>().0)
            .for_each(|(rgb, [red, green, blue, _])| *rgb = [*red, *green, *blue]),
    }
    Ok(orientation)
}

fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    let exif = decoder.exif_metadata().ok().flatten();
    exif.as_deref()
        // Some writers keep the prefix that the block has in a JPEG.
        .map(|block| block.strip_prefix(b"Exif\0\0").unwrap_or(block))
        .and_then(Orientation::from_exif)
        .or_else(|| Orientation::from_xmp(&decoder.xmp_metadata().ok().flatten()?))
        .unwrap_or_default()
}

/// 16-bit samples, in the machine's order, to 8 bits in place.
fn keep_high_bytes(samples: &mut Vec<u8>) {
    let high = usize::from(cfg!(target_endian = "little"));
    let count = samples.len() / 2;
    for index in 0..count {
        samples[index] = samples[index * 2 + high];
    }
    samples.truncate(count);
}

fn refusal(format: Format, bytes: &[u8], error: &ImageError) -> Error {
    let text = error.to_string();
    let ended = matches!(error, ImageError::IoError(io) if io.kind() == ErrorKind::UnexpectedEof)
        || text.contains("unexpected end")
        || shorter_than_said(format, bytes);
    if ended {
        return format.cut_off(bytes);
    }
    let reason = text
        .split_once(": ")
        .map_or(text.as_str(), |(_, reason)| reason);
    format.damaged(reason)
}

/// Whether the header says that the file is longer than it is.
fn shorter_than_said(format: Format, bytes: &[u8]) -> bool {
    let at = match format {
        Format::WebP => 4,
        Format::Bmp => 2,
        _ => return false,
    };
    let said = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
    said.is_some_and(|said| u32::from_le_bytes(*said) as usize > bytes.len())
}
