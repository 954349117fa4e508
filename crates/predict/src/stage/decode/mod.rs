//! Encoded pictures to upright RGB, with the pixels of Pillow's
//! `ImageOps.exif_transpose(image).convert("RGB")`.

mod gif;
#[cfg(test)]
mod hostile_tests;
mod jpeg;
mod orientation;
mod other;
mod tiff;
mod turbo;

use crate::error::{Error, Result};

pub(crate) use orientation::Orientation;
pub(crate) use turbo::Compressor;

/// How the limit on pixels is raised, wherever this runs.
pub(crate) const RAISE: &str = "raise the limit (`--max-pixels` on the command line, MAX_PIXELS \
                                in a container, the settings in the window)";

/// A decoded picture: rows from the top, three bytes a pixel.
#[derive(Debug, Default)]
pub(crate) struct Picture {
    pub width: usize,
    pub height: usize,
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Gives the picture a size and room for its pixels; what they hold is left open.
    fn reset(&mut self, width: usize, height: usize) {
        self.width = width;
        self.height = height;
        let length = width * height * 3;
        if self.rgb.capacity() < length {
            // Fresh zeroed pages cost less than copying the old pixels and zeroing the rest.
            self.rgb = vec![0; length];
        } else {
            self.rgb.resize(length, 0);
        }
    }
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

    /// Decodes `bytes` into [`Decoder::picture`], turned upright where `upright` is set.
    pub fn decode(&mut self, bytes: &[u8], upright: bool) -> Result<()> {
        let format = Format::of(bytes)?;
        let decoded = match format {
            Format::Jpeg => {
                let turbo = match &mut self.turbo {
                    Some(turbo) => turbo,
                    none => none.insert(turbo::Decompressor::new()?),
                };
                jpeg::decode(bytes, turbo, self.max_pixels, &mut self.picture)
            }
            Format::Png => other::png(bytes, self.max_pixels, &mut self.picture),
            Format::WebP => other::webp(bytes, self.max_pixels, &mut self.picture),
            Format::Bmp => other::bmp(bytes, self.max_pixels, &mut self.picture),
            Format::Gif => gif::decode(bytes, self.max_pixels, &mut self.picture),
            Format::Tiff => tiff::decode(bytes, self.max_pixels, &mut self.picture),
        };
        let orientation = decoded.inspect_err(|_| {
            // After an error libjpeg-turbo goes on in the middle of the old file.
            self.turbo = None;
        })?;
        if upright {
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

/// The formats that are read, told apart by their first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Jpeg,
    Png,
    WebP,
    Bmp,
    Gif,
    Tiff,
}

impl Format {
    fn of(bytes: &[u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Error::Sample(
                "The file is empty. Copy or download it again.".into(),
            ));
        }
        Ok(match bytes {
            [0xff, 0xd8, 0xff, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Self::Png,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Self::WebP,
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Self::Tiff,
            [b'B', b'M', ..] => Self::Bmp,
            _ => return Err(no_picture(bytes)),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
        }
    }

    fn cut_off(self, bytes: &[u8]) -> Error {
        Error::Sample(format!(
            "The {} ends after {} bytes, before the picture is complete. Copy or download it again.",
            self.name(),
            grouped(bytes.len() as u64)
        ))
    }

    fn damaged(self, reason: impl std::fmt::Display) -> Error {
        Error::Sample(format!(
            "The {} can't be decoded: {}. Save it again with another program, or leave it out.",
            self.name(),
            reason.to_string().trim_end_matches('.')
        ))
    }
}

fn no_picture(bytes: &[u8]) -> Error {
    let known = match bytes {
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', ..] => Some("an AVIF picture"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h' | b'm', ..] => Some("a HEIC picture or a film"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("a film"),
        [b'%', b'P', b'D', b'F', ..] => Some("a PDF"),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Some("a NumPy array"),
        [b'P', b'K', 3, 4, ..] => Some("a ZIP archive"),
        _ => None,
    };
    Error::Sample(match known {
        Some(what) => format!(
            "The file is {what}. Save it as JPEG, PNG, WebP, BMP, GIF or TIFF to predict it."
        ),
        None => "The file is no picture: it is neither JPEG, PNG, WebP, BMP, GIF nor TIFF.".into(),
    })
}

/// Judges a picture's size from its header, before anything is decoded.
fn check_size(width: u64, height: u64, max_pixels: u64) -> Result<(usize, usize)> {
    if width == 0 || height == 0 {
        return Err(Error::Sample(format!(
            "The picture is {width} × {height} pixels: it has no area. Save it again."
        )));
    }
    let pixels = width.saturating_mul(height);
    if pixels > max_pixels {
        return Err(Error::Sample(format!(
            "The picture is {} × {} = {} pixels, and the limit is {}. Make it smaller, or {RAISE}.",
            grouped(width),
            grouped(height),
            grouped(pixels),
            grouped(max_pixels)
        )));
    }
    match (
        usize::try_from(width),
        usize::try_from(height),
        usize::try_from(pixels),
    ) {
        (Ok(width), Ok(height), Ok(pixels)) if pixels.checked_mul(16).is_some() => {
            Ok((width, height))
        }
        _ => Err(Error::Sample(
            "The picture is larger than memory. Make it smaller.".into(),
        )),
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
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
            .decode(bytes, true)
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
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"].map(String::from)
        );
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
