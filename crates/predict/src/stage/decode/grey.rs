//! One grey for a colour, as each library weighs it.

/// Pillow's `convert("L")`: 16 bits of fixed point, rounded.
pub(crate) fn pillow([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471;
    ((sum + (1 << 15)) >> 16) as u8
}

/// `cv2.cvtColor(…, COLOR_BGR2GRAY)` on 8 bits: 15 bits of fixed point, rounded.
pub(crate) fn opencv([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 9798 + u32::from(green) * 19235 + u32::from(blue) * 3735;
    ((sum + (1 << 14)) >> 15) as u8
}

/// What OpenCV's readers of BMP, TIFF and CMYK JPEG do for `IMREAD_GRAYSCALE`: 14 bits, rounded.
pub(super) fn opencv_reader([red, green, blue]: [u8; 3]) -> u8 {
    let sum = u32::from(red) * 4899 + u32::from(green) * 9617 + u32::from(blue) * 1868;
    ((sum + (1 << 13)) >> 14) as u8
}

/// What OpenCV's reader of a BMP with masks in its header does: floating point, cut off.
pub(super) fn opencv_masked([red, green, blue]: [u8; 3]) -> u8 {
    (0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue)) as u8
}

/// The weights of torchvision and TensorFlow.
const WEIGHTS: [f32; 3] = [0.2989, 0.587, 0.114];

/// `torchvision.transforms.functional.rgb_to_grayscale` on a tensor of floats.
pub(crate) fn torchvision(rgb: [f32; 3]) -> f32 {
    let [red, green, blue] = WEIGHTS;
    red * rgb[0] + green * rgb[1] + blue * rgb[2]
}

/// `torchvision.transforms.functional.rgb_to_grayscale` on a tensor of bytes: cut off.
pub(crate) fn torchvision_u8(rgb: [u8; 3]) -> u8 {
    torchvision(rgb.map(f32::from)) as u8
}

/// `torchvision.transforms.v2.functional.rgb_to_grayscale` on a tensor of floats: products and
/// sums are rounded together.
pub(crate) fn torchvision_v2(rgb: [f32; 3]) -> f32 {
    let [red, green, blue] = WEIGHTS;
    let sum = green.mul_add(rgb[1], red * rgb[0]);
    blue.mul_add(rgb[2], sum)
}

/// `torchvision.transforms.v2.functional.rgb_to_grayscale` on a tensor of bytes: cut off.
pub(crate) fn torchvision_v2_u8(rgb: [u8; 3]) -> u8 {
    torchvision_v2(rgb.map(f32::from)) as u8
}

/// `tf.image.rgb_to_grayscale` on floats.
pub(crate) fn tensorflow(rgb: [f32; 3]) -> f32 {
    torchvision(rgb)
}

/// `tf.image.rgb_to_grayscale` on bytes: by way of floats up to 1, and back.
pub(crate) fn tensorflow_u8(rgb: [u8; 3]) -> u8 {
    let unit = 1.0 / 255.0;
    (tensorflow(rgb.map(|byte| f32::from(byte) * unit)) * 255.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    type Grey = fn([u8; 3]) -> u8;

    /// Every function over all 16,777,216 colours, against sums that
    /// `tests/python/decode/greys.py` made with the libraries.
    #[test]
    fn every_colour_has_the_grey_of_its_library() {
        let functions: [(&str, Grey); 5] = [
            ("pillow", pillow),
            ("opencv", opencv),
            ("torchvision", torchvision_u8),
            ("torchvision-v2", torchvision_v2_u8),
            ("tensorflow", tensorflow_u8),
        ];
        let truths = include_str!("grey_truths.txt");
        let mut named = 0;
        for line in truths.lines() {
            let (name, sum) = line.split_once(' ').unwrap();
            let Some((_, grey)) = functions.iter().find(|(known, _)| *known == name) else {
                panic!("{name} isn't known");
            };
            assert_eq!(sum, format!("{:016x}", checksum(*grey)), "{name}");
            named += 1;
        }
        assert_eq!(named, functions.len());
    }

    /// The sum of all greys, each times an odd number that its colour decides.
    fn checksum(grey: Grey) -> u64 {
        (0..1u64 << 24)
            .map(|colour| {
                let [_, red, green, blue] = (colour as u32).to_be_bytes();
                u64::from(grey([red, green, blue]))
                    .wrapping_mul((2 * colour + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
            })
            .fold(0, u64::wrapping_add)
    }

    #[test]
    fn greys_stay_what_they_are_but_for_torchvision() {
        for byte in 0..=255 {
            assert_eq!(pillow([byte; 3]), byte);
            assert_eq!(opencv([byte; 3]), byte);
            assert_eq!(opencv_reader([byte; 3]), byte);
        }
        assert_eq!(torchvision_u8([255; 3]), 254);
        assert_eq!(tensorflow_u8([255; 3]), 255);
    }
}
