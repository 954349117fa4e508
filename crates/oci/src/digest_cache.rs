//! Remembers the digests of layers whose files have not changed, so that they need no hashing.
//!
//! A layer is identified by its tar headers and by the stamps of its files. That is safe because
//! every layer is hashed again while it is pushed or archived: a digest that is out of date is an
//! error there, never another content under it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use boxwright_files::WriteOptions;

use crate::segment::Segment;
use crate::{Digest, Hasher};

/// The coarsest resolution of file times among the usual file systems.
const TIME_RESOLUTION: Duration = Duration::from_secs(2);

pub(crate) struct DigestCache {
    folder: PathBuf,
    time_resolution: Duration,
}

impl DigestCache {
    /// The cache in the folder `cache`, which need not exist.
    pub(crate) fn in_folder(cache: &Path) -> Self {
        Self {
            folder: cache.join("digests"),
            time_resolution: TIME_RESOLUTION,
        }
    }

    pub(crate) fn get(&self, segments: &[Segment]) -> Option<Digest> {
        // A cache that cannot be read is an empty one.
        fs::read_to_string(self.path(segments))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Remembers `digest`, unless a file changed so recently that another change would not show.
    pub(crate) fn put(&self, segments: &[Segment], digest: &Digest) {
        let is_settled = segments.iter().all(|segment| match segment {
            Segment::File(stamp) => stamp.is_settled(self.time_resolution) && stamp.is_current(),
            Segment::Bytes(_) => true,
        });
        if is_settled && let Err(error) = self.write(segments, digest) {
            tracing::debug!(%error, "the digest could not be cached");
        }
    }

    fn write(&self, segments: &[Segment], digest: &Digest) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let line = format!("{digest}\n");
        let options = WriteOptions::new().private();
        options.write(&self.path(segments), line.as_bytes())
    }

    fn path(&self, segments: &[Segment]) -> PathBuf {
        let mut hasher = Hasher::new();
        for segment in segments {
            match segment {
                Segment::Bytes(bytes) => {
                    hasher.update(b"b");
                    hasher.update(&(bytes.len() as u64).to_le_bytes());
                    hasher.update(bytes);
                }
                Segment::File(stamp) => {
                    hasher.update(b"f");
                    hasher.update(&stamp.key());
                }
            }
        }
        self.folder.join(hasher.finish().hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(path: &Path) -> [Segment; 1] {
        [Segment::file(path).unwrap()]
    }

    #[test]
    fn a_digest_is_remembered_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DigestCache {
            time_resolution: Duration::ZERO,
            ..DigestCache::in_folder(folder.path())
        };
        let file = folder.path().join("model");
        fs::write(&file, "before").unwrap();
        let digest = Digest::of(b"any");
        assert_eq!(cache.get(&segments(&file)), None);
        cache.put(&segments(&file), &digest);
        assert_eq!(cache.get(&segments(&file)), Some(digest));
        fs::remove_file(&file).unwrap();
        fs::write(&file, "after!").unwrap();
        assert_eq!(cache.get(&segments(&file)), None);
    }

    #[test]
    fn a_file_written_just_now_is_hashed_again_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DigestCache::in_folder(folder.path());
        let file = folder.path().join("model");
        fs::write(&file, "x").unwrap();
        cache.put(&segments(&file), &Digest::of(b"any"));
        assert_eq!(cache.get(&segments(&file)), None);
    }
}
