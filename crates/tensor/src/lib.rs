//! Tensors as data: data types, signatures, and the elements themselves. Nothing here knows of
//! pictures, model files or a runtime.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]

pub mod example;
pub mod json;
pub mod npy;
pub mod npz;
pub mod oip;
pub mod pt;
pub mod sample;

mod batch;
mod batch_axis;
mod data_type;
mod element;
mod error;
mod number;
mod numbers;
mod signature;
mod tensor;

pub use batch::{TensorBatch, split_outputs};
pub use batch_axis::BatchAxis;
pub use data_type::{DataType, UnknownDataType};
pub use element::{Element, Scalar};
pub use error::{Error, Result};
pub use number::Number;
pub use numbers::Numbers;
// For `with_element_type`.
pub use half::{bf16, f16};
pub use signature::{Dimension, Signature, TensorSpec};
pub use tensor::{Tensor, byte_strings, element_count, write_byte_string};
