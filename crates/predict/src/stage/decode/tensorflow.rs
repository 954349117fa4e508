//! What TensorFlow's `tf.io.decode_image(…, channels=3, expand_animations=False)` does its own way.

use super::format::Format;
use crate::error::Error;

/// The conversion of a CMYK pixel of a JPEG, as it is stored, to RGB: inverted where Adobe's
/// marker is there.
pub(super) fn stored_cmyk_to_rgb(inks: [u8; 4], inverted: bool) -> [u8; 3] {
    let light = inks.map(|ink| u32::from(if inverted { ink } else { 255 - ink }));
    let [cyan, magenta, yellow, black] = light;
    [cyan, magenta, yellow].map(|light| (light * black / 255) as u8)
}

/// What TensorFlow gives up on.
pub(super) fn refused(format: Format, reason: &str) -> Error {
    format.refused_by("TensorFlow", reason)
}
