//! Layers laid out as a root file system.

use std::path::{Path, PathBuf};

use crate::{Descriptor, Digest, Result};

/// Unpacks `layers`, bottom first, into the folder `to`.
///
/// # Errors
/// `ContentInvalid`, `DiskFull`, `Io`.
pub fn unpack(
    layers: &[(Descriptor, PathBuf)],
    diff_ids: &[Digest],
    to: &Path,
    max_bytes: u64,
) -> Result<()> {
    let _ = (layers, diff_ids, to, max_bytes);
    todo!()
}
