//! Masks as PNG files in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};

use crate::error::{Error, Result};

/// One byte a pixel for up to 256 classes, else two.
pub(super) fn classes(mask: &[u32], width: usize, height: usize) -> Result<String> {
    let most = mask.iter().copied().max().unwrap_or(0);
    match u8::try_from(most) {
        Ok(_) => {
            let bytes: Vec<u8> = mask.iter().map(|class| *class as u8).collect();
            grey(&bytes, width, height)
        }
        Err(_) if most <= u32::from(u16::MAX) => {
            let wide = mask.iter().map(|class| *class as u16);
            let bytes: Vec<u8> = wide.flat_map(u16::to_ne_bytes).collect();
            encode(&bytes, width, height, ExtendedColorType::L16)
        }
        Err(_) => Err(Error::Run(format!(
            "it gave class {most}, and masks have up to 65,536"
        ))),
    }
}

/// One byte a pixel.
pub(super) fn grey(bytes: &[u8], width: usize, height: usize) -> Result<String> {
    encode(bytes, width, height, ExtendedColorType::L8)
}

fn encode(bytes: &[u8], width: usize, height: usize, color: ExtendedColorType) -> Result<String> {
    let failed =
        |error: &dyn std::fmt::Display| Error::Run(format!("the mask can't be written: {error}"));
    let side = |side: usize| u32::try_from(side).map_err(|error| failed(&error));
    let mut file = Vec::new();
    // Masks are flat: the fast level finds the same runs as the best one.
    PngEncoder::new_with_quality(&mut file, CompressionType::Fast, FilterType::Up)
        .write_image(bytes, side(width)?, side(height)?, color)
        .map_err(|error| failed(&error))?;
    Ok(STANDARD.encode(file))
}
