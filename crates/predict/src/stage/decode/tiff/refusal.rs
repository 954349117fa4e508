//! The errors of the `tiff` crate, as messages about a file.

use ::tiff::{TiffError, TiffFormatError};

use super::super::format::Format;
use crate::error::Error;

/// The message about a file of these bytes.
pub(super) fn refusal(bytes: &[u8], error: &TiffError) -> Error {
    match error {
        TiffError::IoError(io) if io.kind() == std::io::ErrorKind::UnexpectedEof => {
            Format::Tiff.cut_off(bytes)
        }
        TiffError::FormatError(TiffFormatError::InconsistentSizesEncountered) => {
            Format::Tiff.cut_off(bytes)
        }
        error => Format::Tiff.damaged(error),
    }
}
