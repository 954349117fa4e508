//! ONNX files for tests: small, odd, damaged and huge ones. Only tests and benchmarks use it.
//!
//! The types are the messages of `onnx.proto`; each method appends one field, in the order of the
//! calls. So a test can write what a code generator's types can't say: fields in another order,
//! twice, or of the wrong kind. What a method has no name for goes in through the public
//! [`Message`].

mod graph;
mod large;
mod message;
mod model;
mod tensor;

pub use graph::{Attribute, Graph, Node};
pub use large::LargeModel;
pub use message::Message;
pub use model::Model;
pub use tensor::{Axis, ElementType, SparseTensor, Tensor, Value};
