//! Opening a package.

use std::path::Path;

use boxwright_model::LoadedPackage;

/// Opens a package file, the folder that holds one, or a model without a package; what is guessed then
/// is logged.
///
/// # Errors
/// As [`boxwright_model::package::open_any`].
pub fn open(path: &Path) -> boxwright_model::Result<LoadedPackage> {
    let (package, _, guesses) = boxwright_model::package::open_any(path)?;
    for (field, reason) in guesses {
        tracing::warn!(field, "guessed: {reason}");
    }
    Ok(package)
}
