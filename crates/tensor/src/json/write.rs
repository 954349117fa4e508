//! Elements as lists.

use std::cell::RefCell;

use serde::ser::Error;
use serde::{Serialize, Serializer};

use crate::{Number, Scalar, Tensor};

/// A tensor's elements as they are written in JSON. Bytes that are no text fail to be written; the
/// error names the tensor.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'a> {
    tensor: &'a Tensor,
    nested: bool,
}

impl<'a> Elements<'a> {
    /// All in a row.
    pub fn flat(tensor: &'a Tensor) -> Self {
        let nested = false;
        Self { tensor, nested }
    }

    /// Nested by the tensor's axes.
    pub fn nested(tensor: &'a Tensor) -> Self {
        let nested = true;
        Self { tensor, nested }
    }
}

impl Serialize for Elements<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let all = named(self.tensor);
        if !self.nested {
            return serializer.collect_seq(all);
        }
        let (shape, rest) = (&self.tensor.shape[..], &RefCell::new(all));
        Nested { shape, rest }.serialize(serializer)
    }
}

/// Tensors of one batch, as a list of rows: each an object of what the tensors have in it.
#[derive(Debug, Clone, Copy)]
pub struct BatchRows<'a>(pub &'a [Tensor]);

impl Serialize for BatchRows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = |tensor: &Tensor| tensor.shape.first().copied();
        let count = self.0.first().and_then(rows).unwrap_or(0);
        if let Some(other) = self.0.iter().find(|tensor| rows(tensor) != Some(count)) {
            let message = format!("output `{}` has no row for each of {count}", other.name);
            return Err(S::Error::custom(message));
        }
        let rests: Vec<_> = self
            .0
            .iter()
            .map(|tensor| RefCell::new(named(tensor)))
            .collect();
        let row = |_| Row(self.0, &rests);
        serializer.collect_seq((0..count).map(row))
    }
}

/// The next row of tensors, whose elements come from the iterators beside them.
struct Row<'a, I>(&'a [Tensor], &'a [RefCell<I>]);

impl<T: Serialize, I: Iterator<Item = T>> Serialize for Row<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let both = self.0.iter().zip(self.1);
        serializer.collect_map(both.map(|(tensor, rest)| {
            let shape = tensor.shape.get(1..).unwrap_or_default();
            (&tensor.name, Nested { shape, rest })
        }))
    }
}

/// The next elements, as lists of this shape.
struct Nested<'a, I> {
    shape: &'a [usize],
    rest: &'a RefCell<I>,
}

impl<T: Serialize, I: Iterator<Item = T>> Serialize for Nested<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rest = self.rest;
        match self.shape.split_first() {
            Some((length, shape)) => {
                serializer.collect_seq((0..*length).map(|_| Nested { shape, rest }))
            }
            None => match rest.borrow_mut().next() {
                Some(element) => element.serialize(serializer),
                None => Err(S::Error::custom("a tensor is shorter than its shape says")),
            },
        }
    }
}

/// An element with its tensor's name.
struct Named<'a> {
    name: &'a str,
    scalar: Scalar,
}

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Scalar::Bool(value) = self.scalar {
            return serializer.serialize_bool(value);
        }
        if let Some(number) = Number::from_scalar(&self.scalar) {
            return number.serialize(serializer);
        }
        let text = match &self.scalar {
            Scalar::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        };
        match text {
            Some(text) => serializer.serialize_str(text),
            None => Err(S::Error::custom(format!(
                "output `{}` holds bytes that are no text, which JSON can't say; ask for it as \
                 binary data (`binary_data`)",
                self.name
            ))),
        }
    }
}

fn named(tensor: &Tensor) -> impl Iterator<Item = Named<'_>> {
    let name = &tensor.name;
    tensor.scalars().map(move |scalar| Named { name, scalar })
}
