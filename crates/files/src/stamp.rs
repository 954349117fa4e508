//! Whether a file has changed since it was last looked at.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The state of a file as its metadata tells it, with links followed. Changing the file changes at
/// least one of these, but for changes within one tick of the file system's clock: see
/// [`FileStamp::is_settled`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileStamp {
    path: PathBuf,
    size: u64,
    is_regular: bool,
    modified_ns: u128,
    /// The time of the last change of content or metadata, which no program can set.
    changed_ns: i128,
    inode: u64,
}

impl FileStamp {
    /// Looks at `path`.
    ///
    /// # Errors
    /// That there is nothing, or that its folder may not be read.
    pub fn of(path: &Path) -> io::Result<Self> {
        let metadata = path.metadata()?;
        let modified = metadata.modified().unwrap_or(UNIX_EPOCH);
        let (inode, changed_ns) = identity(&metadata);
        Ok(Self {
            path: path.to_owned(),
            size: metadata.len(),
            is_regular: metadata.is_file(),
            modified_ns: since_epoch(modified),
            changed_ns,
            inode,
        })
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether it is a regular file.
    pub fn is_regular(&self) -> bool {
        self.is_regular
    }

    /// Whether the file on disk is unchanged.
    pub fn is_current(&self) -> bool {
        Self::of(&self.path).is_ok_and(|now| now == *self)
    }

    /// Whether at least `tick`, the resolution of file times, has passed since the last change, so
    /// that another change would show in them.
    pub fn is_settled(&self, tick: Duration) -> bool {
        let last = self.modified_ns.max(self.changed_ns.max(0).unsigned_abs());
        since_epoch(SystemTime::now()) >= last + tick.as_nanos()
    }

    /// Bytes that are equal only for equal stamps: a key for a cache.
    pub fn key(&self) -> Vec<u8> {
        let path = self.path.as_os_str().as_encoded_bytes();
        let mut key = Vec::with_capacity(path.len() + 64);
        key.extend((path.len() as u64).to_le_bytes());
        key.extend(path);
        key.extend(self.size.to_le_bytes());
        key.extend(self.modified_ns.to_le_bytes());
        key.extend(self.changed_ns.to_le_bytes());
        key.extend(self.inode.to_le_bytes());
        key
    }
}

fn since_epoch(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos()
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn another_content_is_another_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model");
        fs::write(&path, "before").unwrap();
        let before = FileStamp::of(&path).unwrap();
        assert!(before.is_current() && before.is_regular());
        assert_eq!((before.path(), before.size()), (path.as_path(), 6));
        // A new inode: the clock may not have ticked.
        fs::write(folder.path().join("new"), "after!").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert!(!before.is_current());
        assert_ne!(FileStamp::of(&path).unwrap().key(), before.key());
        fs::remove_file(&path).unwrap();
        assert!(!before.is_current());
    }

    #[test]
    fn a_file_is_settled_when_the_clock_has_ticked() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let stamp = FileStamp::of(file.path()).unwrap();
        assert!(stamp.is_settled(Duration::ZERO));
        assert!(!stamp.is_settled(Duration::from_secs(3600)));
    }

    #[test]
    fn a_folder_is_no_regular_file() {
        assert!(!FileStamp::of(Path::new("/")).unwrap().is_regular());
    }
}
