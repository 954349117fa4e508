//! The outputs of samples that have been predicted, kept within a bound, for pipelines that differ
//! only in what they make of them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use boxwright_files::FileStamp;
use boxwright_model::prediction::PictureDetails;

use crate::stage::frame::Frame;
use crate::task::{CachedOutputs, Room};

/// Most bytes that are kept.
const MOST_BYTES: usize = 128 << 20;
/// The resolution of file times: a file that was changed just now could change again unseen.
const TICK: Duration = Duration::from_millis(20);

/// Samples by their paths.
#[derive(Default)]
pub(crate) struct OutputCache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    samples: HashMap<PathBuf, Entry>,
    bytes: usize,
}

struct Entry {
    stamp: FileStamp,
    bytes: usize,
    sample: Arc<CachedSample>,
}

/// What is known of a sample that has been predicted.
pub(crate) struct CachedSample {
    pub picture: Option<[u32; 2]>,
    pub details: Option<PictureDetails>,
    pub frame: Option<Frame>,
    pub outputs: CachedOutputs,
}

impl OutputCache {
    /// The sample of a file that is as it was when it was predicted.
    pub fn get(&self, path: &Path) -> Option<Arc<CachedSample>> {
        let entries = self.entries();
        let entry = entries.samples.get(path)?;
        entry.stamp.is_current().then(|| Arc::clone(&entry.sample))
    }

    /// Bytes that are left.
    pub fn room(&self) -> Room {
        let bytes = self.entries().bytes;
        Room {
            all: MOST_BYTES.saturating_sub(bytes),
            prototypes: (MOST_BYTES / 2).saturating_sub(bytes),
        }
    }

    /// Keeps a sample of the file with this stamp, which was taken before the file was read, unless
    /// there is no room.
    pub fn put(&self, stamp: FileStamp, sample: CachedSample) {
        let bytes = size_of::<Entry>() + sample.outputs.bytes();
        let mut entries = self.entries();
        if let Some(old) = entries.samples.remove(stamp.path()) {
            entries.bytes -= old.bytes;
        }
        if entries.bytes + bytes > MOST_BYTES || !stamp.is_settled(TICK) {
            return;
        }
        entries.bytes += bytes;
        let (path, sample) = (stamp.path().to_owned(), Arc::new(sample));
        let entry = Entry {
            stamp,
            bytes,
            sample,
        };
        entries.samples.insert(path, entry);
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
