//! What a prediction carries.

use std::collections::BTreeMap;

use boxwright_model::prediction::{Outcome, PictureDetails};
use boxwright_tensor::Tensor;

use crate::error::Error;

/// What a prediction should carry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Want {
    /// Classes at most, in place of the package's.
    pub top_k: Option<usize>,
    /// The longer side, in pixels, of a JPEG thumbnail; 0 for none.
    pub thumbnail: u32,
    /// Outputs as bytes in [`Prediction::tensors`]; those of a raw task then aren't in the
    /// outcome's JSON.
    pub tensor: bool,
    /// A picture is only decoded and shown: the model does not run, and its outcome is without
    /// outputs.
    pub picture_only: bool,
    /// What the model gives for a file is kept, and is taken from there where the file and all but
    /// the postprocessing are as they were.
    pub keep: bool,
}

/// One sample's prediction.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// The prediction or the error.
    pub outcome: Outcome,
    /// Width and height of the upright picture, in pixels, where one was decoded.
    pub picture: Option<[u32; 2]>,
    /// What its file says about itself, where one was decoded.
    pub details: Option<PictureDetails>,
    /// A JPEG, where one was wanted and a picture was decoded.
    pub thumbnail: Option<Vec<u8>>,
    /// Outputs without the batch axis, in the order of the task's, where they were wanted.
    pub tensors: Vec<Tensor>,
}

impl Prediction {
    /// An outcome without anything besides.
    pub(crate) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            picture: None,
            details: None,
            thumbnail: None,
            tensors: Vec::new(),
        }
    }

    /// That of a picture that is only shown.
    pub(crate) fn none() -> Self {
        Self::of(Outcome::Outputs(BTreeMap::new()))
    }

    /// The prediction of a sample that has none.
    pub(crate) fn failed(error: &Error) -> Self {
        Self::of(Outcome::Error(error.for_sample()))
    }
}
