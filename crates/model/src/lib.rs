//! Models and packages as data: what a model file says about itself, and what a package file
//! says about the pipeline around it. Nothing here runs a model.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]
#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "a test holds a table of cases")
)]

pub mod device;
pub mod format;
pub mod guess;
pub mod inspect;
pub mod package;
pub mod pipeline;
pub mod prediction;
pub mod recipe;
pub mod runtime;

mod error;
mod model_file;
mod paths;
#[cfg(test)]
mod testing;

pub use device::{Device, DeviceKind};
pub use error::{Error, Result};
pub use inspect::{Model, inspect};
pub use package::{LoadedPackage, Package};
pub use pipeline::Pipeline;
pub use prediction::{Outcome, SampleResult};
