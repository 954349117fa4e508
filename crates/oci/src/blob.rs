//! Blobs: a descriptor, and where the bytes come from.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::StreamReader;
use tokio_util::sync::CancellationToken;

use crate::segment::{CHUNK, Segment, SegmentReader};
use crate::{Descriptor, Digest, Error, Hasher, Result, TarPlan};

/// Where a blob's bytes come from.
#[derive(Debug, Clone)]
pub enum BlobSource {
    /// From memory.
    Bytes(Bytes),
    /// From a file that is the blob.
    File(PathBuf),
    /// From a tar that is computed while it is read.
    Tar(TarPlan),
}

/// Content, its digest and its size.
#[derive(Debug, Clone)]
pub struct Blob {
    /// Type, digest and size.
    pub descriptor: Descriptor,
    /// The bytes.
    pub source: BlobSource,
}

impl Blob {
    /// A blob in memory.
    pub fn bytes(media_type: &str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let descriptor = Descriptor::new(media_type, Digest::of(&bytes), bytes.len() as u64);
        Self {
            descriptor,
            source: BlobSource::Bytes(bytes),
        }
    }

    /// The blob's digest.
    pub fn digest(&self) -> &Digest {
        &self.descriptor.digest
    }

    /// Reads the content, hashed again while it is read.
    ///
    /// # Errors
    /// `FileChanged` when a file already has another size. While reading, an `io::Error` that
    /// holds [`Error`]: `FileChanged` (with the last bytes) when the content is no longer what the
    /// descriptor says.
    pub fn reader(&self) -> Result<BlobReader> {
        let verifier = Arc::new(Verifier::new(self)?);
        let size = self.descriptor.size;
        let stream: ChunkStream = Box::pin(verifier.chunks(0..size, Arc::default()));
        Ok(BlobReader(StreamReader::new(stream)))
    }

    /// Copies the content to `to` (the file `path`, for errors), hashed again on the way.
    /// `on_bytes` gets the number of bytes copied so far.
    pub(crate) fn copy_to(
        &self,
        to: &mut dyn Write,
        path: &Path,
        on_bytes: &mut dyn FnMut(u64),
        cancel: &CancellationToken,
    ) -> Result<()> {
        let verifier = Verifier::new(self)?;
        let mut reader = SegmentReader::at(verifier.segments.clone(), 0);
        let (mut buffer, mut done) = (vec![0; CHUNK], 0);
        while done < self.descriptor.size {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let filled = reader.fill(&mut buffer)?;
            verifier.take(done, &buffer[..filled])?;
            to.write_all(&buffer[..filled])
                .map_err(|error| Error::write(path, error))?;
            done += filled as u64;
            on_bytes(done);
        }
        Ok(())
    }

    fn segments(&self) -> Result<Arc<[Segment]>> {
        Ok(match &self.source {
            BlobSource::Bytes(bytes) => Arc::new([Segment::Bytes(bytes.clone())]),
            BlobSource::Tar(plan) => plan.segments(),
            BlobSource::File(path) => Arc::new([Segment::file(path)?]),
        })
    }
}

/// Verifies a blob's digest while it is read, also in several requests: a range that is read again
/// is not hashed again.
pub(crate) struct Verifier {
    segments: Arc<[Segment]>,
    digest: Digest,
    size: u64,
    state: Mutex<State>,
}

struct State {
    hasher: Hasher,
    hashed: u64,
    failure: Option<Error>,
}

impl Verifier {
    pub(crate) fn new(blob: &Blob) -> Result<Self> {
        let segments = blob.segments()?;
        let (digest, size) = (blob.descriptor.digest, blob.descriptor.size);
        let this = Self {
            segments,
            digest,
            size,
            state: Mutex::new(State {
                hasher: Hasher::new(),
                hashed: 0,
                failure: None,
            }),
        };
        if this.segments.iter().map(Segment::len).sum::<u64>() != size {
            return Err(this.changed());
        }
        Ok(this)
    }

    /// Hashes `chunk`, which is at `offset`. With the last chunk, compares the digest.
    fn take(&self, offset: u64, chunk: &[u8]) -> Result<()> {
        let mut state = self.state();
        let end = offset + chunk.len() as u64;
        if chunk.is_empty() && offset < self.size {
            return Err(self.changed());
        }
        if offset <= state.hashed && end > state.hashed {
            // The difference is less than the chunk's length.
            let fresh = &chunk[(state.hashed - offset) as usize..];
            state.hasher.update(fresh);
            state.hashed = end;
            if end == self.size && state.hasher.clone().finish() != self.digest {
                return Err(self.changed());
            }
        }
        Ok(())
    }

