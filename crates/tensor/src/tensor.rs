//! A named tensor and its elements.

use bytes::Bytes;

use crate::element::{Element, Scalar};
use crate::{DataType, Numbers, with_element_type};

/// A named tensor. Its elements lie row by row, little-endian; BOOL takes one byte; an element of
/// BYTES comes after its length in bytes, a little-endian u32 (the Open Inference Protocol's
/// binary tensor data).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// The name by which the model knows it.
    pub name: String,
    /// Element type.
    pub datatype: DataType,
    /// Axes, outermost first.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: Bytes,
}

/// How many elements a tensor of this shape has; `None` where no machine could count them.
pub fn element_count(shape: &[usize]) -> Option<usize> {
    shape
        .iter()
        .try_fold(1_usize, |count, length| count.checked_mul(*length))
}

/// The elements of BYTES, without their lengths. The last is `None` where the data ends too early.
pub fn byte_strings(mut data: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        if data.is_empty() {
            return None;
        }
        let element = data.split_first_chunk::<4>().and_then(|(length, rest)| {
            rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
        });
        match element {
            Some((element, rest)) => {
                data = rest;
                Some(Some(element))
            }
            None => {
                data = &[];
                Some(None)
            }
        }
    })
}

/// Appends an element of BYTES after its length; `None` where it is 4 GiB long or longer.
pub fn write_byte_string(element: &[u8], data: &mut Vec<u8>) -> Option<()> {
    let length = u32::try_from(element.len()).ok()?;
    data.extend_from_slice(&length.to_le_bytes());
    data.extend_from_slice(element);
    Some(())
}

impl Tensor {
    /// A tensor of BYTES; `None` where an element is 4 GiB long or longer.
    pub fn of_strings(
        name: &str,
        shape: Vec<usize>,
        elements: &[impl AsRef<[u8]>],
    ) -> Option<Self> {
        let mut data = Vec::new();
        for element in elements {
            write_byte_string(element.as_ref(), &mut data)?;
        }
        let (name, datatype) = (name.to_owned(), DataType::Bytes);
        Some(Self {
            name,
            datatype,
            shape,
            data: data.into(),
        })
    }

    /// The elements of BYTES; `None` where the data is no such elements, or not as many as the
    /// shape says.
    pub fn strings(&self) -> Option<Vec<Bytes>> {
        let count = element_count(&self.shape)?;
        let slice = |element: Option<&[u8]>| element.map(|element| self.data.slice_ref(element));
        // Each takes eight times as much memory as the shortest does in the data.
        let elements = byte_strings(&self.data).take(count.saturating_add(1));
        let strings: Vec<Bytes> = elements.map(slice).collect::<Option<_>>()?;
        (strings.len() == count).then_some(strings)
    }

    /// Whether the data is as many elements as the shape says.
    pub fn is_complete(&self) -> bool {
        let Some(count) = element_count(&self.shape) else {
            return false;
        };
        match self.datatype.size() {
            Some(size) => count.checked_mul(size) == Some(self.data.len()),
            None => {
                let mut found = 0;
                let mut elements = byte_strings(&self.data);
                elements.all(|element| {
                    found += 1;
                    element.is_some()
                }) && found == count
            }
        }
    }

    /// The elements one after the other. Of a tensor that is not [complete](Self::is_complete)
    /// those that are there; none of incomplete BYTES.
    pub fn scalars(&self) -> Box<dyn Iterator<Item = Scalar> + '_> {
        with_element_type!(
            self.datatype,
            T => Box::new(T::read(&self.data).map(Element::scalar)),
            bytes => Box::new(self.strings().unwrap_or_default().into_iter().map(Scalar::Bytes)),
        )
    }

    /// The elements as doubles, which are their values but for integers beyond 2^53.
    ///
    /// `None` where the tensor is not [complete](Self::is_complete), or the elements are BYTES.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        self.is_complete()
            .then(|| self.scalars().map(|scalar| scalar.to_f64()).collect())
            .flatten()
    }

    /// The elements as singles, the nearest of each; truth values are 0 and 1.
    ///
    /// `None` where the tensor is not [complete](Self::is_complete), or the elements are BYTES.
    pub fn to_f32(&self) -> Option<Vec<f32>> {
        self.is_complete().then_some(())?;
        with_element_type!(
            self.datatype,
            T => Some(T::read(&self.data).map(Element::to_f32).collect()),
            bytes => None,
        )
    }

    /// The elements as numbers in JSON.
    ///
    /// `None` where the tensor is not [complete](Self::is_complete), or the elements are BYTES.
    pub fn to_numbers(&self) -> Option<Numbers> {
        self.is_complete()
            .then(|| Numbers::new(self.datatype, self.data.clone()))
            .flatten()
    }

    /// As many rows as each of `counts` says, one part after the other, of a complete tensor.
    pub(crate) fn split_rows<'a>(&'a self, counts: &'a [usize]) -> impl Iterator<Item = Self> + 'a {
        let row: usize = self.shape.iter().skip(1).product();
        let mut rest = self.data.clone();
        counts.iter().map(move |count| {
            let bytes = match self.datatype.size() {
                Some(size) => count * row * size,
                None => byte_strings_length(&rest, count * row),
            };
            let mut shape = self.shape.clone();
            if let Some(first) = shape.first_mut() {
                *first = *count;
            }
            Self {
                name: self.name.clone(),
                shape,
                datatype: self.datatype,
                data: rest.split_to(bytes.min(rest.len())),
            }
        })
    }

    /// One tensor of parts that were split along the first axis; `None` where they have none.
    pub fn concatenate(parts: Vec<Self>) -> Option<Self> {
        let mut data = Vec::with_capacity(parts.iter().map(|part| part.data.len()).sum());
        let mut rows: usize = 0;
        for part in &parts {
            data.extend_from_slice(&part.data);
            rows = rows.checked_add(*part.shape.first()?)?;
        }
        let mut tensor = parts.into_iter().next()?;
        *tensor.shape.first_mut()? = rows;
        tensor.data = data.into();
        Some(tensor)
    }
}

/// The bytes that the first `count` elements of BYTES take, with their lengths.
fn byte_strings_length(data: &[u8], count: usize) -> usize {
    byte_strings(data)
        .take(count)
        .map(|element| 4 + element.map_or(0, <[u8]>::len))
        .sum()
}
