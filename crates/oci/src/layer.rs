//! Layers: tars that are computed while they are read, the same bytes on every machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boxwright_files::{AtomicFile, Progress};
use bytes::Bytes;
use flate2::{Compression, GzBuilder};
use tar::EntryType;
use tokio_util::sync::CancellationToken;

use crate::blob::CHUNK;
use crate::digest_cache::DigestCache;
use crate::source::{Segment, SourceReader};
use crate::stage;
use crate::tar_header::{EntryHead, Stamp, end, header, padding};
use crate::{Blob, BlobSource, Descriptor, Digest, Error, Hasher, Result, media_type};

/// A layer of an image.
#[derive(Debug, Clone)]
pub struct Layer {
    /// What is sent.
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
        let size = plan.size();
        let digest = plan.digest(label, cache, progress, cancel)?;
        let descriptor = Descriptor::new(media_type::LAYER_TAR, digest, size);
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

    /// A layer that lies ready in a file, whose digests are known. It is hashed when it is sent.
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
    let file = Segment::file(path)?;
    let plan = TarPlan {
        segments: [file].into(),
    };
    plan.digest(&path.display().to_string(), cache, progress, cancel)
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
    let mut reader = SourceReader::at(plan.segments(), 0);
    let (mut buffer, mut done, total) = (vec![0; CHUNK], 0, plan.size());
    while done < total {
        if cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let filled = reader.fill(&mut buffer)?;
        hasher.update(&buffer[..filled]);
        std::io::Write::write_all(&mut encoder, &buffer[..filled]).map_err(write)?;
        done += filled as u64;
        progress.bytes(stage::HASH, label, done, Some(total));
    }
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

/// The content of a file in a layer.
#[derive(Debug, Clone)]
pub enum FileSource {
    /// From memory.
    Bytes(Bytes),
    /// From a regular file of `len` bytes, read when the layer is.
    Path {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        len: u64,
    },
}

/// A tar whose headers are known and whose files are read when it is: nothing is copied.
#[derive(Debug, Clone)]
pub struct TarPlan {
    segments: Arc<[Segment]>,
}

impl TarPlan {
    /// Nothing planned yet. Owner 0:0; times are `SOURCE_DATE_EPOCH` where it is set, else 0.
    pub fn builder() -> TarPlanBuilder {
        let epoch = std::env::var("SOURCE_DATE_EPOCH")
            .ok()
            .and_then(|text| text.parse().ok());
        TarPlanBuilder {
            entries: BTreeMap::new(),
            stamp: Stamp {
                uid: 0,
                gid: 0,
                mtime: epoch.unwrap_or(0),
            },
            problem: None,
        }
    }

    /// The tar's size in bytes.
    pub fn size(&self) -> u64 {
        self.segments.iter().map(Segment::len).sum()
    }

    pub(crate) fn segments(&self) -> Arc<[Segment]> {
        Arc::clone(&self.segments)
    }

    fn digest(
        &self,
        item: &str,
        cache: Option<&Path>,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Digest> {
        let cache = cache.map(DigestCache::in_folder);
        if let Some(digest) = cache.as_ref().and_then(|cache| cache.get(self)) {
            return Ok(digest);
        }
        let digest = self.hash(item, progress, cancel)?;
        if let Some(cache) = &cache {
            cache.put(self, &digest);
        }
        Ok(digest)
    }

    fn hash(
        &self,
        item: &str,
        progress: &dyn Progress,
        cancel: &CancellationToken,
    ) -> Result<Digest> {
        let total = self.size();
        let mut hasher = Hasher::new();
        let mut reader = SourceReader::at(self.segments(), 0);
        let (mut buffer, mut done) = (vec![0; CHUNK], 0);
        while done < total {
            if cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            let filled = reader.fill(&mut buffer)?;
            hasher.update(&buffer[..filled]);
            done += filled as u64;
            progress.bytes(stage::HASH, item, done, Some(total));
        }
        Ok(hasher.finish())
    }
}

enum Entry {
    Folder { implied: bool },
    File(FileSource),
    Link(String),
}

/// Collects what a tar holds. Entries are sorted, and folders that no one named are added.
pub struct TarPlanBuilder {
    entries: BTreeMap<String, (Entry, u32)>,
    stamp: Stamp,
    problem: Option<Error>,
}

impl TarPlanBuilder {
    /// All entries' owner.
    pub fn owner(&mut self, uid: u32, gid: u32) -> &mut Self {
        (self.stamp.uid, self.stamp.gid) = (uid, gid);
        self
    }

