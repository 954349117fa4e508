//! Content as segments: bytes in memory and files on disk, read as one stream from any offset.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use boxwright_files::FileStamp;
use bytes::Bytes;

use crate::{Error, Result};

/// Bytes that are read, hashed and passed on at once.
pub(crate) const CHUNK: usize = 256 << 10;

/// A part of some content.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    Bytes(Bytes),
    File(Arc<FileStamp>),
}

impl Segment {
    /// The regular file `path`, as it is now.
    pub(crate) fn file(path: &Path) -> Result<Self> {
        let stamp = FileStamp::of(path).map_err(|error| Error::read(path, error))?;
        if !stamp.is_regular() {
            return Err(Error::LayerInvalid {
                what: path.display().to_string(),
                reason: "it is not a regular file".into(),
            });
        }
        Ok(Self::File(Arc::new(stamp)))
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(stamp) => stamp.size(),
        }
    }
}

/// The file of `stamp`, read from `offset` on.
fn open(stamp: &FileStamp, offset: u64) -> Result<File> {
    let read = |error| Error::read(stamp.path(), error);
    let mut file = File::open(stamp.path()).map_err(read)?;
    if file.metadata().map_err(read)?.len() != stamp.size() {
        return Err(changed(stamp));
    }
    if offset > 0 {
        file.seek(SeekFrom::Start(offset)).map_err(read)?;
    }
    Ok(file)
}

fn changed(stamp: &FileStamp) -> Error {
    Error::FileChanged {
        path: stamp.path().to_owned(),
    }
}

/// Reads segments one after the other.
pub(crate) struct SegmentReader {
    segments: Arc<[Segment]>,
    index: usize,
    offset: u64,
    file: Option<File>,
}

impl SegmentReader {
    /// Starts `offset` bytes into the content.
    pub(crate) fn at(segments: Arc<[Segment]>, mut offset: u64) -> Self {
        let mut index = 0;
        while let Some(segment) = segments
            .get(index)
            .filter(|segment| segment.len() <= offset)
        {
            offset -= segment.len();
            index += 1;
        }
        Self {
            segments,
            index,
            offset,
            file: None,
        }
    }

    /// Fills `buffer` as far as the content reaches, and says how far that was.
    pub(crate) fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            let Some(segment) = self.segments.get(self.index).cloned() else {
                break;
            };
            let wanted = (segment.len() - self.offset).min((buffer.len() - filled) as u64);
            // `wanted` is at most the buffer's length.
            let piece = &mut buffer[filled..filled + wanted as usize];
            match &segment {
                Segment::Bytes(bytes) => {
                    let start = self.offset as usize;
                    piece.copy_from_slice(&bytes[start..start + piece.len()]);
                }
                Segment::File(stamp) => self.read_file(stamp, piece)?,
            }
            filled += piece.len();
            self.offset += wanted;
            if self.offset == segment.len() {
                (self.index, self.offset, self.file) = (self.index + 1, 0, None);
            }
        }
        Ok(filled)
    }

    fn read_file(&mut self, stamp: &FileStamp, piece: &mut [u8]) -> Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(open(stamp, self.offset)?),
        };
        file.read_exact(piece).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => changed(stamp),
            _ => Error::read(stamp.path(), error),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn segments(file: &Path) -> Arc<[Segment]> {
        [
            Segment::Bytes(Bytes::from_static(b"abc")),
            Segment::Bytes(Bytes::new()),
            Segment::file(file).unwrap(),
            Segment::Bytes(Bytes::from_static(b"xyz")),
        ]
        .into()
    }

    #[test]
    fn segments_read_as_one_stream_from_every_offset() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"12345").unwrap();
        let all = b"abc12345xyz";
        for offset in 0..=all.len() {
            for piece in 1..6 {
                let mut reader = SegmentReader::at(segments(file.path()), offset as u64);
                let (mut read, mut buffer) = (Vec::new(), vec![0; piece]);
                loop {
                    let filled = reader.fill(&mut buffer).unwrap();
                    read.extend_from_slice(&buffer[..filled]);
                    if filled < piece {
                        break;
                    }
                }
                assert_eq!(read, &all[offset..], "from {offset} by {piece}");
            }
        }
    }

    #[test]
    fn a_file_that_shrank_or_grew_has_changed() {
        for now in ["1234", "123456"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), "12345").unwrap();
            let mut reader = SegmentReader::at(segments(file.path()), 0);
            std::fs::write(file.path(), now).unwrap();
            let error = reader.fill(&mut [0; 100]).unwrap_err();
            assert!(matches!(error, Error::FileChanged { .. }), "{error}");
        }
    }

    #[test]
    fn a_folder_is_refused() {
        let error = Segment::file(Path::new("/")).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }
}
