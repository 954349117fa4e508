//! Remembers the digests of layers whose files have not changed, so that they need no hashing.
//!
//! A layer is known by its headers and by path, size, times and inode of its files. That is safe
//! because every layer is hashed again while it is sent: a digest that is out of date is an error
//! there, never another content under it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use boxwright_files::WriteOptions;

use crate::layer::TarPlan;
use crate::source::Segment;
use crate::{Digest, Hasher};

/// File times tick no more coarsely than this.
const COARSEST_TICK: Duration = Duration::from_secs(2);

pub(crate) struct DigestCache {
    folder: PathBuf,
    tick: Duration,
}

impl DigestCache {
    /// The cache in the folder `cache`, which need not exist.
    pub(crate) fn in_folder(cache: &Path) -> Self {
        Self {
            folder: cache.join("digests"),
            tick: COARSEST_TICK,
        }
    }

    pub(crate) fn get(&self, plan: &TarPlan) -> Option<Digest> {
        // A cache that cannot be read is an empty one.
        fs::read_to_string(self.path(plan))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// Remembers `digest`, unless a file changed so recently that another change would not show.
    pub(crate) fn put(&self, plan: &TarPlan, digest: &Digest) {
        let settled = plan.segments().iter().all(|segment| match segment {
            Segment::File(stamp) => stamp.is_settled(self.tick) && stamp.is_current(),
            Segment::Bytes(_) => true,
        });
        if settled && let Err(error) = self.write(plan, digest) {
            tracing::debug!(%error, "the digest could not be remembered");
        }
    }

    fn write(&self, plan: &TarPlan, digest: &Digest) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let line = format!("{digest}\n");
        let options = WriteOptions::new().private();
        options.write(&self.path(plan), line.as_bytes())
    }

    fn path(&self, plan: &TarPlan) -> PathBuf {
        let mut hasher = Hasher::new();
        for segment in plan.segments().iter() {
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
    use crate::layer::FileSource;

    fn plan(path: &Path) -> TarPlan {
        let len = fs::metadata(path).unwrap().len();
        let source = FileSource::Path {
            path: path.to_owned(),
            len,
        };
        TarPlan::builder()
            .file("m", source, 0o644)
            .finish()
            .unwrap()
    }

    #[test]
    fn a_digest_is_remembered_until_the_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DigestCache {
            tick: Duration::ZERO,
            ..DigestCache::in_folder(folder.path())
        };
        let file = folder.path().join("model");
        fs::write(&file, "before").unwrap();
        let digest = Digest::of(b"any");
        assert_eq!(cache.get(&plan(&file)), None);
        cache.put(&plan(&file), &digest);
        assert_eq!(cache.get(&plan(&file)), Some(digest));
        fs::remove_file(&file).unwrap();
        fs::write(&file, "after!").unwrap();
        assert_eq!(cache.get(&plan(&file)), None);
    }

    #[test]
    fn a_file_written_just_now_is_hashed_again_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let cache = DigestCache::in_folder(folder.path());
        let file = folder.path().join("model");
        fs::write(&file, "x").unwrap();
        cache.put(&plan(&file), &Digest::of(b"any"));
        assert_eq!(cache.get(&plan(&file)), None);
    }
}
