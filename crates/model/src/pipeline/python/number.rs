//! Numbers as Python reads them.

/// A number, by the fewest digits that are it.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return format!("float(\"{value}\")");
    }
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    format!("{value:?}")
}

/// A number that becomes a 32-bit float, by the fewest digits that become the same.
pub(super) fn single(value: f64) -> String {
    let wanted = value as f32;
    let digits = format!("{wanted:?}");
    // It is read in 64 bits and rounded again.
    let same = |text: &str| text.parse::<f64>().is_ok_and(|read| read as f32 == wanted);
    if wanted.is_finite() && same(&digits) {
        number(digits.parse().unwrap_or(value))
    } else {
        number(value)
    }
}

/// `value / 255` for 64-bit arithmetic: without the error of the division where `value` is a
/// number of few digits times 255.
pub(super) fn unit(value: f64) -> f64 {
    let quotient = value / 255.0;
    match format!("{quotient:.9}").parse::<f64>() {
        Ok(short) if (short - quotient).abs() <= 2.0 * f64::EPSILON * quotient.abs() => short,
        _ => quotient,
    }
}

/// The numbers as one where they are all the same, else as a list.
pub(super) enum Numbers {
    One(f64),
    Each(Vec<f64>),
}

impl Numbers {
    pub(super) fn new(values: &[f64], change: impl Fn(f64) -> f64) -> Self {
        let values: Vec<f64> = values.iter().copied().map(change).collect();
        match values.as_slice() {
            [first, rest @ ..] if rest.iter().all(|value| value == first) => Self::One(*first),
            _ => Self::Each(values),
        }
    }

    pub(super) fn is(&self, number: f64) -> bool {
        matches!(self, Self::One(value) if *value == number)
    }

    /// A list in brackets.
    pub(super) fn list(values: &[f64], write: fn(f64) -> String) -> String {
        let values: Vec<String> = values.iter().copied().map(write).collect();
        format!("[{}]", values.join(", "))
    }
}
