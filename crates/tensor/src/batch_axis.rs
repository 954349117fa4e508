//! The first axis of a model's tensors.

use crate::{Dimension, Signature, TensorSpec};

/// Whether a model's first axis is the batch, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchAxis {
    /// The batch, of any length.
    Dynamic,
    /// The batch, always of this length, at least 1: fewer samples are padded with zeros, whose
    /// outputs are dropped.
    Fixed(usize),
    /// No batch: every run is one sample.
    None,
}

impl BatchAxis {
    /// The axis as `dimension`, which is known to be the batch.
    pub fn of_dimension(dimension: &Dimension) -> Self {
        match dimension {
            Dimension::Fixed(length) => Self::Fixed(usize::try_from(*length).unwrap_or(1).max(1)),
            Dimension::Dynamic(_) => Self::Dynamic,
        }
    }

    /// What the signature says of all inputs and outputs together. `has_batch` tells that the model
    /// is known to take a batch; without that a fixed first axis may be anything but a batch of one.
    pub fn of_signature(signature: &Signature, has_batch: bool) -> Self {
        let all = || signature.inputs.iter().chain(&signature.outputs);
        let first = |spec: &TensorSpec| spec.shape.as_ref().and_then(|axes| axes.first().cloned());
        let fixed = match signature.inputs.first().and_then(first) {
            Some(Dimension::Fixed(length)) => length,
            _ => {
                let dynamic = |spec| matches!(first(spec), Some(Dimension::Dynamic(_)));
                return if all().all(dynamic) {
                    Self::Dynamic
                } else {
                    Self::None
                };
            }
        };
        let same = |spec| first(spec) == Some(Dimension::Fixed(fixed));
        match usize::try_from(fixed) {
            Ok(length) if length > 0 && (length == 1 || has_batch) && all().all(same) => {
                Self::Fixed(length)
            }
            _ => Self::None,
        }
    }

    /// The most samples of one run, where `preferred` would be.
    pub fn max_batch(self, preferred: usize) -> usize {
        match self {
            Self::Dynamic => preferred.max(1),
            Self::Fixed(length) => length,
            Self::None => 1,
        }
    }

    /// The axis's length in a run of so many samples.
    pub fn length(self, samples: usize) -> usize {
        match self {
            Self::Fixed(length) => length,
            Self::Dynamic | Self::None => samples,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataType;

    fn signature(inputs: &[Option<u64>], outputs: &[Option<u64>]) -> Signature {
        let spec = |length: &Option<u64>| TensorSpec {
            name: String::new(),
            datatype: DataType::Fp32,
            shape: Some(vec![match length {
                Some(length) => Dimension::Fixed(*length),
                None => Dimension::Dynamic("N".into()),
            }]),
        };
        Signature {
            inputs: inputs.iter().map(spec).collect(),
            outputs: outputs.iter().map(spec).collect(),
        }
    }

    #[test]
    fn all_tensors_have_to_agree_on_the_batch() {
        for (inputs, outputs, has_batch, expected) in [
            (&[None, None][..], &[None][..], false, BatchAxis::Dynamic),
            (&[None], &[Some(1)], true, BatchAxis::None),
            (&[Some(1)], &[Some(1)], false, BatchAxis::Fixed(1)),
            (&[Some(4)], &[Some(4)], true, BatchAxis::Fixed(4)),
            (&[Some(4)], &[Some(4)], false, BatchAxis::None),
            (&[Some(4)], &[Some(5)], true, BatchAxis::None),
            (&[Some(0)], &[Some(0)], true, BatchAxis::None),
        ] {
            let found = BatchAxis::of_signature(&signature(inputs, outputs), has_batch);
            assert_eq!(found, expected, "{inputs:?} {outputs:?}");
        }
    }
}
