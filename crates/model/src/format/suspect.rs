//! A file whose format is in question, and the answer.

use std::fs::File;
use std::path::Path;

use super::source::Source;

/// How many bytes from a file's start the formats are told by.
pub(super) const HEAD: u64 = 4096;

/// A file in a format that does not run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recognised {
    /// What it is, in words that follow "is".
    pub(super) what: String,
    /// The next step.
    pub(super) hint: String,
}

impl Recognised {
    pub(super) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: hint.into(),
        }
    }
}

/// A file whose format is in question.
pub(super) struct Suspect<'a> {
    pub(super) path: &'a Path,
    /// Its name, as Python writes it between quotes.
    pub(super) python: String,
    /// The name of the ONNX file to make of it, likewise.
    pub(super) onnx: String,
    pub(super) head: Vec<u8>,
    pub(super) source: &'a mut Source<File>,
}
