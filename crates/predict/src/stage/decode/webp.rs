//! WebP.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::webp::WebPDecoder;

use super::format::Format;
use super::opencv::Unchanged;
use super::orientation::Orientation;
use super::picture::Picture;
use super::request::Request;
use super::{exif, grey, icc, raster, tensorflow};
use crate::error::Result;

pub(super) fn decode(request: &Request<'_>, picture: &mut Picture) -> Result<Orientation> {
    let Request {
        bytes, decoding, ..
    } = *request;
    let decoder = WebPDecoder::new(Cursor::new(bytes))
        .map_err(|error| raster::refusal(Format::WebP, bytes, &error))?;
    raster::judge(&decoder, request, picture)?;
    let (channels, bits) = (decoder.color_type().channel_count(), 8);
    picture.details.bits = bits;
    picture.details.channels = channels;
    picture.details.colour_profile = chunk(bytes, b"ICCP").and_then(icc::name);
    if decoding.by_tensorflow() && channels == 4 {
        return Err(tensorflow::refused(
            Format::WebP,
            "it has alpha, and 3 channels are wanted",
        ));
    }
    if decoding.unchanged() {
        Unchanged { channels, bits }.check()?;
    }
    raster::decode(decoder, Format::WebP, bytes, decoding.alpha, picture)?;
    if decoding.grey() {
        picture.turn_grey(grey::opencv);
    }
    let block = chunk(bytes, b"EXIF");
    let found = if decoding.by_pillow() {
        block
            .and_then(exif::pillow)
            .or_else(|| chunk(bytes, b"XMP ").and_then(exif::xmp))
    } else {
        block.and_then(exif::opencv)
    };
    Ok(found.unwrap_or_default())
}

/// What the first chunk of a kind holds.
fn chunk<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    let mut rest = bytes.get(12..)?;
    loop {
        let (header, behind) = rest.split_first_chunk::<8>()?;
        let [a, b, c, d] = [header[4], header[5], header[6], header[7]];
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if header[..4] == kind[..] {
            return behind.get(..length);
        }
        rest = behind.get(length.checked_add(length % 2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::chunk;

    #[test]
    fn chunks_are_found_behind_others_of_odd_length() {
        let file = b"RIFF\0\0\0\0WEBPVP8X\x01\0\0\0a\0EXIF\x02\0\0\0II";
        assert_eq!(chunk(file, b"EXIF"), Some(b"II".as_slice()));
        assert_eq!(chunk(file, b"ICCP"), None);
        assert_eq!(chunk(&file[..file.len() - 1], b"EXIF"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_searched_for_chunks(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = chunk(&bytes, b"EXIF");
            let _ = chunk(&[b"RIFF\0\0\0\0WEBP", bytes.as_slice()].concat(), b"ICCP");
        }
    }
}
