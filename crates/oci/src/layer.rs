//! Layers of an image: plain tars that are never stored, and files that are compressed already.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxwright_files::{AtomicFile, Progress};
use flate2::{Compression, GzBuilder};
use tokio_util::sync::CancellationToken;

use crate::digest_cache::DigestCache;
use crate::segment::{CHUNK, Segment, SegmentReader};
use crate::stage;
use crate::{Blob, BlobSource, Descriptor, Digest, Error, Hasher, Result, TarPlan, media_type};

/// A layer of an image.
#[derive(Debug, Clone)]
pub struct Layer {
    /// The layer's content as it is pushed.
    pub blob: Blob,
    /// The digest of the plain tar.
    pub diff_id: Digest,
    /// What it holds, for people: `base`, `runtime`, `model`, `package`.
    pub label: String,
}

impl Layer {
    /// An uncompressed layer, hashed now in one pass and never stored. With `cache` (a folder), the
    /// digest of files that have not changed since is taken from there. Blocks.
    ///
    /// # Errors
    /// `FileChanged`, `Io`, `Cancelled`.
    pub fn tar(
        plan: TarPlan,
        label: &str,
        cache: Option<&Path>,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Self> {
        let digest = cached_digest(&plan.segments(), label, cache, progress, cancel)?;
        let descriptor = Descriptor::new(media_type::LAYER_TAR, digest, plan.size());
        let blob = Blob {
            descriptor,
            source: BlobSource::Tar(plan),
        };
        Ok(Self {
            blob,
            diff_id: digest,
            label: label.to_owned(),
        })
    }

    /// A layer in a file, whose digests are known. It is hashed when it is pushed or archived.
    pub fn file(path: PathBuf, descriptor: Descriptor, diff_id: Digest, label: &str) -> Self {
        let blob = Blob {
            descriptor,
            source: BlobSource::File(path),
        };
        Self {
            blob,
            diff_id,
            label: label.to_owned(),
        }
    }
}

/// The digest of the regular file `path`. With `cache` (a folder), that of a file that has not
/// changed since is taken from there. Blocks.
///
/// # Errors
/// `LayerInvalid` where it is no regular file, `FileChanged`, `Io`, `Cancelled`.
pub fn file_digest(
    path: &Path,
    cache: Option<&Path>,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Digest> {
    let segments: Arc<[Segment]> = [Segment::file(path)?].into();
    let item = path.display().to_string();
    cached_digest(&segments, &item, cache, progress, cancel)
}

/// A layer that [`gzip`] wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gzipped {
    /// The compressed file's type, digest and size.
    pub descriptor: Descriptor,
    /// The digest of the plain tar.
    pub diff_id: Digest,
}

/// Writes `plan` gzipped to the file `to`, by a pinned compressor and with a header that has
/// neither time nor name: the same bytes everywhere. Atomic. `label` is the progress' item. Blocks.
///
/// # Errors
/// `DiskFull`, `FileChanged`, `Io`, `Cancelled`.
pub fn gzip(
    plan: &TarPlan,
    to: &Path,
    label: &str,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Gzipped> {
    let write = |error| Error::write(to, error);
    let mut file = AtomicFile::create(to).map_err(write)?;
    let counted = HashingWriter {
        to: file.writer(),
        hasher: Hasher::new(),
        written: 0,
    };
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .write(counted, Compression::new(9));
    let mut hasher = Hasher::new();
    read_chunks(&plan.segments(), label, progress, cancel, &mut |chunk| {
        hasher.update(chunk);
        std::io::Write::write_all(&mut encoder, chunk).map_err(write)
    })?;
    let HashingWriter {
        hasher: compressed,
        written,
        ..
    } = encoder.finish().map_err(write)?;
    file.commit().map_err(write)?;
    Ok(Gzipped {
        descriptor: Descriptor::new(media_type::LAYER_GZIP, compressed.finish(), written),
        diff_id: hasher.finish(),
    })
}

struct HashingWriter<W> {
    to: W,
    hasher: Hasher,
    written: u64,
}

impl<W: std::io::Write> std::io::Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.to.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.to.flush()
    }
}

/// The digest of `segments`, from the cache in the folder `cache` where it is known there.
fn cached_digest(
    segments: &Arc<[Segment]>,
    item: &str,
    cache: Option<&Path>,
    progress: &dyn Progress,
    cancel: &CancellationToken,
) -> Result<Digest> {
    let cache = cache.map(DigestCache::in_folder);
    if let Some(digest) = cache.as_ref().and_then(|cache| cache.get(segments)) {
        return Ok(digest);
    }
    let mut hasher = Hasher::new();
    read_chunks(segments, item, progress, cancel, &mut |chunk| {
        hasher.update(chunk);
        Ok(())
    })?;
    let digest = hasher.finish();
    if let Some(cache) = &cache {
        cache.put(segments, &digest);
    }
    Ok(digest)
}

/// Reads `segments` to their end and passes every chunk to `take`.
fn read_chunks(
    segments: &Arc<[Segment]>,
    item: &str,
    progress: &dyn Progress,
    cancel: &CancellationToken,
    take: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let total: u64 = segments.iter().map(Segment::len).sum();
    let mut reader = SegmentReader::at(Arc::clone(segments), 0);
    let (mut buffer, mut done) = (vec![0; CHUNK], 0);
    while done < total {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let filled = reader.fill(&mut buffer)?;
        take(&buffer[..filled])?;
        done += filled as u64;
        progress.bytes(stage::HASH, item, done, Some(total));
    }
    Ok(())
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
