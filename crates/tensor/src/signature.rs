//! What a model takes and gives: names, data types and shapes.

use serde::{Deserialize, Serialize};

use crate::DataType;

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

    /// Whether it holds one number for each sample of a batch.
    pub fn is_number(&self) -> bool {
        let axes = self.shape.as_deref().unwrap_or_default();
        axes.len() >= 2 && axes.iter().skip(1).all(|axis| *axis == Dimension::Fixed(1))
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
