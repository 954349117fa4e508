//! Inputs and outputs: `ValueInfoProto` and the types in it.

use std::io::{Read, Seek};

use boxwright_tensor::{DataType, Dimension, TensorSpec};

use super::super::source::Fault;
use super::super::wire::{self, Message, Wire};
use super::tally::{LONGEST_NAME, Tally};

/// Most axes of a shape.
const MOST_AXES: usize = 64;

/// A graph's input or output.
#[derive(Debug)]
pub(crate) struct ValueInfo {
    pub(crate) name: String,
    /// The tensor, or what it is instead, in words.
    pub(crate) tensor: Result<TensorSpec, String>,
}

type Tensor = Result<(DataType, Option<Vec<Dimension>>), String>;

impl Tally {
    pub(super) fn value_info<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<ValueInfo, Fault> {
        self.keep(message.start(), 128)?;
        let mut name = String::new();
        let mut tensor: Tensor = Err("of no type".to_owned());
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 => name = self.text(wire, &field, LONGEST_NAME)?,
                2 => tensor = self.type_proto(wire, wire::inner(&field)?)?,
                _ => {}
            }
        }
        let tensor = tensor.map(|(datatype, shape)| TensorSpec {
            name: name.clone(),
            datatype,
            shape,
        });
        Ok(ValueInfo { name, tensor })
    }

    fn type_proto<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<Tensor, Fault> {
        let mut tensor = Err("of no type".to_owned());
        while let Some(field) = wire.field(&mut message)? {
            let other = match field.number {
                1 => {
                    tensor = self.tensor_type(wire, wire::inner(&field)?)?;
                    continue;
                }
                4 => "a sequence",
                5 => "a map",
                7 => "of an opaque type",
                8 => "a sparse tensor",
                9 => "an optional value",
                _ => continue,
            };
            tensor = Err(other.to_owned());
        }
        Ok(tensor)
    }

    fn tensor_type<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<Tensor, Fault> {
        let (mut element, mut shape) = (0, None);
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 => element = wire::number(&field)?,
                2 => shape = Some(self.shape(wire, wire::inner(&field)?)?),
                _ => {}
            }
        }
        Ok(match data_type(element) {
            Some(datatype) => Ok((datatype, shape)),
            None => Err(format!("a tensor of {}", element_name(element))),
        })
    }

    fn shape<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<Vec<Dimension>, Fault> {
        let mut shape = Vec::new();
        while let Some(field) = wire.field(&mut message)? {
            if field.number != 1 {
                continue;
            }
            if shape.len() == MOST_AXES {
                return Err(Fault::at(
                    field.at,
                    format!("a shape of more than {MOST_AXES} axes"),
                ));
            }
            self.keep(field.at, 32)?;
            shape.push(self.dimension(wire, wire::inner(&field)?)?);
        }
        Ok(shape)
    }

    fn dimension<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
    ) -> Result<Dimension, Fault> {
        let mut dimension = Dimension::Dynamic(String::new());
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                // Some exporters write -1 for a length that each call chooses.
                1 => {
                    dimension = u64::try_from(wire::number(&field)?.cast_signed())
                        .map_or(Dimension::Dynamic(String::new()), Dimension::Fixed);
                }
                2 => dimension = Dimension::Dynamic(self.text(wire, &field, LONGEST_NAME)?),
                _ => {}
            }
        }
        Ok(dimension)
    }
}

/// The element type with this number in `TensorProto.DataType`, if Boxwright knows it.
fn data_type(number: u64) -> Option<DataType> {
    Some(match number {
        1 => DataType::Fp32,
        2 => DataType::Uint8,
        3 => DataType::Int8,
        4 => DataType::Uint16,
        5 => DataType::Int16,
        6 => DataType::Int32,
        7 => DataType::Int64,
        8 => DataType::Bytes,
        9 => DataType::Bool,
        10 => DataType::Fp16,
        11 => DataType::Fp64,
        12 => DataType::Uint32,
        13 => DataType::Uint64,
        16 => DataType::Bf16,
        _ => return None,
    })
}

fn element_name(number: u64) -> String {
    let name = match number {
        0 => "undefined elements",
        14 => "complex64",
        15 => "complex128",
        17 => "float8e4m3fn",
        18 => "float8e4m3fnuz",
        19 => "float8e5m2",
        20 => "float8e5m2fnuz",
        21 => "uint4",
        22 => "int4",
        23 => "float4e2m1",
        24 => "float8e8m0",
        25 => "uint2",
        26 => "int2",
        _ => return format!("element type {number}"),
    };
    name.to_owned()
}

/// Whether elements of this type are numbers with a fraction.
pub(super) fn is_float(number: u64) -> bool {
    matches!(number, 1 | 10 | 11 | 16 | 17..=20 | 23)
}

/// Bits an element of this type takes in a file; `None` where that is not fixed or not known.
pub(super) fn element_bits(number: u64) -> Option<u64> {
    if let Some(size) = data_type(number).and_then(DataType::size) {
        return Some(8 * size as u64);
    }
    Some(match number {
        14 => 64,
        15 => 128,
        17..=20 | 24 => 8,
        21..=23 => 4,
        25 | 26 => 2,
        _ => return None,
    })
}
