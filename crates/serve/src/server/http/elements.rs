//! The elements of a tensor in JSON: lists of numbers, truth values or strings, flat or nested.

mod read;
mod write;

pub use read::{Strings, read, room};
pub use write::{Elements, Rows};

#[cfg(test)]
mod tests;