    /// All entries' time, in seconds since 1970.
    pub fn mtime(&mut self, seconds: u64) -> &mut Self {
        self.stamp.mtime = seconds;
        self
    }

    /// A folder.
    pub fn dir(&mut self, path: &str, mode: u32) -> &mut Self {
        self.add(path, Entry::Folder { implied: false }, mode)
    }

    /// A file.
    pub fn file(&mut self, path: &str, source: FileSource, mode: u32) -> &mut Self {
        self.add(path, Entry::File(source), mode)
    }

    /// A symbolic link to `target`.
    pub fn symlink(&mut self, path: &str, target: &str) -> &mut Self {
        self.add(path, Entry::Link(target.to_owned()), 0o777)
    }

    /// The finished plan.
    ///
    /// # Errors
    /// `LayerInvalid` for a path that is none or named twice, or a source that is no regular file;
    /// `FileChanged` where a file's size is not the given one; `Io`.
    pub fn finish(&mut self) -> Result<TarPlan> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let mut segments = Vec::with_capacity(2 * self.entries.len() + 1);
        for (path, (entry, mode)) in std::mem::take(&mut self.entries) {
            let (kind, content, link) = match entry {
                Entry::Folder { .. } => (EntryType::Directory, None, None),
                Entry::File(source) => (EntryType::Regular, Some(segment(source)?), None),
                Entry::Link(target) => (EntryType::Symlink, None, Some(target)),
            };
            let size = content.as_ref().map_or(0, Segment::len);
            let head = EntryHead {
                path: &path,
                kind,
                mode,
                size,
                link: link.as_deref(),
            };
            segments.push(Segment::Bytes(header(&head, self.stamp)?.into()));
            segments.extend(content);
            segments.push(Segment::Bytes(Bytes::from_static(padding(size))));
        }
        segments.push(Segment::Bytes(Bytes::from_static(end())));
        segments.retain(|segment| segment.len() > 0);
        Ok(TarPlan {
            segments: segments.into(),
        })
    }

    fn add(&mut self, path: &str, entry: Entry, mode: u32) -> &mut Self {
        if let Err(reason) = self.try_add(path, entry, mode) {
            let what = path.to_owned();
            self.problem.get_or_insert(Error::LayerInvalid {
                what,
                reason: reason.to_owned(),
            });
        }
        self
    }

    fn try_add(&mut self, path: &str, entry: Entry, mode: u32) -> Result<(), &'static str> {
        let path = path.trim_start_matches('/').trim_end_matches('/');
        if path.is_empty() || path.contains('\0') || path.len() > 4096 {
            return Err("that is no path");
        }
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err("its path has an empty part, . or ..");
        }
        for (slash, _) in path.match_indices('/') {
            let parent = (Entry::Folder { implied: true }, 0o755);
            let parent = self
                .entries
                .entry(path[..slash].to_owned())
                .or_insert(parent);
            if !matches!(parent.0, Entry::Folder { .. }) {
                return Err("one of its folders is a file or a link");
            }
        }
        match (self.entries.get(path), &entry) {
            (None, _) => {}
            (Some((Entry::Folder { implied: true }, _)), Entry::Folder { .. }) => {}
            (Some(_), _) => return Err("it is there twice"),
        }
        self.entries.insert(path.to_owned(), (entry, mode & 0o7777));
        Ok(())
    }
}

fn segment(source: FileSource) -> Result<Segment> {
    match source {
        FileSource::Bytes(bytes) => Ok(Segment::Bytes(bytes)),
        FileSource::Path { path, len } => {
            let segment = Segment::file(&path)?;
            match segment.len() == len {
                true => Ok(segment),
                false => Err(Error::FileChanged { path }),
            }
        }
    }
}

#[cfg(test)]
#[path = "layer_tests.rs"]
mod tests;
