//! Pictures that a worker made for showing, and outcomes too large to keep in memory: spooled to
//! a temporary file that goes away with the program.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// A file of pieces, by number.
#[derive(Default)]
pub struct Pictures {
    file: Option<File>,
    end: u64,
    places: HashMap<(Kind, u32), (u64, usize)>,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A thumbnail, JPEG.
    Thumbnail,
    /// A whole outcome, JSON.
    Outcome,
}

impl Pictures {
    /// Keeps a piece, in place of an earlier one.
    ///
    /// # Errors
    /// If the temporary file can't be made or written.
    pub fn put(&mut self, kind: Kind, id: u32, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        // An earlier piece of the same size or more is written over: thumbnails of an edited
        // preview don't pile up.
        let earlier = self
            .places
            .get(&(kind, id))
            .filter(|(_, length)| *length >= bytes.len());
        let start = earlier.map_or(self.end, |(start, _)| *start);
        file.seek(SeekFrom::Start(start))?;
        file.write_all(bytes)?;
        self.end = self.end.max(start + bytes.len() as u64);
        self.places.insert((kind, id), (start, bytes.len()));
        Ok(())
    }

    /// A piece, if it is there.
    pub fn get(&mut self, kind: Kind, id: u32) -> Option<Vec<u8>> {
        let (start, length) = *self.places.get(&(kind, id))?;
        let file = self.file.as_mut()?;
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(start)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Forgets a sample's pieces.
    pub fn remove(&mut self, id: u32) {
        self.places.retain(|(_, other), _| *other != id);
        if self.places.is_empty() {
            // Room is given back once nothing is left in it.
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_kept_apart_replaced_and_forgotten() {
        let mut pictures = Pictures::default();
        pictures.put(Kind::Thumbnail, 1, b"first").expect("kept");
        pictures.put(Kind::Thumbnail, 2, b"second").expect("kept");
        pictures.put(Kind::Outcome, 1, b"{}").expect("kept");
        pictures.put(Kind::Thumbnail, 1, b"1st").expect("kept");
        assert_eq!(
            pictures.get(Kind::Thumbnail, 1).as_deref(),
            Some(&b"1st"[..])
        );
        assert_eq!(
            pictures.get(Kind::Thumbnail, 2).as_deref(),
            Some(&b"second"[..])
        );
        assert_eq!(pictures.get(Kind::Outcome, 1).as_deref(), Some(&b"{}"[..]));
        pictures.remove(1);
        assert_eq!(pictures.get(Kind::Thumbnail, 1), None);
        assert_eq!(pictures.get(Kind::Outcome, 1), None);
        pictures.remove(2);
        assert_eq!(pictures.end, 0);
    }
}
