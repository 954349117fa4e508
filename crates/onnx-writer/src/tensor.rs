//! Tensors: their element types, their shapes, and where their data is.

use crate::Message;
use crate::message::{entry, message_type};

/// `TensorProto.DataType`.
#[allow(missing_docs, reason = "the names of onnx.proto say all")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub enum ElementType {
    Float = 1,
    Uint8 = 2,
    Int8 = 3,
    Uint16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    Uint32 = 12,
    Uint64 = 13,
    Bfloat16 = 16,
    Int4 = 22,
}

/// One axis of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis<'a> {
    /// Of this length.
    Fixed(i64),
    /// Of any length, under this name.
    Dynamic(&'a str),
}

impl<'a> Axis<'a> {
    /// A number is a length, all else is a name.
    pub fn of(text: &'a str) -> Self {
        text.parse().map_or(Self::Dynamic(text), Self::Fixed)
    }

    fn message(self) -> Message {
        match self {
            Self::Fixed(length) => Message::new().number(1, length),
            Self::Dynamic(name) => Message::new().bytes(2, name),
        }
    }
}

message_type! {
    /// `ValueInfoProto`: a graph's input or output.
    Value
}

impl Value {
    /// A tensor whose rank is known.
    pub fn tensor(name: &str, element: ElementType, axes: &[Axis]) -> Self {
        let shape = Message::new().messages(1, axes.iter().map(|axis| axis.message()));
        let tensor = Message::new().number(1, element as i64).message(2, shape);
        Self::of_type(name, Message::new().message(1, tensor))
    }

    /// A tensor of any rank.
    pub fn unranked(name: &str, element: ElementType) -> Self {
        let tensor = Message::new().number(1, element as i64);
        Self::of_type(name, Message::new().message(1, tensor))
    }

    /// A sequence, which is no tensor.
    pub fn sequence(name: &str) -> Self {
        Self::of_type(name, Message::new().message(4, Message::new()))
    }

    fn of_type(name: &str, kind: Message) -> Self {
        Self(Message::new().bytes(1, name).message(2, kind))
    }
}

message_type! {
    /// `TensorProto`: a weight.
    Tensor
}

impl Tensor {
    /// A tensor without data.
    pub fn new(name: &str, element: ElementType, dims: &[i64]) -> Self {
        let add = |message: Message, length: &i64| message.number(1, *length);
        let dims = dims.iter().fold(Message::new(), add);
        Self(dims.number(2, element as i64).bytes(8, name))
    }

    /// A tensor of 32-bit floats, without data.
    pub fn float(name: &str, dims: &[i64]) -> Self {
        Self::new(name, ElementType::Float, dims)
    }

    /// The elements' bytes, little-endian.
    pub fn raw_data(self, bytes: &[u8]) -> Self {
        Self(self.0.bytes(9, bytes))
    }

    /// The data is in another file: `location`, `offset` and `length`, or other keys.
    pub fn external(self, place: &[(&str, &str)]) -> Self {
        let entries = place.iter().map(|(key, value)| entry(key, value));
        Self(self.0.messages(13, entries).number(14, 1))
    }
}

message_type! {
    /// `SparseTensorProto`: a weight of which only some elements are stored.
    SparseTensor
}

impl SparseTensor {
    /// The elements that are stored, which have the name, and where they stand in `dims`.
    pub fn new(values: Tensor, indices: Tensor, dims: &[i64]) -> Self {
        let message = Message::new().message(1, values).message(2, indices);
        let add = |message: Message, length: &i64| message.number(3, *length);
        Self(dims.iter().fold(message, add))
    }
}
