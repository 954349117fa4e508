//! What is known of the results of the package that is served.

use boxwright_model::pipeline::Task;
use boxwright_tensor::{BatchAxis, Dimension, Signature, TensorSpec};

/// The package that is served, as far as it decides what its results look like.
#[derive(Debug, Clone, Copy)]
pub struct Served<'a> {
    /// What its outputs mean.
    pub task: &'a Task,
    /// What its model gives.
    pub signature: &'a Signature,
    /// Whether that has a batch.
    pub batch: BatchAxis,
}

/// The axes of a sample's part of an output, where they are the same for every sample.
pub fn axes(spec: &TensorSpec, batch: BatchAxis) -> Option<Vec<usize>> {
    let fixed = |axis: &Dimension| match axis {
        Dimension::Fixed(length) => usize::try_from(*length).ok(),
        Dimension::Dynamic(_) => None,
    };
    let all = spec.shape.as_deref()?;
    let rest = match batch {
        // A single sample has the output for itself, less a first axis of 1.
        BatchAxis::None => match all.split_first()? {
            (Dimension::Fixed(1), rest) => rest,
            (Dimension::Fixed(_), _) => all,
            (Dimension::Dynamic(_), _) => return None,
        },
        BatchAxis::Dynamic | BatchAxis::Fixed(_) => all.get(1..)?,
    };
    rest.iter().map(fixed).collect()
}

/// How many elements that are.
pub fn elements(spec: &TensorSpec, batch: BatchAxis) -> Option<usize> {
    let axes = axes(spec, batch)?;
    axes.into_iter().try_fold(1usize, usize::checked_mul)
}
