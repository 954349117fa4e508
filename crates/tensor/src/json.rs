//! The elements of a tensor in JSON: lists of numbers, truth values or strings, flat or nested. NaN and
//! infinities are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`.

mod read;
mod write;

pub use read::{NestedList, StringEncoding, max_bytes, read};
pub use write::{BatchRows, Elements};

#[cfg(test)]
mod tests;
