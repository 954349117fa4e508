//! PNG, WebP and BMP, by the `image` crate.

use std::io::ErrorKind;

use image::{ColorType, ImageDecoder, ImageError};

use super::format::{Format, check_size};
use super::picture::Picture;
use super::request::Request;
use crate::error::{Error, Result};

/// Judges the size and says it of the picture.
pub(super) fn judge(
    decoder: &impl ImageDecoder,
    request: &Request<'_>,
    picture: &mut Picture,
) -> Result<()> {
    let (width, height) = decoder.dimensions();
    let size = check_size(u64::from(width), u64::from(height), request.max_pixels)?;
    picture.details.stored = size;
    Ok(())
}

/// Decodes to RGB of 8 bits. Alpha is dropped, not blended, as both libraries do; and kept beside
/// the pixels where it is asked for.
pub(super) fn decode(
    decoder: impl ImageDecoder,
    format: Format,
    bytes: &[u8],
    alpha: bool,
    picture: &mut Picture,
) -> Result<()> {
    let (width, height) = picture.details.stored;
    let color = decoder.color_type();
    picture.reset(width, height);
    if color == ColorType::Rgb8 {
        return decoder
            .read_image(&mut picture.rgb)
            .map_err(|error| refusal(format, bytes, &error));
    }
    let mut samples = samples(decoder, format, bytes, picture.details.stored)?;
    if is_wide(color) {
        keep_high_bytes(&mut samples);
    }
    let pixels = picture.pixels().iter_mut();
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
    let count = usize::from(color.channel_count());
    if alpha && color.has_alpha() {
        let last = samples.iter().skip(count - 1).step_by(count);
        picture.alpha.extend(last);
    }
    Ok(())
}

/// The samples as the decoder gives them.
pub(super) fn samples(
    decoder: impl ImageDecoder,
    format: Format,
    bytes: &[u8],
    (width, height): (usize, usize),
) -> Result<Vec<u8>> {
    let mut samples = vec![0; width * height * usize::from(decoder.color_type().bytes_per_pixel())];
    decoder
        .read_image(&mut samples)
        .map_err(|error| refusal(format, bytes, &error))?;
    Ok(samples)
}

/// Whether a sample has 16 bits.
pub(super) fn is_wide(color: ColorType) -> bool {
    color.bytes_per_pixel() / color.channel_count() == 2
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

pub(super) fn refusal(format: Format, bytes: &[u8], error: &ImageError) -> Error {
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
