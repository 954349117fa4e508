//! The output of a task that takes one.

use crate::error::{Error, Result};
use crate::tensor::Slice;

/// The output of a task that takes one.
pub(super) fn only<'a, 'b>(outputs: &'a [Slice<'b>]) -> Result<&'a Slice<'b>> {
    outputs
        .first()
        .ok_or_else(|| Error::Run("the model gave no output".into()))
}
