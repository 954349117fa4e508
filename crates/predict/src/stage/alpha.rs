//! Pillow's `Image.resize` of a picture with alpha: colours are multiplied by it before they are
//! resized, and divided by it after.

use super::resize::{Kernel, PillowFilter, Pixels, Region, Resizer, View};

/// The `region` of a picture and its alpha resized to `size`, without its alpha. It is resized in
/// one step: `reducing_gap` is none of it.
pub(crate) fn resize(
    resizer: &mut Resizer,
    (source, alpha): (View<'_>, &[u8]),
    size: (usize, usize),
    filter: PillowFilter,
    region: Region,
    out: &mut Pixels,
) {
    let kernel = Kernel::pillow(filter);
    let pixels = source.rgb.as_chunks::<3>().0.iter().zip(alpha);
    let rgb: Vec<u8> = pixels
        .flat_map(|(pixel, alpha)| pixel.map(|value| multiplied(value, *alpha)))
        .collect();
    let alpha: Vec<u8> = alpha.iter().flat_map(|alpha| [*alpha; 3]).collect();
    let (mut colours, mut opaque) = (Vec::new(), Vec::new());
    let view = |rgb| View { rgb, ..source };
    resizer.resize_bytes(view(&rgb), size, kernel, region, &mut colours);
    resizer.resize_bytes(view(&alpha), size, kernel, region, &mut opaque);
    let out = out.bytes(colours.len());
    for ((to, value), alpha) in out.iter_mut().zip(colours).zip(opaque) {
        *to = divided(value, alpha);
    }
}

/// Pillow's `MULDIV255`.
fn multiplied(value: u8, alpha: u8) -> u8 {
    let product = u32::from(value) * u32::from(alpha) + 128;
    (((product >> 8) + product) >> 8) as u8
}

/// Pillow's way back: what is not opaque at all stays as it is.
fn divided(value: u8, alpha: u8) -> u8 {
    match alpha {
        0 | 255 => value,
        alpha => (255 * u32::from(value) / u32::from(alpha)).min(255) as u8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_multiplied_and_divided_as_pillow_does() {
        // Image.merge("RGBA", …).convert("RGBa"), and back.
        let pairs = [(200, 255), (200, 0), (200, 128), (7, 3), (255, 1)];
        let there = pairs.map(|(value, alpha)| multiplied(value, alpha));
        assert_eq!(there, [200, 0, 100, 0, 1]);
        let back = [(200, 255), (9, 0), (100, 128), (200, 100)];
        assert_eq!(
            back.map(|(value, alpha)| divided(value, alpha)),
            [200, 9, 199, 255]
        );
    }
}
