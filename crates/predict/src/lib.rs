//! Decode, preprocess, infer and postprocess: the one pipeline.
//!
//! A [`Predictor`] is one package on one device. It takes encoded pictures and gives predictions,
//! one at a time or many at once on all cores. What it does to a picture is what Pillow and
//! torchvision do, so that a prediction equals the notebook's.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]
#![cfg_attr(
    test,
    allow(clippy::too_many_lines, reason = "a test holds a table of cases")
)]

mod batch_size;
mod concurrency;
mod device;
mod error;
mod machine;
mod other;
mod output_cache;
mod pipeline;
mod prediction;
mod predictor;
pub mod recipe;
mod scratch;
mod serving;
mod stage;
mod task;
mod tensor;
mod tensors;
mod thumbnail;

pub use batch_size::BatchSize;
pub use concurrency::Concurrency;
pub use device::runtime_version;
pub use error::{Error, Result};
pub use machine::memory_limit;
pub use prediction::{Prediction, Want};
pub use predictor::{Options, Predictor, Source};
