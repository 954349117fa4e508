//! The elements of a tensor in JSON: lists of numbers, truth values or strings, flat or nested.

mod write;

pub use boxwright_predict::elements::{Strings, read, room};
pub use write::{Elements, Rows};

#[cfg(test)]
mod tests;
