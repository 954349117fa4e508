//! `InferTensorContents`, read from its encoding and written to it. A list of numbers would be far
//! larger than the message: each takes a byte or more there and up to eight in a list of its own.

use boxwright_tensor::{DataType, Tensor};
use bytes::Bytes;
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field,
};

use crate::server::problem::Problem;

/// The names of the fields, by number less one.
const FIELDS: [&str; 8] = [
    "bool_contents",
    "int_contents",
    "int64_contents",
    "uint_contents",
    "uint64_contents",
    "fp32_contents",
    "fp64_contents",
    "bytes_contents",
];

/// The field that holds elements of a type; `None` for the types that are only sent raw.
fn field(datatype: DataType) -> Option<u32> {
    Some(match datatype {
        DataType::Bool => 1,
        DataType::Int8 | DataType::Int16 | DataType::Int32 => 2,
        DataType::Int64 => 3,
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 => 4,
        DataType::Uint64 => 5,
        DataType::Fp32 => 6,
        DataType::Fp64 => 7,
        DataType::Bytes => 8,
        DataType::Fp16 | DataType::Bf16 => return None,
    })
}

fn name_of(field: u32) -> Option<&'static str> {
    FIELDS.get(field.checked_sub(1)? as usize).copied()
}

/// The elements of input `name` as a [`Tensor`] has them, if they take at most `limit` bytes.
/// `pieces` are the encodings of its `contents`, one after another.
///
/// # Errors
/// Where the elements lie in another type's field, don't fit their type, or are not encoded as they
/// should be.
pub fn read(
    name: &str,
    datatype: DataType,
    pieces: &[Bytes],
    limit: usize,
) -> Result<Bytes, Problem> {
    let kind = datatype.name();
    let Some(field) = field(datatype) else {
        return Err(Problem::bad_request(format!(
            "input `{name}` is {kind}, which `contents` has no field for; it is sent in raw_input_contents"
        )));
    };
    let mut elements = Elements {
        datatype,
        limit,
        bytes: Vec::new(),
    };
    let refused = |refusal| match refusal {
        Refusal::Broken(error) => {
            format!("input `{name}` has contents that can't be read: {error}")
        }
        Refusal::Unfit(number) => {
            format!("input `{name}` has the element {number}, which is no {kind}")
        }
        Refusal::TooLarge => String::new(),
    };
    for piece in pieces {
        let mut rest = &piece[..];
        while !rest.is_empty() {
            let took = elements.take(field, &mut rest);
            match took {
                Ok(None) => {}
                Ok(Some(other)) => {
                    return Err(Problem::bad_request(format!(
                        "input `{name}` is {kind}, and its elements lie in {other}; {} is meant",
                        name_of(field).unwrap_or_default()
                    )));
                }
                Err(Refusal::TooLarge) => return Err(Problem::too_large(limit)),
                Err(refusal) => return Err(Problem::bad_request(refused(refusal))),
            }
        }
    }
    Ok(elements.bytes.into())
}

enum Refusal {
    Broken(String),
    Unfit(i128),
    TooLarge,
}

impl From<prost::DecodeError> for Refusal {
    fn from(error: prost::DecodeError) -> Self {
        Self::Broken(error.to_string())
    }
}

/// What has been read.
struct Elements {
    datatype: DataType,
    limit: usize,
    bytes: Vec<u8>,
}

