//! Two ways from YCbCr to RGB.

/// Pillow's own, for what isn't compressed: six bits of fixed point, each product rounded.
pub(super) fn pillow([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    let product = |factor: f64, chroma: u8| {
        // The cast cuts off, also where the sum is negative.
        (factor * (f64::from(chroma) - 128.0) * 64.0 + 0.5) as i32
    };
    let shifts = [
        product(1.402, red),
        product(-0.34414, blue) + product(-0.71414, red),
        product(1.772, blue),
    ];
    shifts.map(|shift| (i32::from(luma) + (shift >> 6)).clamp(0, 255) as u8)
}

/// libtiff's: sixteen bits of fixed point, each sum rounded.
pub(super) fn libtiff([luma, blue, red]: [u8; 3]) -> [u8; 3] {
    const HALF: i32 = 1 << 15;
    let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
    let sums = [
        91_881 * red + HALF,
        -46_802 * red - 22_553 * blue + HALF,
        116_130 * blue + HALF,
    ];
    sums.map(|sum| (i32::from(luma) + (sum >> 16)).clamp(0, 255) as u8)
}
