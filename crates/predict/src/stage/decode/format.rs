//! The formats that are read, and the messages about files that can't be.

use crate::error::{Error, Result};

/// How the limit on pixels is raised, wherever this runs.
pub(crate) const RAISE: &str = "raise the limit (`--max-pixels` on the command line, MAX_PIXELS \
                                in a container, the settings in the window)";

/// The formats that are read, told apart by their first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Jpeg,
    Png,
    WebP,
    Bmp,
    Gif,
    Tiff,
}

impl Format {
    pub fn of(bytes: &[u8]) -> Result<Self> {
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

    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
        }
    }

    pub fn cut_off(self, bytes: &[u8]) -> Error {
        Error::Sample(format!(
            "The {} ends after {} bytes, before the picture is complete. Copy or download it again.",
            self.name(),
            grouped(bytes.len() as u64)
        ))
    }

    pub fn damaged(self, reason: impl std::fmt::Display) -> Error {
        Error::Sample(format!(
            "The {} can't be decoded: {}. Save it again with another program, or leave it out.",
            self.name(),
            reason.to_string().trim_end_matches('.')
        ))
    }

    /// What `library` gives up on, and another might not.
    pub fn refused_by(self, library: &str, reason: impl std::fmt::Display) -> Error {
        Error::Sample(format!(
            "{library} can't decode the {}: {reason}. Save it again with another program, or decode \
             with Pillow.",
            self.name()
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
pub(super) fn check_size(width: u64, height: u64, max_pixels: u64) -> Result<(usize, usize)> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(grouped),
            ["0", "999", "1,000", "1,234,567"].map(String::from)
        );
    }
}
