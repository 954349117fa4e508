//! Tensors to and from ONNX Runtime's values.

use std::borrow::Cow;

use boxwright_tensor::{
    DataType, Element, Numbers, byte_strings, with_element_type, write_byte_string,
};
use ort::value::{DynValue, PrimitiveTensorElementType, Tensor};

use crate::device::datatype;
use crate::error::{Error, Result};

/// One sample's part of an output.
pub(crate) struct Slice<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    pub datatype: DataType,
    elements: Elements<'a>,
    range: std::ops::Range<usize>,
}

/// What a slice is a part of.
#[derive(Clone, Copy)]
enum Elements<'a> {
    Value(&'a DynValue),
    /// Numbers for tests, which need no library then.
    #[cfg(test)]
    Floats(&'a [f32]),
}

impl<'a> Slice<'a> {
    /// Sample `index` of `count` that ran together; `None` where the output's first axis is not
    /// the batch. A single sample may have the output for itself.
    pub fn of(name: &'a str, value: &'a DynValue, index: usize, count: usize) -> Option<Self> {
        let all = Self::all(name, value)?;
        match all.shape.split_first() {
            Some((first, rest)) if *first == count => {
                let length = all.range.len() / count;
                Some(Self {
                    shape: rest.to_vec(),
                    range: index * length..(index + 1) * length,
                    ..all
                })
            }
            _ if count == 1 => Some(all),
            _ => None,
        }
    }

    /// All of an output.
    pub fn all(name: &'a str, value: &'a DynValue) -> Option<Self> {
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
            elements: Elements::Value(value),
            range,
        })
    }

    /// An output of these numbers.
    #[cfg(test)]
    pub fn of_floats(name: &'a str, shape: &[usize], floats: &'a [f32]) -> Self {
        assert_eq!(shape.iter().product::<usize>(), floats.len());
        Self {
            name,
            shape: shape.to_vec(),
            datatype: DataType::Fp32,
            elements: Elements::Floats(floats),
            range: 0..floats.len(),
        }
    }

    /// Bytes of the elements; of strings, as far as that is known without reading them.
    pub fn byte_length(&self) -> usize {
        self.range.len() * self.datatype.size().unwrap_or(16)
    }

    /// The elements as single-precision floats, without a copy where they are.
    pub fn floats(&self) -> Result<Cow<'_, [f32]>> {
        #[cfg(test)]
        if let Elements::Floats(floats) = self.elements {
            return Ok(Cow::Borrowed(floats));
        }
        match self.datatype {
            DataType::Fp32 => Ok(Cow::Borrowed(self.elements::<f32>()?)),
            _ => self.scores().map(Cow::Owned),
        }
    }

    /// The elements as scores.
    pub fn scores(&self) -> Result<Vec<f32>> {
        with_element_type!(
            self.datatype,
            T => Ok(self.elements::<T>()?.iter().map(|element| element.to_f32()).collect()),
            bytes => Err(self.strings()),
        )
    }

    /// The elements as JSON numbers.
    pub fn numbers(&self) -> Result<Numbers> {
        if self.datatype == DataType::Bytes {
            return Err(self.strings());
        }
        Numbers::new(self.datatype, self.bytes()?.into()).ok_or_else(|| self.strings())
    }

    /// The elements as bytes, as in [`boxwright_tensor::Tensor`].
    pub fn bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        with_element_type!(self.datatype, T => {
            let elements = self.elements::<T>()?;
            bytes.reserve_exact(size_of_val(elements));
            elements.iter().for_each(|element| element.write(&mut bytes));
        }, bytes => {
            let (_, texts) = self.value()?.try_extract_strings().map_err(failed)?;
            for text in &texts[self.range.clone()] {
                write_byte_string(text.as_bytes(), &mut bytes)
                    .ok_or_else(|| Error::Run("a string is longer than 4 GiB".into()))?;
            }
        });
        Ok(bytes)
    }

    fn elements<T: PrimitiveTensorElementType>(&self) -> Result<&[T]> {
        let (_, all) = self.value()?.try_extract_tensor::<T>().map_err(failed)?;
        Ok(&all[self.range.clone()])
    }

    #[allow(clippy::unnecessary_wraps, reason = "tests have slices without one")]
    fn value(&self) -> Result<&'a DynValue> {
        match self.elements {
            Elements::Value(value) => Ok(value),
            #[cfg(test)]
            Elements::Floats(_) => Err(Error::Run("it is made of floats".into())),
        }
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

fn failed(error: ort::Error) -> Error {
    Error::Run(error.to_string())
}

/// A tensor for a run, from little-endian bytes in one or more parts; what they leave of it is
/// zeros, or empty strings. Strings come as in [`boxwright_tensor::Tensor`].
pub(crate) fn from_bytes<'a>(
    shape: &[usize],
    datatype: DataType,
    parts: impl IntoIterator<Item = &'a [u8]>,
) -> Result<DynValue> {
    let length = shape.iter().product();
    with_element_type!(datatype, T => {
        let mut elements: Vec<T> = Vec::with_capacity(length);
        for part in parts {
            elements.extend(T::read(part));
        }
        elements.resize(length, T::default());
        Tensor::from_array((shape.to_vec(), elements)).map(|tensor| tensor.into_dyn())
    }, bytes => {
        let mut texts: Vec<String> = Vec::with_capacity(length);
        for part in parts {
            for element in byte_strings(part) {
                texts.push(text(element)?);
            }
        }
        texts.resize(length, String::new());
        Tensor::from_string_array((shape.to_vec(), texts.as_slice()))
            .map(|tensor| tensor.into_dyn())
    })
    .map_err(|error| Error::Shape(error.to_string()))
}

/// An element of BYTES as ONNX Runtime takes it, whose strings end at a NUL.
fn text(element: Option<&[u8]>) -> Result<String> {
    let text = element.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let text = text.filter(|text| !text.contains('\0')).ok_or_else(|| {
        Error::Shape("the model takes strings, and an element is not UTF-8, or has a NUL".into())
    })?;
    Ok(text.to_owned())
}
