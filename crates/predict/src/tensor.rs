//! Tensors between ONNX Runtime, bytes and JSON.

use boxwright_tensor::DataType;
use half::{bf16, f16};
use ort::value::{DynValue, Tensor};
use serde_json::Number;

use crate::device::datatype;
use crate::error::{Error, Result};

/// An element of a tensor.
trait Element: Copy {
    /// Appends the element, little-endian.
    fn write(self, bytes: &mut Vec<u8>);
    /// `None` for what JSON has no number for: infinities, and what is no number.
    fn number(self) -> Option<Number>;
    fn score(self) -> f32;
}

macro_rules! element {
    ($($type:ty: |$value:ident| $number:expr, $score:expr;)+) => {
        $(impl Element for $type {
            fn write(self, bytes: &mut Vec<u8>) {
                bytes.extend_from_slice(&self.to_le_bytes());
            }
            fn number(self) -> Option<Number> {
                let $value = self;
                $number
            }
            fn score(self) -> f32 {
                let $value = self;
                $score
            }
        })+
    };
}

element! {
    i8: |v| Some(v.into()), f32::from(v);
    i16: |v| Some(v.into()), f32::from(v);
    i32: |v| Some(v.into()), v as f32;
    i64: |v| Some(v.into()), v as f32;
    u8: |v| Some(v.into()), f32::from(v);
    u16: |v| Some(v.into()), f32::from(v);
    u32: |v| Some(v.into()), v as f32;
    u64: |v| Some(v.into()), v as f32;
    f16: |v| Number::from_f64(v.to_f64()), v.to_f32();
    bf16: |v| Number::from_f64(v.to_f64()), v.to_f32();
    f32: |v| Number::from_f64(f64::from(v)), v;
    f64: |v| Number::from_f64(v), v as f32;
}

impl Element for bool {
    fn write(self, bytes: &mut Vec<u8>) {
        bytes.push(self.into());
    }
    fn number(self) -> Option<Number> {
        Some(u8::from(self).into())
    }
    fn score(self) -> f32 {
        f32::from(u8::from(self))
    }
}

/// Does the same for whatever the elements' type is.
macro_rules! for_elements {
    ($datatype:expr, $type:ident => $body:expr, $strings:expr) => {
        match $datatype {
            DataType::Bool => {
                type $type = bool;
                $body
            }
            DataType::Int8 => {
                type $type = i8;
                $body
            }
            DataType::Int16 => {
                type $type = i16;
                $body
            }
            DataType::Int32 => {
                type $type = i32;
                $body
            }
            DataType::Int64 => {
                type $type = i64;
                $body
            }
            DataType::Uint8 => {
                type $type = u8;
                $body
            }
            DataType::Uint16 => {
                type $type = u16;
                $body
            }
            DataType::Uint32 => {
                type $type = u32;
                $body
            }
            DataType::Uint64 => {
                type $type = u64;
                $body
            }
            DataType::Fp16 => {
                type $type = f16;
                $body
            }
            DataType::Bf16 => {
                type $type = bf16;
                $body
            }
            DataType::Fp32 => {
                type $type = f32;
                $body
            }
            DataType::Fp64 => {
                type $type = f64;
                $body
            }
            DataType::Bytes => $strings,
        }
    };
}

/// One sample's part of an output.
pub(crate) struct Slice<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    pub datatype: DataType,
    value: &'a DynValue,
    range: std::ops::Range<usize>,
}

impl<'a> Slice<'a> {
    /// Sample `index` of `count` that ran together; `None` where the output's first axis is not
    /// the batch. A single sample may have the output for itself.
    pub fn of(name: &'a str, value: &'a DynValue, index: usize, count: usize) -> Option<Self> {
        let shape = value.dtype().tensor_shape()?;
        let datatype = datatype(value.dtype().tensor_type()?)?;
        let shape: Vec<usize> = shape
            .iter()
            .map(|length| usize::try_from(*length).ok())
            .collect::<Option<_>>()?;
        let all: usize = shape.iter().product();
        let (shape, range) = match shape.split_first() {
            Some((first, rest)) if *first == count => {
                let length = all / count;
                (rest.to_vec(), index * length..(index + 1) * length)
            }
            _ if count == 1 => (shape, 0..all),
            _ => return None,
        };
        Some(Self {
            name,
            shape,
            datatype,
            value,
            range,
        })
    }

    /// The whole of an output.
    pub fn whole(name: &'a str, value: &'a DynValue) -> Option<Self> {
        let shape: Vec<usize> = value
            .dtype()
            .tensor_shape()?
            .iter()
            .map(|length| usize::try_from(*length).ok())
            .collect::<Option<_>>()?;
        let range = 0..shape.iter().product();
        let datatype = datatype(value.dtype().tensor_type()?)?;
        Some(Self {
            name,
            shape,
            datatype,
            value,
            range,
        })
    }

