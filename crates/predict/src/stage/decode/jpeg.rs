//! JPEG, pixel for pixel what Pillow and OpenCV decode.

use boxwright_model::package::Decode;

use super::cmyk::cmyk_to_rgb;
use super::format::{Format, check_size};
use super::jpeg_markers::Markers;
use super::opencv::{self, Unchanged};
use super::orientation::Orientation;
use super::picture::Picture;
use super::request::Request;
use super::turbo::{Decompressor, Header, Samples, Trouble};
use super::{grey, icc, tensorflow};
use crate::error::Result;

/// Decodes a JPEG as it is stored; the orientation is the one to apply.
pub(super) fn decode(
    request: &Request<'_>,
    turbo: &mut Decompressor,
    picture: &mut Picture,
) -> Result<Orientation> {
    let Request {
        bytes, decoding, ..
    } = *request;
    let markers = Markers::of(bytes);
    let header = turbo
        .header(bytes)
        .map_err(|trouble| refusal(bytes, &markers, trouble))?;
    // Cut off before the size was said.
    if !markers.complete && (header.width == 0 || header.height == 0) {
        return Err(Format::Jpeg.cut_off(bytes));
    }
    let (width, height) = check_size(
        header.width as u64,
        header.height as u64,
        request.max_pixels,
    )?;
    if !markers.complete || too_short(bytes, header) {
        return Err(Format::Jpeg.cut_off(bytes));
    }
    picture.details.stored = (width, height);
    picture.details.bits = markers.bits;
    picture.details.channels = markers.components;
    picture.details.colour_profile = markers.profile.and_then(icc::name);
    if decoding.unchanged() && markers.components == 1 {
        let (channels, bits) = (1, 8);
        Unchanged { channels, bits }.check()?;
    }
    match pixels(request, turbo, (header, &markers), picture) {
        // A warning means wrong pixels somewhere. The file is whole, and both libraries show it.
        Ok(()) | Err(Trouble::Warning(_)) => Ok(if decoding.by_pillow() {
            markers.pillow()
        } else {
            markers.opencv()
        }),
        Err(trouble) => Err(refusal(bytes, &markers, trouble)),
    }
}

fn pixels(
    request: &Request<'_>,
    turbo: &mut Decompressor,
    (header, markers): (Header, &Markers<'_>),
    picture: &mut Picture,
) -> Result<(), Trouble> {
    let Request {
        bytes, decoding, ..
    } = *request;
    let scale = match decoding.draft {
        Some(size) if decoding.library == Decode::Pillow && !header.lossless => {
            draft_scale((header.width, header.height), size)
        }
        _ => 1,
    };
    let (width, height) = (header.width.div_ceil(scale), header.height.div_ceil(scale));
    if header.cmyk {
        let mut cmyk = vec![0; width * height * Samples::Cmyk.count()];
        let fast = decoding.fast_dct();
        let decoded = turbo.decode_with(bytes, header, scale, Samples::Cmyk, &mut cmyk, fast);
        picture.reset(width, height);
        let inks = cmyk.as_chunks::<4>().0;
        for (rgb, ink) in picture.pixels().iter_mut().zip(inks) {
            *rgb = match decoding.library {
                // JPEGs store how much light is left, not how much ink there is; so does Pillow
                // read every one of them.
                Decode::Pillow => cmyk_to_rgb(ink.map(|stored| 255 - stored)),
                Decode::TensorFlow => tensorflow::stored_cmyk_to_rgb(*ink, markers.adobe),
                _ => opencv::stored_cmyk_to_rgb(*ink),
            };
        }
        if decoding.grey() {
            picture.turn_grey(grey::opencv_reader);
        }
        decoded
    } else if decoding.grey() {
        let mut luma = vec![0; width * height];
        let decoded = turbo.decode(bytes, header, scale, Samples::Grey, &mut luma);
        picture.reset(width, height);
        picture.paint_greys(luma);
        decoded
    } else {
        picture.reset(width, height);
        let fast = decoding.fast_dct();
        turbo.decode_with(bytes, header, scale, Samples::Rgb, &mut picture.rgb, fast)
    }
}

/// By how much Pillow's `Image.draft` divides the sides of a JPEG: 8, 4, 2 or 1. The side that is
/// nearer to the size asked for decides. The box that belongs to the whole picture afterwards is
/// the stored size divided by this, not rounded.
pub(crate) fn draft_scale(stored: (usize, usize), size: (u32, u32)) -> usize {
    let times = |stored: usize, asked: u32| stored / (asked.max(1) as usize);
    let most = times(stored.0, size.0).min(times(stored.1, size.1));
    [8, 4, 2]
        .into_iter()
        .find(|scale| most >= *scale)
        .unwrap_or(1)
}

fn refusal(bytes: &[u8], markers: &Markers<'_>, trouble: Trouble) -> crate::Error {
    let (Trouble::Warning(reason) | Trouble::Fatal(reason)) = trouble;
    if markers.complete {
        Format::Jpeg.damaged(reason)
    } else {
        Format::Jpeg.cut_off(bytes)
    }
}

/// Whether the file is shorter than the picture can possibly be: Huffman coding takes at least
/// a bit a block of 8 × 8. Keeps a small file from claiming a large buffer.
pub(super) fn too_short(bytes: &[u8], header: Header) -> bool {
    let blocks = header.width.div_ceil(8) * header.height.div_ceil(8);
    !header.arithmetic && bytes.len() < blocks / 8
}

#[cfg(test)]
mod tests {
    use super::draft_scale;

    #[test]
    fn a_draft_is_never_smaller_than_asked_for() {
        let scales = [(1, 1), (100, 50), (200, 10), (101, 50), (51, 26), (0, 0)];
        let stored = (400, 200);
        let got = scales.map(|size| draft_scale(stored, size));
        assert_eq!(got, [8, 4, 2, 2, 4, 8]);
        assert_eq!(draft_scale((3, 3), (4, 4)), 1);
    }
}
