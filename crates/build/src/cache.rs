//! Bounds the size of the build cache: the least recently used entries are removed first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The most bytes of compressed layers.
const MAX_LAYER_BYTES: u64 = 16 << 30;
/// The most bytes of base images.
const MAX_BASE_BYTES: u64 = 8 << 30;
/// What was used so recently may still be read by another build.
const IN_USE: Duration = Duration::from_secs(60 * 60);

/// The folder of compressed layers: each `KEY.tar.gz` with its note `KEY.json`.
pub(crate) fn layers(cache: &Path) -> PathBuf {
    cache.join("layers")
}

/// The folder of base images: an OCI layout.
pub(crate) fn bases(cache: &Path) -> PathBuf {
    cache.join("bases")
}

/// A cached file, the note beside it, and when it was last used.
#[derive(Debug)]
struct CacheEntry {
    files: Vec<PathBuf>,
    bytes: u64,
    used: SystemTime,
}

/// Bounds both folders. What can't be examined or removed stays.
pub(crate) fn prune(cache: &Path) {
    let now = SystemTime::now();
    let note = |layer: &Path| {
        let name = layer.file_name()?.to_str()?;
        Some(layer.with_file_name(format!("{}.json", name.strip_suffix(".tar.gz")?)))
    };
    remove(excess(entries(&layers(cache), note), MAX_LAYER_BYTES, now));
    let blobs = bases(cache).join("blobs").join("sha256");
    remove(excess(entries(&blobs, |_| None), MAX_BASE_BYTES, now));
}

/// Records that the file is used now.
pub(crate) fn mark_used(path: &Path) {
    // One that can't be marked is only removed sooner.
    let _ = File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(SystemTime::now()));
}

/// The files of a folder. Where a file has a note, the time of the note is when it was last used.
fn entries(folder: &Path, note: impl Fn(&Path) -> Option<PathBuf>) -> Vec<CacheEntry> {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    let entries = files.filter_map(|entry| {
        let path = entry.path();
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let is_note = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let note = note(&path).filter(|note| note.is_file());
        let noted = note.as_ref().and_then(|note| note.metadata().ok());
        let used = noted.as_ref().unwrap_or(&metadata).modified().ok()?;
        let files = std::iter::once(path).chain(note).collect();
        (!is_note).then_some(CacheEntry {
            files,
            bytes: metadata.len(),
            used,
        })
    });
    entries.collect()
}

/// The least recently used entries beyond `most` bytes.
fn excess(mut entries: Vec<CacheEntry>, most: u64, now: SystemTime) -> Vec<CacheEntry> {
    entries.sort_by_key(|one| std::cmp::Reverse(one.used));
    let mut sum = 0_u64;
    entries.retain(|one| {
        sum = sum.saturating_add(one.bytes);
        let is_idle = now.duration_since(one.used).is_ok_and(|time| time > IN_USE);
        sum > most && is_idle
    });
    entries
}

fn remove(excess: Vec<CacheEntry>) {
    for file in excess.iter().flat_map(|one| &one.files) {
        if let Err(error) = fs::remove_file(file) {
            tracing::debug!(file = %file.display(), %error, "a cached file can't be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_entries_are_removed_first() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let write = |name: &str, hours: u64| {
            let path = folder.path().join(name);
            fs::write(&path, [0; 100]).unwrap();
            let time = now - Duration::from_secs(hours * 3600 + 60);
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
        };
        for (name, hours) in [("new", 0), ("old", 9), ("older", 10), ("middle", 5)] {
            write(name, hours);
        }
        let names = |most| {
            let excess = excess(entries(folder.path(), |_| None), most, now);
            let name = |one: &CacheEntry| one.files[0].file_name().unwrap().to_owned();
            excess.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(400), [""; 0]);
        assert_eq!(names(250), ["old", "older"]);
        // Whatever is in use stays.
        assert_eq!(names(0), ["middle", "old", "older"]);
        mark_used(&folder.path().join("old"));
        assert_eq!(names(250), ["middle", "older"]);
    }

    #[test]
    fn a_layer_goes_with_its_note_whose_time_counts() {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir(layers(cache.path())).unwrap();
        for name in ["a.tar.gz", "a.json"] {
            fs::write(layers(cache.path()).join(name), "x").unwrap();
        }
        let note = layers(cache.path()).join("a.json");
        let entries = entries(&layers(cache.path()), |_| Some(note.clone()));
        assert_eq!(entries.len(), 1, "{entries:?}");
        let later = SystemTime::now() + 2 * IN_USE;
        remove(excess(entries, 0, later));
        assert_eq!(fs::read_dir(layers(cache.path())).unwrap().count(), 0);
    }
}
