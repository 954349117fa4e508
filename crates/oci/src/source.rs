//! Content as segments: bytes in memory and files on disk, read as one stream from any offset.

use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::{Error, Hasher, Result};

/// One piece of some content.
#[derive(Debug, Clone)]
pub(crate) enum Segment {
    Bytes(Bytes),
    File(Arc<FileStamp>),
}

impl Segment {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(stamp) => stamp.len,
        }
    }
}

/// A file as it was when it was first looked at; changing it changes at least one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileStamp {
    pub(crate) path: PathBuf,
    pub(crate) len: u64,
    modified_ns: u128,
    changed_ns: i128,
    inode: u64,
}

impl FileStamp {
    /// Looks at `path`, which has to be a regular file.
    pub(crate) fn of(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|error| Error::read(path, error))?;
        Self::from(path, &metadata)
    }

    fn from(path: &Path, metadata: &Metadata) -> Result<Self> {
        if !metadata.is_file() {
            return Err(Error::LayerInvalid {
                what: path.display().to_string(),
                reason: "it is not a regular file".into(),
            });
        }
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        let (inode, changed_ns) = identity(metadata);
        Ok(Self {
            path: path.to_owned(),
            len: metadata.len(),
            modified_ns: modified
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_nanos(),
            changed_ns,
            inode,
        })
    }

    /// Whether the file on disk is still this one.
    pub(crate) fn holds(&self) -> bool {
        Self::of(&self.path).is_ok_and(|now| now == *self)
    }

    /// Whether at least `tick` has passed since the last change, so that another change would show
    /// in the file's times.
    pub(crate) fn is_settled(&self, tick: Duration) -> bool {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let last = self.modified_ns.max(self.changed_ns.max(0).unsigned_abs());
        now >= last + tick.as_nanos()
    }

    /// Feeds what identifies the file's state to `hasher`.
    pub(crate) fn identify(&self, hasher: &mut Hasher) {
        let path = self.path.as_os_str().as_encoded_bytes();
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path);
        hasher.update(&self.len.to_le_bytes());
        hasher.update(&self.modified_ns.to_le_bytes());
        hasher.update(&self.changed_ns.to_le_bytes());
        hasher.update(&self.inode.to_le_bytes());
    }

    fn open(&self, offset: u64) -> Result<File> {
        let read = |error| Error::read(&self.path, error);
        let mut file = File::open(&self.path).map_err(read)?;
        if file.metadata().map_err(read)?.len() != self.len {
            return Err(self.changed());
        }
        if offset > 0 {
            file.seek(SeekFrom::Start(offset)).map_err(read)?;
        }
        Ok(file)
    }

    fn changed(&self) -> Error {
        Error::FileChanged {
            path: self.path.clone(),
        }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, i128) {
    use std::os::unix::fs::MetadataExt;
    let changed = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    (metadata.ino(), changed)
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, i128) {
    (0, 0)
}

/// Reads segments one after the other.
pub(crate) struct SourceReader {
    segments: Arc<[Segment]>,
    index: usize,
    offset: u64,
    file: Option<File>,
}

impl SourceReader {
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
            none => none.insert(stamp.open(self.offset)?),
        };
        file.read_exact(piece).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => stamp.changed(),
            _ => Error::read(&stamp.path, error),
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
            Segment::File(Arc::new(FileStamp::of(file).unwrap())),
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
                let mut reader = SourceReader::at(segments(file.path()), offset as u64);
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
            let mut reader = SourceReader::at(segments(file.path()), 0);
            std::fs::write(file.path(), now).unwrap();
            let error = reader.fill(&mut [0; 100]).unwrap_err();
            assert!(matches!(error, Error::FileChanged { .. }), "{error}");
        }
    }

    #[test]
    fn a_folder_is_refused() {
        let error = FileStamp::of(Path::new("/")).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
    }
}
