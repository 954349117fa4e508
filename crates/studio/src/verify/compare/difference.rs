//! How far two predictions of one sample are from each other.

/// What may lie between the preview and an image on the same architecture.
pub const SAME_ARCHITECTURE: f64 = 1e-5;
/// What may lie between the preview and an emulated image.
pub const EMULATED: f64 = 2e-3;

/// The largest difference within one sample, and the first that is too large.
pub(super) struct Found {
    pub most: f64,
    pub words: Option<String>,
}

impl Found {
    pub fn same() -> Self {
        Self {
            most: 0.0,
            words: None,
        }
    }

    /// Holds two numbers against each other, relative to the first where that is larger than 1.
    pub fn number(&mut self, a: f64, b: f64, tolerance: f64, words: impl Fn() -> String) {
        let this = difference(a, b) / a.abs().max(1.0);
        // An infinite scale makes any finite difference vanish.
        let this = if this.is_nan() { f64::INFINITY } else { this };
        self.most = self.most.max(this);
        if this > tolerance && self.words.is_none() {
            self.words = Some(words());
        }
    }
}

pub(super) fn differs(words: String) -> Found {
    Found {
        most: 0.0,
        words: Some(words),
    }
}

/// The distance of two numbers. Equal infinities and two NaN are 0 apart, a NaN is infinitely far
/// from any number.
pub(super) fn difference(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        0.0
    } else if a.is_finite() && b.is_finite() {
        (a - b).abs()
    } else {
        f64::INFINITY
    }
}
