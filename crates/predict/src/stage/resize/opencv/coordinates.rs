//! Where output samples lie, and weights in fixed point.

/// Bits behind the point of a weight for bytes.
pub(super) const WEIGHT_BITS: i32 = 11;

/// A weight in fixed point.
pub(super) fn fixed(weight: f32) -> i16 {
    (weight * (1 << WEIGHT_BITS) as f32).round_ties_even() as i16
}

/// Input samples for each output sample. OpenCV inverts the inverse, and so does this.
pub(super) fn scale(from: usize, to: usize) -> f64 {
    1.0 / (to as f64 / from as f64)
}

/// Where an output sample's centre lies: the sample before it, and how far behind that.
pub(super) fn centre(from: usize, to: usize, index: usize) -> (i64, f32) {
    let at = ((index as f64 + 0.5) * scale(from, to) - 0.5) as f32;
    (at.floor() as i64, at - at.floor())
}
