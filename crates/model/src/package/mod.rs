//! The package file, `boxwright.toml`: a model, the pipeline around it, and what it needs.
//! The format is fixed in `docs/PACKAGE.md`; unknown keys and versions are errors.

mod digest;
mod file;
pub(crate) mod labels;
mod loaded;
mod name;
mod named;
mod postprocess;
mod preprocess;
mod read;
#[cfg(test)]
mod tests;
mod validate;
mod write;

pub use digest::{hash_files, model_digest};
pub use file::*;
pub use labels::{parse_labels, read_labels};
pub use loaded::{LoadedPackage, Opened, open_any};
pub(crate) use name::propose_name;
pub use name::{check_name, check_version};
pub use postprocess::*;
pub use preprocess::*;