    /// The elements as scores.
    pub fn scores(&self) -> Result<Vec<f32>> {
        for_elements!(
            self.datatype,
            T => Ok(self.elements::<T>()?.iter().map(|element| element.score()).collect()),
            Err(self.strings())
        )
    }

    /// The elements as JSON numbers.
    pub fn numbers(&self) -> Result<Vec<Number>> {
        for_elements!(
            self.datatype,
            T => self.elements::<T>()?.iter().map(|element| element.number()).collect::<Option<_>>()
                .ok_or_else(|| Error::Run(format!(
                    "output `{}` holds an infinity or what is no number, which JSON can't say",
                    self.name
                ))),
            Err(self.strings())
        )
    }

    /// The elements as bytes, as in [`crate::Tensor`].
    pub fn bytes(&self) -> Result<Vec<u8>> {
        for_elements!(self.datatype, T => {
            let elements = self.elements::<T>()?;
            let mut bytes = Vec::with_capacity(size_of_val(elements));
            elements.iter().for_each(|element| element.write(&mut bytes));
            Ok(bytes)
        }, {
            let (_, texts) = self.value.try_extract_strings().map_err(|error| Error::Run(error.to_string()))?;
            let mut bytes = Vec::new();
            for text in &texts[self.range.clone()] {
                let length = u32::try_from(text.len()).map_err(|_| Error::Run("a string is longer than 4 GiB".into()))?;
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
            Ok(bytes)
        })
    }

    fn elements<T: ort::value::PrimitiveTensorElementType>(&self) -> Result<&[T]> {
        let (_, all) = self
            .value
            .try_extract_tensor::<T>()
            .map_err(|error| Error::Run(error.to_string()))?;
        Ok(&all[self.range.clone()])
    }

    fn strings(&self) -> Error {
        Error::Unsupported {
            reason: format!(
                "output `{}` holds strings, which can't be shown yet",
                self.name
            ),
            hint: "Name a numeric output in [postprocess].".into(),
        }
    }
}

/// A tensor for a run, from little-endian bytes in one or more parts; what they leave of it is
/// zeros, or empty strings. Strings come as in [`crate::Tensor`].
pub(crate) fn from_bytes<'a>(
    shape: &[usize],
    datatype: DataType,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<DynValue> {
    let length = shape.iter().product();
    macro_rules! build {
        ($type:ty, $read:expr, $zero:expr) => {{
            let mut elements: Vec<$type> = Vec::with_capacity(length);
            for part in parts {
                let (chunks, _) = part.as_chunks::<{ size_of::<$type>() }>();
                elements.extend(chunks.iter().copied().map($read));
            }
            elements.resize(length, $zero);
            Tensor::from_array((shape.to_vec(), elements)).map(|tensor| tensor.into_dyn())
        }};
        ($type:ty) => {
            build!($type, <$type>::from_le_bytes, <$type>::default())
        };
    }
    match datatype {
        DataType::Bool => build!(bool, |[byte]: [u8; 1]| byte != 0, false),
        DataType::Int8 => build!(i8),
        DataType::Int16 => build!(i16),
        DataType::Int32 => build!(i32),
        DataType::Int64 => build!(i64),
        DataType::Uint8 => build!(u8),
        DataType::Uint16 => build!(u16),
        DataType::Uint32 => build!(u32),
        DataType::Uint64 => build!(u64),
        DataType::Fp16 => build!(f16),
        DataType::Bf16 => build!(bf16),
        DataType::Fp32 => build!(f32),
        DataType::Fp64 => build!(f64),
        DataType::Bytes => {
            let mut texts: Vec<String> = Vec::new();
            for part in parts {
                for element in strings(part) {
                    let text = element.and_then(|bytes| std::str::from_utf8(bytes).ok());
                    // ONNX Runtime's strings end at a NUL.
                    let text = text.filter(|text| !text.contains('\0')).ok_or_else(|| {
                        Error::Shape(
                            "the model takes strings, and an element is not UTF-8, or has a NUL"
                                .into(),
                        )
                    })?;
                    texts.push(text.to_owned());
                }
            }
            texts.resize(length, String::new());
            Tensor::from_string_array((shape.to_vec(), texts.as_slice()))
                .map(|tensor| tensor.into_dyn())
        }
    }
    .map_err(|error| Error::Shape(error.to_string()))
}

/// The elements of BYTES: each after its length in bytes, a little-endian u32. The last is `None`
/// where the bytes end too early.
pub(crate) fn strings(mut bytes: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let element = bytes.split_first_chunk::<4>().and_then(|(length, rest)| {
            rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
        });
        match element {
            Some((element, rest)) => {
                bytes = rest;
                Some(Some(element))
            }
            None => {
                bytes = &[];
                Some(None)
            }
        }
    })
}
