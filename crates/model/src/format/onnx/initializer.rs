//! Weights: `TensorProto`, of which only the size and the place are read.

use std::io::{Read, Seek};

use super::super::source::Fault;
use super::super::wire::{self, Field, Message, Wire};
use super::tally::{Extent, LONGEST_NAME, Tally};
use super::value::element_bits;

/// A tensor's name and number of elements.
pub(super) struct Tensor {
    pub(super) name: Option<Field>,
    pub(super) elements: u64,
    /// The number of its element type.
    pub(super) element: u64,
}

/// Where a tensor says that its data is.
#[derive(Default)]
struct Place {
    location: Option<String>,
    offset: u64,
    length: Option<u64>,
}

impl Tally {
    /// Reads all of a tensor but its data, and notes the file that its data is in.
    pub(super) fn tensor<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<Tensor, Fault> {
        let start = message.start();
        let mut tensor = Tensor {
            name: None,
            elements: 1,
            element: 0,
        };
        let mut outside = false;
        let mut place = Place::default();
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 => multiply(wire, &field, &mut tensor.elements)?,
                2 => tensor.element = wire::number(&field)?,
                8 => tensor.name = Some(field),
                13 => self.place(wire, &field, &mut place)?,
                14 => outside = wire::number(&field)? == 1,
                _ => {}
            }
        }
        if outside {
            self.note(wire, &tensor, place, start)?;
        }
        Ok(tensor)
    }

    /// The number of elements of a sparse tensor, zeros included.
    pub(super) fn sparse_tensor<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<Tensor, Fault> {
        let mut tensor = Tensor {
            name: None,
            elements: 1,
            element: 0,
        };
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 => tensor.name = self.tensor(wire, wire::inner(&field)?)?.name,
                2 => _ = self.tensor(wire, wire::inner(&field)?)?,
                3 => multiply(wire, &field, &mut tensor.elements)?,
                _ => {}
            }
        }
        Ok(tensor)
    }

    /// One key-value pair of `external_data`.
    fn place<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        field: &Field,
        place: &mut Place,
    ) -> Result<(), Fault> {
        // What is kept of it is counted in `note`.
        let kept = self.kept;
        let (key, value) = self.pair(wire, wire::inner(field)?, LONGEST_NAME)?;
        self.kept = kept;
        let number = || {
            value.trim().parse().map_err(|_| {
                Fault::at(
                    field.at,
                    format!("the external data's {key} is no number of bytes"),
                )
            })
        };
        match key.as_str() {
            "offset" => place.offset = number()?,
            "length" => place.length = Some(number()?),
            "location" => place.location = Some(value),
            _ => {}
        }
        Ok(())
    }

    fn note<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        tensor: &Tensor,
        place: Place,
        at: u64,
    ) -> Result<(), Fault> {
        let Some(location) = place.location else {
            return Err(Fault::at(
                at,
                "a tensor whose data is in a file that is not named",
            ));
        };
        let by_shape = || {
            let bits = tensor.elements.checked_mul(element_bits(tensor.element)?)?;
            Some(bits.div_ceil(8))
        };
        let length = place.length.or_else(by_shape).unwrap_or(0);
        let end = place
            .offset
            .checked_add(length)
            .ok_or_else(|| Fault::at(at, "a tensor whose data ends past what any file can hold"))?;
        if self
            .external
            .extents
            .get(&location)
            .is_some_and(|extent| extent.end >= end)
        {
            return Ok(());
        }
        if !self.external.extents.contains_key(&location) {
            self.keep(at, 128 + location.len() as u64)?;
        }
        let name = match &tensor.name {
            Some(field) => wire.text(field, LONGEST_NAME)?,
            None => String::new(),
        };
        // Long names would be kept once a file, uncounted.
        let tensor = name.chars().take(200).collect();
        self.external.extents.insert(
            location,
            Extent {
                tensor,
                start: place.offset,
                end,
            },
        );
        Ok(())
    }
}

fn multiply<R: Read + Seek>(
    wire: &mut Wire<R>,
    field: &Field,
    elements: &mut u64,
) -> Result<(), Fault> {
    wire.numbers(field, |length| {
        let length = u64::try_from(length.cast_signed())
            .map_err(|_| Fault::at(field.at, "a tensor with an axis of negative length"))?;
        *elements = elements.checked_mul(length).ok_or_else(|| {
            Fault::at(field.at, "a tensor with more elements than can be counted")
        })?;
        Ok(())
    })
}
