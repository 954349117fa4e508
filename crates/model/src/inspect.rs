//! What a model file says about itself.

use std::path::Path;

use crate::error::Result;
use crate::format;
pub use crate::model_file::{Model, ModelSummary};

/// Reads what the model at `path` says about itself: by seeking past its tensors, so that it takes
/// no more time or memory for two gigabytes than for two megabytes.
///
/// # Errors
/// [`Io`](crate::Error::Io) if the file can't be read, [`Unreadable`](crate::Error::Unreadable)
/// with the byte's offset if it is damaged or its external data is not a regular file inside its
/// folder, [`Unsupported`](crate::Error::Unsupported) if it is in another format; the format is
/// told by the bytes, whatever the file is called.
pub fn inspect(path: &Path) -> Result<Model> {
    format::read(path)
}
