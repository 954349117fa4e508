//! Tensor types and shapes, by the names of the Open Inference Protocol.

use serde::{Deserialize, Serialize};

/// The element type of a tensor. Serialised by its Open Inference Protocol name (`FP32`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "UPPERCASE")]
pub enum DataType {
    /// Boolean, one byte an element.
    Bool,
    /// Signed 8-bit integer.
    Int8,
    /// Signed 16-bit integer.
    Int16,
    /// Signed 32-bit integer.
    Int32,
    /// Signed 64-bit integer.
    Int64,
    /// Unsigned 8-bit integer.
    Uint8,
    /// Unsigned 16-bit integer.
    Uint16,
    /// Unsigned 32-bit integer.
    Uint32,
    /// Unsigned 64-bit integer.
    Uint64,
    /// IEEE 754 half precision.
    Fp16,
    /// The upper half of a single-precision float.
    Bf16,
    /// IEEE 754 single precision.
    Fp32,
    /// IEEE 754 double precision.
    Fp64,
    /// Strings of any length.
    Bytes,
}

impl DataType {
    /// Bytes an element; `None` for strings.
    pub fn size(self) -> Option<usize> {
        match self {
            Self::Bool | Self::Int8 | Self::Uint8 => Some(1),
            Self::Int16 | Self::Uint16 | Self::Fp16 | Self::Bf16 => Some(2),
            Self::Int32 | Self::Uint32 | Self::Fp32 => Some(4),
            Self::Int64 | Self::Uint64 | Self::Fp64 => Some(8),
            Self::Bytes => None,
        }
    }

    /// The Open Inference Protocol's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Int8 => "INT8",
            Self::Int16 => "INT16",
            Self::Int32 => "INT32",
            Self::Int64 => "INT64",
            Self::Uint8 => "UINT8",
            Self::Uint16 => "UINT16",
            Self::Uint32 => "UINT32",
            Self::Uint64 => "UINT64",
            Self::Fp16 => "FP16",
            Self::Bf16 => "BF16",
            Self::Fp32 => "FP32",
            Self::Fp64 => "FP64",
            Self::Bytes => "BYTES",
        }
    }

    /// Whether it holds fractions.
    pub fn is_float(self) -> bool {
        matches!(self, Self::Fp16 | Self::Bf16 | Self::Fp32 | Self::Fp64)
    }
}

/// One axis of a shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(untagged)]
pub enum Dimension {
    /// A length that the model fixes.
    Fixed(u64),
    /// A length that each call chooses; the name may be empty.
    Dynamic(String),
}

/// Name, element type and shape of one input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TensorSpec {
    /// The name by which the model knows the tensor.
    pub name: String,
    /// Element type.
    pub datatype: DataType,
    /// Axes, outermost first; `None` where the model does not say even the rank.
    pub shape: Option<Vec<Dimension>>,
}

impl TensorSpec {
    /// The number of samples in a batch, where the model fixes it.
    pub fn fixed_batch(&self) -> Option<u64> {
        match self.shape.as_deref()?.first()? {
            Dimension::Fixed(length) => Some(*length),
            Dimension::Dynamic(_) => None,
        }
    }

    /// Whether it can hold one score a class: floats with a batch axis and one axis more that is
    /// not 1. A shape that the model does not tell is taken for one.
    pub fn is_scores(&self) -> bool {
        let Some(shape) = &self.shape else {
            return self.datatype.is_float();
        };
        let longer = shape
            .iter()
            .skip(1)
            .filter(|axis| **axis != Dimension::Fixed(1))
            .count();
        self.datatype.is_float() && shape.len() >= 2 && longer == 1
    }

    /// The number of classes of a tensor that [`is_scores`](Self::is_scores), where it is fixed.
    pub fn classes(&self) -> Option<u64> {
        let shape = self.shape.as_ref().filter(|_| self.is_scores())?;
        match shape
            .iter()
            .skip(1)
            .find(|axis| **axis != Dimension::Fixed(1))?
        {
            Dimension::Fixed(length) => Some(*length),
            Dimension::Dynamic(_) => None,
        }
    }
}

impl std::fmt::Display for TensorSpec {
    /// `FP32 [batch, 3, 224, 224]`; `?` is an axis of unknown length.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.datatype.name())?;
        let Some(shape) = &self.shape else {
            return f.write_str(" of unknown shape");
        };
        f.write_str(" [")?;
        for (index, axis) in shape.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            match axis {
                Dimension::Fixed(length) => write!(f, "{length}")?,
                Dimension::Dynamic(name) if name.is_empty() => f.write_str("?")?,
                Dimension::Dynamic(name) => f.write_str(name)?,
            }
        }
        f.write_str("]")
    }
}

/// What goes into a model and what comes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Signature {
    /// Inputs without a default value, in the model's order.
    pub inputs: Vec<TensorSpec>,
    /// Outputs, in the model's order.
    pub outputs: Vec<TensorSpec>,
}
