//! Decode, preprocess, infer and postprocess: the one pipeline.
//!
//! A [`Predictor`] is one package on one device. It takes encoded pictures and gives predictions,
//! one at a time or many at once on all cores. What it does to a picture is what Pillow and
//! torchvision do, so that a prediction equals the notebook's.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]

mod device;
mod error;
mod machine;
mod pipeline;
mod predictor;
pub mod recipe;
mod scratch;
mod serving;
mod stage;
mod task;
mod tensor;
mod tensors;
mod thumbnail;

pub use device::runtime_version;
pub use error::{Error, Result};
pub use machine::memory_limit;
pub use predictor::{Options, Prediction, Predictor, RawTensor, Source, Want};
pub use serving::Concurrency;
