//! One element as a number in JSON.
//!
//! JSON has no NaN and no infinities: they are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`,
//! as in protobuf's JSON mapping.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Element, Scalar};

const NAN: &str = "NaN";
const INFINITY: &str = "Infinity";
const NEGATIVE_INFINITY: &str = "-Infinity";

/// An element of a numeric type as it is written in JSON: in the fewest digits that its own type
/// reads back exactly, or as a string where it is no finite number. Truth values are 0 and 1.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    /// An integer below 0.
    Negative(i64),
    /// Any other integer.
    Unsigned(u64),
    /// A single-precision float, or one of 16 bits.
    Single(f32),
    /// A double-precision float.
    Double(f64),
}

/// The value of a string that stands for NaN or an infinity.
pub(crate) fn non_finite(text: &str) -> Option<f64> {
    match text {
        NAN => Some(f64::NAN),
        INFINITY => Some(f64::INFINITY),
        NEGATIVE_INFINITY => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// The string for NaN or an infinity; `None` for a finite number.
fn non_finite_name(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some(NAN),
        f64::INFINITY => Some(INFINITY),
        f64::NEG_INFINITY => Some(NEGATIVE_INFINITY),
        _ => None,
    }
}

impl Number {
    /// The nearest double, which is the value but for integers beyond 2^53.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Negative(value) => value as f64,
            Self::Unsigned(value) => value as f64,
            Self::Single(value) => value.into(),
            Self::Double(value) => value,
        }
    }

    /// The number of a scalar; `None` for bytes.
    pub fn from_scalar(scalar: &Scalar) -> Option<Self> {
        match scalar {
            Scalar::Bool(value) => Some(Self::Unsigned((*value).into())),
            Scalar::Signed(value) => {
                Some(u64::try_from(*value).map_or(Self::Negative(*value), Self::Unsigned))
            }
            Scalar::Unsigned(value) => Some(Self::Unsigned(*value)),
            Scalar::Single(value) => Some(Self::Single(*value)),
            Scalar::Double(value) => Some(Self::Double(*value)),
            Scalar::Bytes(_) => None,
        }
    }
}

impl<T: Element> From<T> for Number {
    fn from(element: T) -> Self {
        // Only bytes have no number, and they are no `Element`.
        Self::from_scalar(&element.scalar()).unwrap_or(Self::Unsigned(0))
    }
}

/// NaN equals NaN, so that a value that was read twice equals itself.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            (Self::Negative(a), Self::Negative(b)) => a == b,
            (Self::Unsigned(a), Self::Unsigned(b)) => a == b,
            (a, b) => {
                let (a, b) = (a.to_f64(), b.to_f64());
                a == b || (a.is_nan() && b.is_nan())
            }
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = non_finite_name(self.to_f64()) {
            return f.write_str(name);
        }
        match self {
            Self::Negative(value) => value.fmt(f),
            Self::Unsigned(value) => value.fmt(f),
            // With an exponent where there would be many zeros, and with a point, as in JSON.
            Self::Single(value) => write!(f, "{value:?}"),
            Self::Double(value) => write!(f, "{value:?}"),
        }
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Some(name) = non_finite_name(self.to_f64()) {
            return serializer.serialize_str(name);
        }
        match *self {
            Self::Negative(value) => serializer.serialize_i64(value),
            Self::Unsigned(value) => serializer.serialize_u64(value),
            Self::Single(value) => serializer.serialize_f32(value),
            Self::Double(value) => serializer.serialize_f64(value),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = Number;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a number, \"{NAN}\", \"{INFINITY}\" or \"{NEGATIVE_INFINITY}\""
        )
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
        Ok(value.into())
    }

    // Also where a format keeps single precision.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
        let value = non_finite(text);
        value
            .map(Number::Double)
            .ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use half::f16;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_written_in_the_digits_of_its_type_and_read_back() {
        for (number, expected) in [
            (Number::from(0.1_f32), json!(0.1)),
            (Number::from(0.1_f64), json!(0.1)),
            (Number::from(f16::from_f32(1.5)), json!(1.5)),
            (Number::from(-3_i64), json!(-3)),
            (Number::from(3_i8), json!(3)),
            (Number::from(u64::MAX), json!(u64::MAX)),
            (Number::from(true), json!(1)),
            (Number::from(f32::NAN), json!("NaN")),
            (Number::from(f16::INFINITY), json!("Infinity")),
            (Number::from(f64::NEG_INFINITY), json!("-Infinity")),
        ] {
            let text = serde_json::to_string(&number).unwrap();
            assert_eq!(text, expected.to_string());
            assert_eq!(number.to_string(), text.trim_matches('"'));
            let read: Number = serde_json::from_str(&text).unwrap();
            assert_eq!(serde_json::to_string(&read).unwrap(), text);
        }
    }

    #[test]
    fn other_strings_are_no_numbers() {
        for text in [r#""nan""#, r#""inf""#, r#""1""#, "null", "[1]"] {
            assert!(serde_json::from_str::<Number>(text).is_err(), "{text}");
        }
    }
}
