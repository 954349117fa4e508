//! What OpenCV takes of TIFF, which libtiff turns to RGBA of 8 bits for it.

use ::tiff::ColorType;

use super::super::format::Format;
use super::super::opencv::Unchanged;
use crate::error::Result;

/// Refuses what OpenCV refuses.
pub(super) fn check(color: ColorType) -> Result<()> {
    let reason = match color {
        ColorType::Gray(bits @ (2 | 4)) => format!("it doesn't know greys of {bits} bits"),
        ColorType::Palette(2) => "it doesn't know palettes of 2 bits".into(),
        ColorType::CMYK(16) => "it doesn't know CMYK of 16 bits".into(),
        _ => return Ok(()),
    };
    Err(Format::Tiff.refused_by("OpenCV", reason))
}

/// What `cv2.imdecode(…, -1)` gives for a file with `stored` samples a pixel.
pub(super) fn unchanged(color: ColorType, stored: u8) -> Unchanged {
    let (channels, bits) = match color {
        ColorType::Gray(16) => (1, 16),
        ColorType::Gray(_) | ColorType::GrayA(_) | ColorType::Palette(1) => (1, 8),
        ColorType::RGB(16) | ColorType::RGBA(16) => (stored, 16),
        ColorType::RGB(_) | ColorType::RGBA(_) | ColorType::CMYK(_) => (stored, 8),
        _ => (3, 8),
    };
    Unchanged { channels, bits }
}

/// libtiff's conversion of one CMYK pixel (0 is no ink).
pub(super) fn cmyk_to_rgb([cyan, magenta, yellow, black]: [u8; 4]) -> [u8; 3] {
    let light = 255 - u32::from(black);
    [cyan, magenta, yellow].map(|ink| (light * (255 - u32::from(ink)) / 255) as u8)
}

/// libtiff multiplies colours by their alpha, rounded.
pub(super) fn multiplied(value: u8, alpha: u8) -> u8 {
    ((u32::from(value) * u32::from(alpha) + 127) / 255) as u8
}
