//! The elements of a tensor by the Rust type of its data type.

use bytes::Bytes;
use half::{bf16, f16};

/// The largest magnitude up to which a double tells every integer from its neighbours.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// A number or a truth value that a tensor is made of.
pub trait Element: Copy + Default {
    /// Reads little-endian elements; what is left of the last one is ignored.
    fn read(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self> + '_;

    /// Appends the element, little-endian.
    fn write(self, bytes: &mut Vec<u8>);

    /// The element without its width.
    fn scalar(self) -> Scalar;

    /// The nearest single; truth values are 0 and 1.
    fn to_f32(self) -> f32;

    /// The element of this value; `None` where the type has none.
    fn from_integer(value: i128) -> Option<Self>;

    /// The element of this value, which a float type rounds; `None` where the type has none.
    fn from_float(value: f64) -> Option<Self>;

    /// NaN or an infinity of this type; `None` where it has none.
    fn from_non_finite(value: f64) -> Option<Self> {
        let _ = value;
        None
    }

    /// In words, which values the type has.
    fn range() -> String;
}

macro_rules! integers {
    ($($type:ident $scalar:ident;)+) => {
        $(impl Element for $type {
            fn read(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self> + '_ {
                let (elements, _) = bytes.as_chunks();
                elements.iter().map(|element| Self::from_le_bytes(*element))
            }

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn scalar(self) -> Scalar {
                Scalar::$scalar(self.into())
            }

            fn to_f32(self) -> f32 {
                self as f32
            }

            fn from_integer(value: i128) -> Option<Self> {
                value.try_into().ok()
            }

            // JSON does not tell 3.0 from 3.
            fn from_float(value: f64) -> Option<Self> {
                let is_exact = value.fract() == 0.0 && value.abs() <= EXACT_INTEGERS;
                is_exact.then(|| Self::from_integer(value as i128)).flatten()
            }

            fn range() -> String {
                format!("whole numbers from {} to {}", Self::MIN, Self::MAX)
            }
        })+
    };
}

integers! {
    i8 Signed;
    i16 Signed;
    i32 Signed;
    i64 Signed;
    u8 Unsigned;
    u16 Unsigned;
    u32 Unsigned;
    u64 Unsigned;
}

macro_rules! floats {
    ($($type:ident $scalar:ident, |$value:ident| $narrow:expr, $single:expr, $max:expr;)+) => {
        $(impl Element for $type {
            fn read(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self> + '_ {
                let (elements, _) = bytes.as_chunks();
                elements.iter().map(|element| Self::from_le_bytes(*element))
            }

            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }

            fn scalar(self) -> Scalar {
                Scalar::$scalar(self.into())
            }

            fn to_f32(self) -> f32 {
                let $value = self;
                $single
            }

            fn from_integer(value: i128) -> Option<Self> {
                Self::from_float(value as f64)
            }

            fn from_float($value: f64) -> Option<Self> {
                Some($narrow).filter(|narrow| narrow.is_finite())
            }

            fn from_non_finite($value: f64) -> Option<Self> {
                Some($narrow).filter(|narrow| !narrow.is_finite())
            }

            fn range() -> String {
                format!("numbers up to {}, \"NaN\", \"Infinity\" and \"-Infinity\"", $max)
            }
        })+
    };
}

floats! {
    f16 Single, |value| f16::from_f64(value), value.to_f32(), f16::MAX;
    bf16 Single, |value| bf16::from_f64(value), value.to_f32(),
        format_args!("{:e}", bf16::MAX.to_f32());
    f32 Single, |value| value as f32, value, format_args!("{:e}", f32::MAX);
    f64 Double, |value| value, value as f32, format_args!("{:e}", f64::MAX);
}

impl Element for bool {
    fn read(bytes: &[u8]) -> impl ExactSizeIterator<Item = Self> + '_ {
        bytes.iter().map(|byte| *byte != 0)
    }

    fn write(self, bytes: &mut Vec<u8>) {
        bytes.push(self.into());
    }

    fn scalar(self) -> Scalar {
        Scalar::Bool(self)
    }

    fn to_f32(self) -> f32 {
        self.into()
    }

    fn from_integer(value: i128) -> Option<Self> {
        match value {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn from_float(value: f64) -> Option<Self> {
        u8::from_float(value).and_then(|value| Self::from_integer(value.into()))
    }

    fn range() -> String {
        "true and false".into()
    }
}

/// Evaluates an expression with the element type of a [`DataType`](crate::DataType), or another
/// one where that is BYTES, whose elements have no fixed size:
/// `with_element_type!(datatype, T => …, bytes => …)`.
#[macro_export]
macro_rules! with_element_type {
    ($datatype:expr, $type:ident => $body:expr, bytes => $bytes:expr $(,)?) => {
        match $datatype {
            $crate::DataType::Bool => $crate::with_element_type!(@ $type = bool; $body),
            $crate::DataType::Int8 => $crate::with_element_type!(@ $type = i8; $body),
            $crate::DataType::Int16 => $crate::with_element_type!(@ $type = i16; $body),
            $crate::DataType::Int32 => $crate::with_element_type!(@ $type = i32; $body),
            $crate::DataType::Int64 => $crate::with_element_type!(@ $type = i64; $body),
            $crate::DataType::Uint8 => $crate::with_element_type!(@ $type = u8; $body),
            $crate::DataType::Uint16 => $crate::with_element_type!(@ $type = u16; $body),
            $crate::DataType::Uint32 => $crate::with_element_type!(@ $type = u32; $body),
            $crate::DataType::Uint64 => $crate::with_element_type!(@ $type = u64; $body),
            $crate::DataType::Fp16 => $crate::with_element_type!(@ $type = $crate::f16; $body),
            $crate::DataType::Bf16 => $crate::with_element_type!(@ $type = $crate::bf16; $body),
            $crate::DataType::Fp32 => $crate::with_element_type!(@ $type = f32; $body),
            $crate::DataType::Fp64 => $crate::with_element_type!(@ $type = f64; $body),
            $crate::DataType::Bytes => $bytes,
        }
    };
    (@ $type:ident = $element:ty; $body:expr) => {{
        type $type = $element;
        $body
    }};
}

/// An element of any data type.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// Of BOOL.
    Bool(bool),
    /// Of a signed integer type.
    Signed(i64),
    /// Of an unsigned integer type.
    Unsigned(u64),
    /// Of FP16, BF16 and FP32.
    Single(f32),
    /// Of FP64.
    Double(f64),
    /// Of BYTES.
    Bytes(Bytes),
}

impl Scalar {
    /// The nearest double, which is the value but for integers beyond 2^53; truth values are 0 and
    /// 1. `None` for bytes.
    pub fn to_f64(&self) -> Option<f64> {
        match self {
            Self::Bool(value) => Some(f64::from(u8::from(*value))),
            Self::Signed(value) => Some(*value as f64),
            Self::Unsigned(value) => Some(*value as f64),
            Self::Single(value) => Some((*value).into()),
            Self::Double(value) => Some(*value),
            Self::Bytes(_) => None,
        }
    }
}
