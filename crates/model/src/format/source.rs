//! Reading a file by seeking: nothing is read that is not asked for, and no length from the file
//! is believed before it was compared with what is left.

use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that are read at once; small, for most reads follow a seek.
const BUFFER: usize = 16 * 1024;

/// Why reading stopped.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The system's error.
    Io(io::Error),
    /// The file is not what it should be.
    Damaged {
        /// Offset of the first byte that is wrong.
        at: u64,
        /// What is wrong there.
        what: String,
    },
}

impl Fault {
    pub(crate) fn at(at: u64, what: impl Into<String>) -> Self {
        Self::Damaged {
            at,
            what: what.into(),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A seekable file with its length and a small buffer.
pub(crate) struct Source<R> {
    inner: R,
    len: u64,
    buffer: Box<[u8]>,
    /// Offset in the file of the buffer's first byte.
    start: u64,
    filled: usize,
    /// Index of the next byte in the buffer.
    at: usize,
}

impl<R: Read + Seek> Source<R> {
    pub(crate) fn new(mut inner: R) -> io::Result<Self> {
        let len = inner.seek(SeekFrom::End(0))?;
        inner.seek(SeekFrom::Start(0))?;
        Ok(Self {
            inner,
            len,
            buffer: vec![0; BUFFER].into(),
            start: 0,
            filled: 0,
            at: 0,
        })
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn position(&self) -> u64 {
        self.start + self.at as u64
    }

    /// What lies in the buffer from the current position on; may be empty.
    pub(crate) fn buffered(&self) -> &[u8] {
        &self.buffer[self.at..self.filled]
    }

    /// Goes on by `count` bytes, which [`Self::buffered`] has shown.
    pub(crate) fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.filled);
    }

    /// Goes to an offset; within the buffer this costs nothing.
    pub(crate) fn seek(&mut self, to: u64) -> Result<(), Fault> {
        if to > self.len {
            return Err(Fault::at(self.len, "the file ends too early"));
        }
        if to >= self.start && to - self.start <= self.filled as u64 {
            self.at = (to - self.start) as usize;
            return Ok(());
        }
        self.inner.seek(SeekFrom::Start(to))?;
        (self.start, self.filled, self.at) = (to, 0, 0);
        Ok(())
    }

    /// The next byte; `None` at the end of the file.
    pub(crate) fn byte(&mut self) -> Result<Option<u8>, Fault> {
        if self.at == self.filled && !self.fill()? {
            return Ok(None);
        }
        let byte = self.buffer[self.at];
        self.at += 1;
        Ok(Some(byte))
    }

    /// Exactly `count` bytes. The caller bounds `count`; here it is held against what is left, so
    /// that a false length allocates nothing.
    pub(crate) fn take(&mut self, count: u64) -> Result<Vec<u8>, Fault> {
        if count > self.len.saturating_sub(self.position()) {
            return Err(Fault::at(self.len, "the file ends too early"));
        }
        let mut bytes = Vec::with_capacity(count as usize);
        while (bytes.len() as u64) < count {
            if self.at == self.filled && !self.fill()? {
                return Err(Fault::at(self.position(), "the file ends too early"));
            }
            let wanted = count as usize - bytes.len();
            let part = &self.buffer[self.at..self.filled];
            let part = &part[..part.len().min(wanted)];
            bytes.extend_from_slice(part);
            self.at += part.len();
        }
        Ok(bytes)
    }

    /// Up to `count` bytes from `offset` on, fewer where the file ends.
    pub(crate) fn peek(&mut self, offset: u64, count: u64) -> Result<Vec<u8>, Fault> {
        if offset >= self.len {
            return Ok(Vec::new());
        }
        self.seek(offset)?;
        self.take(count.min(self.len - offset))
    }

    fn fill(&mut self) -> Result<bool, Fault> {
        self.start += self.filled as u64;
        (self.filled, self.at) = (0, 0);
        loop {
            match self.inner.read(&mut self.buffer) {
                Ok(count) => {
                    self.filled = count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
