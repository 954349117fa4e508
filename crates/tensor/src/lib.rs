//! Tensors as data: data types, signatures, and the elements themselves. Nothing here knows of
//! pictures, model files or a runtime.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]

mod data_type;
mod signature;

pub use data_type::{DataType, UnknownDataType};
pub use signature::{Dimension, Signature, TensorSpec};
