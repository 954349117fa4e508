//! Ink to light.

/// Pillow's conversion of one CMYK pixel (0 is no ink) to RGB.
pub(super) fn cmyk_to_rgb(cmyk: [u8; 4]) -> [u8; 3] {
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

    #[test]
    fn ink_becomes_light() {
        assert_eq!(cmyk_to_rgb([0, 0, 0, 0]), [255, 255, 255]);
        assert_eq!(cmyk_to_rgb([255, 0, 128, 0]), [0, 255, 127]);
        assert_eq!(cmyk_to_rgb([10, 20, 30, 255]), [0, 0, 0]);
    }
}
