//! Encoded pictures to RGB, with the pixels of the library that the notebook decodes with.

mod bmp;
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
mod round_trip;
mod tensorflow;
mod tiff;
#[cfg(test)]
mod truth_tests;
mod turbo;
mod webp;

use crate::error::{Error, Result};

pub(crate) use decoding::Decoding;
pub(crate) use format::grouped;
use format::{Format, check_size};
pub(crate) use orientation::Orientation;
pub(crate) use picture::{Details, Picture};
pub(crate) use round_trip::RoundTrip;
pub(crate) use turbo::Compressor;

/// How the limit on pixels is raised, wherever this runs.
pub(crate) const RAISE: &str = "raise the limit (`--max-pixels` on the command line, MAX_PIXELS \
                                in a container, the settings in the window)";

/// What one call of a format's decoder works on.
#[derive(Debug, Clone, Copy)]
struct Request<'a> {
    bytes: &'a [u8],
    max_pixels: u64,
    decoding: &'a Decoding,
}

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

/// Pillow's conversion of one CMYK pixel (0 is no ink) to RGB.
fn cmyk_to_rgb(cmyk: [u8; 4]) -> [u8; 3] {
    let white = 255 - u32::from(cmyk[3]);
    std::array::from_fn(|channel| {
        let product = u32::from(cmyk[channel]) * white + 128;
        // x / 255, rounded; the ink never takes more than there is.
        (white - (((product >> 8) + product) >> 8)) as u8
    })
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

    #[test]
    fn ink_becomes_light() {
        assert_eq!(cmyk_to_rgb([0, 0, 0, 0]), [255, 255, 255]);
        assert_eq!(cmyk_to_rgb([255, 0, 128, 0]), [0, 255, 127]);
        assert_eq!(cmyk_to_rgb([10, 20, 30, 255]), [0, 0, 0]);
    }
}
