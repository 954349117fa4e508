//! The first frame of a GIF.

use ::gif::{ColorOutput, DecodeOptions, DecodingError, MemoryLimit};

use super::{Format, Orientation, Picture, check_size};
use crate::error::{Error, Result};

pub(super) fn decode(bytes: &[u8], max_pixels: u64, picture: &mut Picture) -> Result<Orientation> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(
        std::num::NonZeroU64::new(max_pixels).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes),
    );
    let refuse = |error: DecodingError| refusal(bytes, &error);
    let mut decoder = options.read_info(bytes).map_err(refuse)?;
    let screen = (u64::from(decoder.width()), u64::from(decoder.height()));
    let frame = decoder.next_frame_info().map_err(refuse)?;
    let frame = frame.ok_or_else(|| Format::Gif.cut_off(bytes))?;
    let (left, top) = (usize::from(frame.left), usize::from(frame.top));
    let (frame_width, frame_height) = (usize::from(frame.width), usize::from(frame.height));
    let transparent = frame.transparent;
    // A frame that reaches past the screen widens it.
    let (width, height) = check_size(
        screen.0.max((left + frame_width) as u64),
        screen.1.max((top + frame_height) as u64),
        max_pixels,
    )?;
    check_size(frame_width as u64, frame_height as u64, max_pixels)?;
    let palette = palette(decoder.palette().unwrap_or(&[]));
    let mut indices = vec![0; decoder.buffer_size()];
    decoder.read_into_buffer(&mut indices).map_err(refuse)?;

    picture.reset(width, height);
    let pixels = picture.rgb.as_chunks_mut::<3>().0;
    // What no frame covers has the transparent colour's place in the palette, else the first.
    pixels.fill(palette[usize::from(transparent.unwrap_or(0))]);
    for (y, row) in indices
        .chunks_exact(frame_width)
        .take(frame_height)
        .enumerate()
    {
        let at = (top + y) * width + left;
        for (pixel, index) in pixels[at..at + frame_width].iter_mut().zip(row) {
            *pixel = palette[usize::from(*index)];
        }
    }
    Ok(Orientation::default())
}

/// 256 colours: those of the file, black past its end; greys where the file has none.
fn palette(colours: &[u8]) -> [[u8; 3]; 256] {
    if colours.is_empty() {
        return std::array::from_fn(|grey| [grey as u8; 3]);
    }
    let mut palette = [[0; 3]; 256];
    for (slot, colour) in palette.iter_mut().zip(colours.as_chunks::<3>().0) {
        *slot = *colour;
    }
    palette
}

fn refusal(bytes: &[u8], error: &DecodingError) -> Error {
    match error {
        DecodingError::UnexpectedEof => Format::Gif.cut_off(bytes),
        DecodingError::Io(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            Format::Gif.cut_off(bytes)
        }
        error => Format::Gif.damaged(error),
    }
}
