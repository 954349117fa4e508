//! What is kept of earlier builds takes no more than so much of the disk: what was not of use for
//! the longest time goes first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Most bytes of compressed layers.
const LAYERS: u64 = 16 << 30;
/// Most bytes of base images.
const BASES: u64 = 8 << 30;
/// What was of use so recently may still be read by another build.
const IN_USE: Duration = Duration::from_secs(60 * 60);

/// The folder of compressed layers: each `KEY.tar.gz` with its note `KEY.json`.
pub(crate) fn layers(cache: &Path) -> PathBuf {
    cache.join("layers")
}

/// The folder of base images: an OCI layout.
pub(crate) fn bases(cache: &Path) -> PathBuf {
    cache.join("bases")
}

/// Something that is kept, and when it was last of use.
#[derive(Debug)]
struct Kept {
    files: Vec<PathBuf>,
    bytes: u64,
    used: SystemTime,
}

/// Bounds both folders. What can't be looked at or removed stays: it is only a cache.
pub(crate) fn prune(cache: &Path) {
    let now = SystemTime::now();
    let note = |layer: &Path| {
        let name = layer.file_name()?.to_str()?;
        Some(layer.with_file_name(format!("{}.json", name.strip_suffix(".tar.gz")?)))
    };
    remove(surplus(kept(&layers(cache), note), LAYERS, now));
    let blobs = bases(cache).join("blobs").join("sha256");
    remove(surplus(kept(&blobs, |_| None), BASES, now));
}

/// The file is of use now.
pub(crate) fn touch(path: &Path) {
    // One that can't be marked is only fetched again sooner.
    let _ = File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(SystemTime::now()));
}

/// The files of a folder, each with its note where it has one, whose time then counts.
fn kept(folder: &Path, note: impl Fn(&Path) -> Option<PathBuf>) -> Vec<Kept> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let kept = entries.filter_map(|entry| {
        let path = entry.path();
        let metadata = entry.metadata().ok().filter(fs::Metadata::is_file)?;
        let is_note = path
            .extension()
            .is_some_and(|extension| extension == "json");
        let note = note(&path).filter(|note| note.is_file());
        let noted = note.as_ref().and_then(|note| note.metadata().ok());
        let used = noted.as_ref().unwrap_or(&metadata).modified().ok()?;
        let files = std::iter::once(path).chain(note).collect();
        (!is_note).then_some(Kept {
            files,
            bytes: metadata.len(),
            used,
        })
    });
    kept.collect()
}

/// What is too much.
fn surplus(mut kept: Vec<Kept>, most: u64, now: SystemTime) -> Vec<Kept> {
    kept.sort_by_key(|one| std::cmp::Reverse(one.used));
    let mut sum = 0_u64;
    kept.retain(|one| {
        sum = sum.saturating_add(one.bytes);
        let rests = now.duration_since(one.used).is_ok_and(|time| time > IN_USE);
        sum > most && rests
    });
    kept
}

fn remove(surplus: Vec<Kept>) {
    for file in surplus.iter().flat_map(|one| &one.files) {
        if let Err(error) = fs::remove_file(file) {
            tracing::debug!(file = %file.display(), %error, "the cache keeps it");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_of_use_for_the_longest_time_goes_first() {
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
            let surplus = surplus(kept(folder.path(), |_| None), most, now);
            let name = |one: &Kept| one.files[0].file_name().unwrap().to_owned();
            surplus.iter().map(name).collect::<Vec<_>>()
        };
        assert_eq!(names(400), [""; 0]);
        assert_eq!(names(250), ["old", "older"]);
        // Whatever is in use stays.
        assert_eq!(names(0), ["middle", "old", "older"]);
        touch(&folder.path().join("old"));
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
        let entries = kept(&layers(cache.path()), |_| Some(note.clone()));
        assert_eq!(entries.len(), 1, "{entries:?}");
        let later = SystemTime::now() + 2 * IN_USE;
        remove(surplus(entries, 0, later));
        assert_eq!(fs::read_dir(layers(cache.path())).unwrap().count(), 0);
    }
}
