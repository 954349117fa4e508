//! Free space on a disk.

use std::path::Path;

/// One part in so many of the free space is left to other programs.
const RESERVED_PART: u64 = 20;

/// Bytes that this user may still write below `folder`, which has to exist; `None` where the system
/// does not tell.
pub fn free_space(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let stat = rustix::fs::statvfs(folder).ok()?;
        Some(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// The part of [`free_space`] that one task may fill: the system needs the rest to go on.
pub fn usable_space(folder: &Path) -> Option<u64> {
    free_space(folder).map(|free| free - free / RESERVED_PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_the_free_space_is_left() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(free_space(&folder.path().join("absent")), None);
        let (free, usable) = (free_space(folder.path()), usable_space(folder.path()));
        if let (Some(free), Some(usable)) = (free, usable) {
            // Other programs write meanwhile.
            assert!(usable < free && usable > free / 2, "{usable} of {free}");
        }
    }
}