    /// What went wrong in a stream of [`Self::chunks`], if anything did.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.state().failure.take()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The error of content that changed. It names the file that visibly changed, else the largest.
    fn changed(&self) -> Error {
        let files = || {
            self.segments.iter().filter_map(|segment| match segment {
                Segment::File(stamp) => Some(stamp),
                Segment::Bytes(_) => None,
            })
        };
        match files()
            .find(|stamp| !stamp.is_current())
            .or_else(|| files().max_by_key(|stamp| stamp.size()))
        {
            Some(stamp) => Error::FileChanged {
                path: stamp.path().to_owned(),
            },
            None => Error::ContentInvalid {
                what: self.digest.to_string(),
                detail: "the content has another digest".into(),
            },
        }
    }

    /// The bytes of `range` as a stream, read and hashed by a thread of their own. `sent` counts
    /// the bytes taken out of the stream. The last chunk of a blob only comes once the digest of
    /// the whole has been verified.
    pub(crate) fn chunks(
        self: &Arc<Self>,
        range: std::ops::Range<u64>,
        sent: Arc<AtomicU64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static + use<> {
        let (sender, mut receiver) = tokio::sync::mpsc::channel(4);
        let this = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let mut reader = SegmentReader::at(this.segments.clone(), range.start);
            let mut at = range.start;
            while at < range.end {
                let chunk = this.next_chunk(&mut reader, at, range.end);
                at += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
                let failed = chunk.is_err();
                if sender.blocking_send(chunk).is_err() || failed {
                    return;
                }
            }
        });
        futures_util::stream::poll_fn(move |context| {
            let chunk = std::task::ready!(receiver.poll_recv(context));
            if let Some(Ok(chunk)) = &chunk {
                sent.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            }
            Poll::Ready(chunk)
        })
    }

    fn next_chunk(&self, reader: &mut SegmentReader, at: u64, end: u64) -> io::Result<Bytes> {
        // At most CHUNK, so it fits.
        let mut chunk = vec![0; (end - at).min(CHUNK as u64) as usize];
        let filled = reader.fill(&mut chunk).and_then(|filled| {
            chunk.truncate(filled);
            self.take(at, &chunk)
        });
        filled.map(|()| Bytes::from(chunk)).map_err(|error| {
            let text = io::Error::other(error.to_string());
            self.state().failure = Some(error);
            text
        })
    }
}

type ChunkStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Reads a [`Blob`].
pub struct BlobReader(StreamReader<ChunkStream, Bytes>);

impl AsyncRead for BlobReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::media_type;

    fn file_blob(content: &[u8]) -> (tempfile::NamedTempFile, Blob) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let descriptor = Descriptor::new(
            media_type::LAYER_TAR,
            Digest::of(content),
            content.len() as u64,
        );
        let blob = Blob {
            descriptor,
            source: BlobSource::File(file.path().to_owned()),
        };
        (file, blob)
    }

    async fn read(blob: &Blob) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        blob.reader()
            .unwrap()
            .read_to_end(&mut bytes)
            .await
            .map(|_| bytes)
    }

    #[tokio::test]
    async fn a_blob_reads_as_what_it_is() {
        let content: Vec<u8> = (0..3 * CHUNK + 5).map(|i| i as u8).collect();
        let (_file, blob) = file_blob(&content);
        assert_eq!(read(&blob).await.unwrap(), content);
        assert_eq!(read(&Blob::bytes("text/plain", "")).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn content_of_another_digest_never_reads_to_its_end() {
        let (file, blob) = file_blob(&vec![1; 2 * CHUNK]);
        std::fs::write(file.path(), vec![2; 2 * CHUNK]).unwrap();
        let error = read(&blob).await.unwrap_err();
        assert!(error.to_string().contains("changed while"), "{error}");
    }

    #[test]
    fn a_part_read_again_is_hashed_once() {
        let blob = Blob::bytes("text/plain", "hello world");
        let verifier = Verifier::new(&blob).unwrap();
        verifier.take(0, b"hello ").unwrap();
        verifier.take(2, b"llo w").unwrap();
        verifier.take(0, b"hello").unwrap();
        verifier.take(6, b"world").unwrap();
        let wrong = Verifier::new(&blob).unwrap();
        wrong.take(0, b"hello ").unwrap();
        assert!(wrong.take(6, b"w0rld").is_err());
    }

    #[test]
    fn a_cancelled_copy_stops() {
        let cancel = CancellationToken::new();
        let (_file, blob) = file_blob(&vec![1; 10 * CHUNK]);
        let mut copied = Vec::new();
        let error = blob
            .copy_to(
                &mut copied,
                Path::new("x"),
                &mut |_| cancel.cancel(),
                &cancel,
            )
            .unwrap_err();
        assert!(matches!(error, Error::Cancelled));
        assert_eq!(copied.len(), CHUNK);
    }
}
