//! Remembers the digests of layers whose files have not changed, so that they need no hashing.
//!
//! A layer is known by its headers and by path, size, times and inode of its files. That is safe
//! because every layer is hashed again while it is sent: a digest that is out of date is an error
//! there, never another content under it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::layer::TarPlan;
use crate::source::Segment;
use crate::{Digest, Hasher};

pub(crate) struct DigestCache {
    folder: PathBuf,
}

impl DigestCache {
    /// The cache in the folder `cache`, which need not exist.
    pub(crate) fn in_folder(cache: &Path) -> Self {
        Self {
            folder: cache.join("digests"),
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
            Segment::File(stamp) => stamp.is_settled() && stamp.holds(),
            Segment::Bytes(_) => true,
        });
        if settled && let Err(error) = self.write(plan, digest) {
            tracing::debug!(%error, "the digest could not be remembered");
        }
    }

    fn write(&self, plan: &TarPlan, digest: &Digest) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        writeln!(file, "{digest}")?;
        file.persist(self.path(plan))?;
        Ok(())
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
                    stamp.identify(&mut hasher);
                }
            }
        }
        self.folder.join(hasher.finish().hex())
    }
}
