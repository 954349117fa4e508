//! What is counted over all graphs of a file, so that no file fills the memory.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use super::super::source::Fault;
use super::super::wire::{self, Field, Message, Wire};
use super::foreign::Foreign;

/// Most bytes of names, shapes and metadata that are kept of one file.
pub(super) const MOST_KEPT: u64 = 32 << 20;
/// Most bytes of a name.
pub(super) const LONGEST_NAME: u64 = 64 << 10;
/// What the graphs of a file have in common.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Elements of all initializers, and of constants of floats.
    pub(super) parameters: u64,
    pub(super) external: External,
    /// Functions of the model's own.
    pub(super) functions: Foreign,
    /// Bytes of names, shapes and metadata.
    pub(super) kept: u64,
}

/// The files with external data that tensors name, and how far into each they reach.
#[derive(Debug, Default)]
pub(crate) struct External {
    pub(super) extents: BTreeMap<String, Extent>,
}

/// The tensor that reaches furthest into a file.
#[derive(Debug)]
pub(super) struct Extent {
    pub(super) tensor: String,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl External {
    pub(super) fn locations(&self) -> impl Iterator<Item = (&String, &Extent)> {
        self.extents.iter()
    }
}

impl Tally {
    /// A text that is kept, counted against [`MOST_KEPT`].
    pub(super) fn text<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        field: &Field,
        most: u64,
    ) -> Result<String, Fault> {
        self.keep(field.at, 64 + wire::inner(field)?.len())?;
        wire.text(field, most)
    }

    pub(super) fn keep(&mut self, at: u64, bytes: u64) -> Result<(), Fault> {
        self.kept += bytes;
        if self.kept > MOST_KEPT {
            return Err(Fault::at(
                at,
                "more names, shapes and metadata than any model has",
            ));
        }
        Ok(())
    }

    /// A key and its value.
    pub(super) fn pair<R: Read + Seek>(
        &mut self,
        wire: &mut Wire<R>,
        mut message: Message,
        most: u64,
    ) -> Result<(String, String), Fault> {
        let (mut key, mut value) = (String::new(), String::new());
        while let Some(field) = wire.field(&mut message)? {
            match field.number {
                1 => key = self.text(wire, &field, LONGEST_NAME)?,
                2 => value = self.text(wire, &field, most)?,
                _ => {}
            }
        }
        Ok((key, value))
    }
}
