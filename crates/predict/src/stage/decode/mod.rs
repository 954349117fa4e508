//! Encoded pictures to RGB, with the pixels of the library that the notebook decodes with.

mod bmp;
mod cmyk;
mod decoding;
mod exif;
mod format;
mod gif;
pub(crate) mod grey;
#[cfg(test)]
mod hostile_tests;
mod icc;
mod jpeg;
mod jpeg_markers;
mod opencv;
mod orientation;
mod picture;
mod png;
mod png_chunks;
mod png_grey;
mod raster;
mod request;
mod round_trip;
mod tensorflow;
mod tiff;
#[cfg(test)]
mod truth_tests;
mod turbo;
mod webp;

use crate::error::Result;

pub(crate) use decoding::Decoding;
use format::Format;
pub(crate) use format::{RAISE, grouped};
use orientation::Orientation;
pub(crate) use picture::{Details, Picture};
use request::Request;
pub(crate) use round_trip::RoundTrip;
pub(crate) use turbo::Compressor;

/// Decodes pictures one after the other, in buffers that stay.
#[derive(Debug)]
pub(crate) struct Decoder {
    max_pixels: u64,
    turbo: Option<turbo::Decompressor>,
    /// The last picture.
    pub picture: Picture,
    turned: Vec<u8>,
}

impl Decoder {
    /// A decoder that refuses pictures of more than `max_pixels`.
    pub fn new(max_pixels: u64) -> Self {
        Self {
            max_pixels,
            turbo: None,
            picture: Picture::default(),
            turned: Vec::new(),
        }
    }

    /// Decodes `bytes` into [`Decoder::picture`] as `decoding` says.
    pub fn decode(&mut self, bytes: &[u8], decoding: &Decoding) -> Result<()> {
        let format = Format::of(bytes)?;
        self.picture.details = Details::new(format);
        self.picture.alpha.clear();
        let request = Request {
            bytes,
            max_pixels: self.max_pixels,
            decoding,
        };
        let decoded = match format {
            Format::Jpeg => {
                let turbo = match &mut self.turbo {
                    Some(turbo) => turbo,
                    none => none.insert(turbo::Decompressor::new()?),
                };
                jpeg::decode(&request, turbo, &mut self.picture)
            }
            Format::Png => png::decode(&request, &mut self.picture),
            Format::WebP => webp::decode(&request, &mut self.picture),
            Format::Bmp => bmp::decode(&request, &mut self.picture),
            Format::Gif => gif::decode(&request, &mut self.picture),
            Format::Tiff => tiff::decode(&request, &mut self.picture),
        };
        let orientation = decoded.inspect_err(|_| {
            // After an error libjpeg-turbo goes on in the middle of the old file.
            self.turbo = None;
        })?;
        self.picture.details.orientation = orientation.tag();
        // Both libraries turn a TIFF while they read it, whatever they are told.
        if decoding.turns() || format == Format::Tiff {
            orientation.apply(&mut self.picture, &mut self.turned);
            if orientation != Orientation::default() {
                self.picture.details.turned = true;
                self.picture.alpha.clear();
            }
        }
        Ok(())
    }

    /// A decoder with the same limit and fresh buffers.
    pub fn anew(&self) -> Self {
        Self::new(self.max_pixels)
    }

    /// Gives back what a very large picture took, so that many decoders don't keep it.
    pub fn trim(&mut self, bytes: usize) {
        if self.picture.rgb.capacity() > bytes {
            self.picture = Picture::default();
        }
        if self.turned.capacity() > bytes {
            self.turned = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: &[u8]) -> String {
        Decoder::new(1000)
            .decode(bytes, &Decoding::default())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_no_picture_is_named() {
        assert!(message(b"").contains("empty"));
        assert!(message(b"hello, world").contains("no picture"));
        assert!(message(b"%PDF-1.7 ...").contains("PDF"));
        assert!(message(b"\0\0\0\x1cftypavif....").contains("AVIF"));
    }

    #[test]
    fn a_huge_header_is_refused_before_anything_is_decoded() {
        let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
        png.extend([0, 0, 255, 255, 0, 0, 255, 255, 8, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert!(
            message(&png).contains("65,535 × 65,535 = 4,294,836,225 pixels"),
            "{}",
            message(&png)
        );
    }
}