impl Elements {
    /// Takes the next field, whose elements have to lie in field `ours`; gives the name of another
    /// one that has elements.
    fn take(&mut self, ours: u32, rest: &mut &[u8]) -> Result<Option<&'static str>, Refusal> {
        let (field, wire) = decode_key(rest)?;
        if field != ours {
            let before = rest.len();
            skip_field(wire, field, rest, DecodeContext::default())?;
            let is_empty = wire == WireType::LengthDelimited && before - rest.len() == 1;
            return Ok(name_of(field).filter(|_| !is_empty));
        }
        // Numbers lie packed in a row, or each by itself.
        let width = match (wire, self.datatype) {
            (WireType::LengthDelimited, _) => {
                let length = decode_varint(rest)?;
                usize::try_from(length).unwrap_or(usize::MAX)
            }
            (WireType::ThirtyTwoBit, DataType::Fp32) => 4,
            (WireType::SixtyFourBit, DataType::Fp64) => 8,
            (WireType::Varint, datatype) if !datatype.is_float() && datatype != DataType::Bytes => {
                let before = *rest;
                decode_varint(rest)?;
                let width = before.len() - rest.len();
                *rest = before;
                width
            }
            _ => return Err(broken()),
        };
        let (row, after) = rest.split_at_checked(width).ok_or_else(broken)?;
        *rest = after;
        self.row(row)?;
        Ok(None)
    }

    fn row(&mut self, row: &[u8]) -> Result<(), Refusal> {
        match self.datatype {
            DataType::Bytes => {
                let length = u32::try_from(row.len()).map_err(|_| Refusal::TooLarge)?;
                self.room(row.len().saturating_add(4))?;
                self.bytes.extend_from_slice(&length.to_le_bytes());
                self.bytes.extend_from_slice(row);
                Ok(())
            }
            DataType::Fp32 | DataType::Fp64 => {
                if !row.len().is_multiple_of(self.datatype.size().unwrap_or(1)) {
                    return Err(broken());
                }
                self.room(row.len())?;
                self.bytes.extend_from_slice(row);
                Ok(())
            }
            DataType::Bool => self.varints(row, |bits| Ok([u8::from(bits != 0)])),
            DataType::Int8 => self.varints(row, |bits| {
                let number = bits as i32;
                i8::try_from(number)
                    .map(i8::to_le_bytes)
                    .map_err(|_| number.into())
            }),
            DataType::Int16 => self.varints(row, |bits| {
                let number = bits as i32;
                i16::try_from(number)
                    .map(i16::to_le_bytes)
                    .map_err(|_| number.into())
            }),
            DataType::Uint8 => self.varints(row, |bits| {
                let number = bits as u32;
                u8::try_from(number)
                    .map(u8::to_le_bytes)
                    .map_err(|_| number.into())
            }),
            DataType::Uint16 => self.varints(row, |bits| {
                let number = bits as u32;
                u16::try_from(number)
                    .map(u16::to_le_bytes)
                    .map_err(|_| number.into())
            }),
            // Protobuf cuts what is longer than the field's type.
            DataType::Int32 | DataType::Uint32 => {
                self.varints(row, |bits| Ok((bits as u32).to_le_bytes()))
            }
            DataType::Int64 | DataType::Uint64 => self.varints(row, |bits| Ok(bits.to_le_bytes())),
            DataType::Fp16 | DataType::Bf16 => Err(broken()),
        }
    }

    fn varints<const N: usize>(
        &mut self,
        mut row: &[u8],
        element: impl Fn(u64) -> Result<[u8; N], i128>,
    ) -> Result<(), Refusal> {
        while !row.is_empty() {
            let element = element(decode_varint(&mut row)?).map_err(Refusal::Unfit)?;
            self.room(N)?;
            self.bytes.extend_from_slice(&element);
        }
        Ok(())
    }

    fn room(&self, more: usize) -> Result<(), Refusal> {
        match self.bytes.len().saturating_add(more) <= self.limit {
            true => Ok(()),
            false => Err(Refusal::TooLarge),
        }
    }
}

fn broken() -> Refusal {
    Refusal::Broken("an element is cut off, or of another type than its field".into())
}

/// The encoding of a tensor's `contents`; `None` for the types that are only sent raw.
pub fn write(tensor: &Tensor) -> Option<Bytes> {
    let field = field(tensor.datatype)?;
    let mut encoded = Vec::with_capacity(tensor.data.len().saturating_add(16));
    if tensor.datatype == DataType::Bytes {
        for element in tensor.strings()? {
            delimited(field, &element, &mut encoded);
        }
        return Some(encoded.into());
    }
    let data = &tensor.data[..];
    let packed = match tensor.datatype {
        DataType::Int8 => packed(data, |[byte]| i64::from(i8::from_le_bytes([byte])) as u64),
        DataType::Int16 => packed(data, |bytes| i64::from(i16::from_le_bytes(bytes)) as u64),
        DataType::Int32 => packed(data, |bytes| i64::from(i32::from_le_bytes(bytes)) as u64),
        DataType::Uint8 => packed(data, |[byte]| byte.into()),
        DataType::Uint16 => packed(data, |bytes| u16::from_le_bytes(bytes).into()),
        DataType::Uint32 => packed(data, |bytes| u32::from_le_bytes(bytes).into()),
        DataType::Int64 | DataType::Uint64 => packed(data, u64::from_le_bytes),
        // As they lie: floats are little-endian in protobuf too, and truth values are 0 or 1.
        _ => {
            delimited(field, data, &mut encoded);
            return Some(encoded.into());
        }
    };
    delimited(field, &packed, &mut encoded);
    Some(encoded.into())
}

fn packed<const N: usize>(data: &[u8], bits: impl Fn([u8; N]) -> u64) -> Vec<u8> {
    let mut packed = Vec::with_capacity(data.len());
    let (elements, _) = data.as_chunks::<N>();
    elements
        .iter()
        .for_each(|element| encode_varint(bits(*element), &mut packed));
    packed
}

fn delimited(field: u32, bytes: &[u8], encoded: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, encoded);
    encode_varint(bytes.len() as u64, encoded);
    encoded.extend_from_slice(bytes);
}

#[cfg(test)]
#[path = "contents_tests.rs"]
mod tests;
