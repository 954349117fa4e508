//! Thumbnails, and outcomes too large to keep in memory, in a temporary file that is gone when the
//! program ends.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// A temporary file of entries, found by their kind and sample.
#[derive(Default)]
pub struct SpoolFile {
    file: Option<File>,
    end: u64,
    spans: HashMap<(SpoolKind, u32), (u64, usize)>,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SpoolKind {
    /// A thumbnail, JPEG.
    Thumbnail,
    /// A whole outcome, JSON.
    Outcome,
}

impl SpoolFile {
    /// Stores an entry, in place of an earlier one.
    ///
    /// # Errors
    /// If the temporary file can't be made or written.
    pub fn put(&mut self, kind: SpoolKind, id: u32, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        // An earlier entry that is large enough is overwritten, so that edits don't grow the file.
        let earlier = self
            .spans
            .get(&(kind, id))
            .filter(|(_, length)| *length >= bytes.len());
        let start = earlier.map_or(self.end, |(start, _)| *start);
        file.seek(SeekFrom::Start(start))?;
        file.write_all(bytes)?;
        self.end = self.end.max(start + bytes.len() as u64);
        self.spans.insert((kind, id), (start, bytes.len()));
        Ok(())
    }

    /// An entry, if it is there.
    pub fn get(&mut self, kind: SpoolKind, id: u32) -> Option<Vec<u8>> {
        let (start, length) = *self.spans.get(&(kind, id))?;
        let file = self.file.as_mut()?;
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(start)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Removes a sample's entries.
    pub fn remove(&mut self, id: u32) {
        self.spans.retain(|(_, other), _| *other != id);
        if self.spans.is_empty() {
            // The file is only deleted once it has no entry left.
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_separate_replaced_and_removed() {
        let mut spool = SpoolFile::default();
        spool.put(SpoolKind::Thumbnail, 1, b"first").expect("kept");
        spool.put(SpoolKind::Thumbnail, 2, b"second").expect("kept");
        spool.put(SpoolKind::Outcome, 1, b"{}").expect("kept");
        spool.put(SpoolKind::Thumbnail, 1, b"1st").expect("kept");
        assert_eq!(
            spool.get(SpoolKind::Thumbnail, 1).as_deref(),
            Some(&b"1st"[..])
        );
        assert_eq!(
            spool.get(SpoolKind::Thumbnail, 2).as_deref(),
            Some(&b"second"[..])
        );
        assert_eq!(
            spool.get(SpoolKind::Outcome, 1).as_deref(),
            Some(&b"{}"[..])
        );
        spool.remove(1);
        assert_eq!(spool.get(SpoolKind::Thumbnail, 1), None);
        assert_eq!(spool.get(SpoolKind::Outcome, 1), None);
        spool.remove(2);
        assert_eq!(spool.end, 0);
    }
}
