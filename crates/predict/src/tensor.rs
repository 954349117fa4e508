//! Tensors between ONNX Runtime, bytes and JSON.

use boxwright_model::DataType;
use half::{bf16, f16};
use ort::value::{DynValue, Tensor};
use serde_json::Number;

use crate::error::{Error, Result};
use crate::session::datatype;

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

    /// The elements as bytes, little-endian.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        for_elements!(self.datatype, T => {
            let elements = self.elements::<T>()?;
            let mut bytes = Vec::with_capacity(size_of_val(elements));
            elements.iter().for_each(|element| element.write(&mut bytes));
            Ok(bytes)
        }, Err(self.strings()))
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

/// A tensor for a run, from little-endian bytes.
pub(crate) fn from_bytes(shape: &[usize], datatype: DataType, bytes: &[u8]) -> Result<DynValue> {
    macro_rules! build {
        ($type:ty) => {{
            let (chunks, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
            let elements: Vec<$type> = chunks.iter().map(|c| <$type>::from_le_bytes(*c)).collect();
            Tensor::from_array((shape.to_vec(), elements)).map(|tensor| tensor.into_dyn())
        }};
    }
    match datatype {
        DataType::Bool => {
            let elements: Vec<bool> = bytes.iter().map(|byte| *byte != 0).collect();
            Tensor::from_array((shape.to_vec(), elements)).map(|tensor| tensor.into_dyn())
        }
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
            return Err(Error::Unsupported {
                reason: "the model takes strings".into(),
                hint: "Strings can't be given to a model yet.".into(),
            });
        }
    }
    .map_err(|error| Error::Shape(error.to_string()))
}
