//! How much room there is on a disk.

use std::path::Path;

/// One part in so many of what is free is left to everyone else.
const OTHERS_PART: u64 = 20;

/// Bytes that this user may still write below `folder`, which has to exist; `None` where the system
/// does not say.
pub fn free(folder: &Path) -> Option<u64> {
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

/// The part of what is [`free`] that one piece of work may fill: the system needs some to go on.
pub fn room(folder: &Path) -> Option<u64> {
    free(folder).map(|free| free - free / OTHERS_PART)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_what_is_free_is_left() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(free(&folder.path().join("absent")), None);
        if let (Some(free), Some(room)) = (free(folder.path()), room(folder.path())) {
            // Others write meanwhile.
            assert!(room < free && room > free / 2, "{room} of {free}");
        }
    }
}
