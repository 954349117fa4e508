//! How runs share the cores.

use std::num::NonZeroUsize;

use boxwright_files::FileStamp;

use crate::device::Session;
use crate::machine::memory_limit;

/// The part of the memory, as a divisor, that a second session may take.
const SECOND_SESSION: u64 = 8;
/// Batches per concurrent run that the waiting rows are split into, where batching is not faster:
/// callers get their answers as they are ready, and only a long queue makes batches.
const BATCHES_PER_THREAD: usize = 4;

/// How runs share the cores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Concurrency {
    /// Threads that should call at once.
    pub concurrent_runs: usize,
    /// Threads that a run takes when it has the machine for itself.
    pub single_run_threads: usize,
    /// A run of several rows takes less time than the rows one by one.
    pub batching_is_faster: bool,
}

/// The session whose runs take all threads.
pub(crate) struct MultiThreadedSession {
    pub session: Session,
    /// It is the faster one also when there is work for every core.
    pub always: bool,
}

impl Concurrency {
    /// How many batches the waiting rows are split into.
    pub fn batches(self) -> usize {
        match self.batching_is_faster {
            true => self.concurrent_runs,
            false => self.concurrent_runs * BATCHES_PER_THREAD,
        }
    }
}

/// Whether there are several threads for a second session, and memory.
pub(crate) fn affords_second_session(threads: usize, files: &[FileStamp]) -> bool {
    let bytes: u64 = files.iter().map(FileStamp::size).sum();
    threads > 1 && memory_limit().is_none_or(|limit| bytes <= limit / SECOND_SESSION)
}

/// Threads that predict where none were named: one a core, by the control group's quota.
pub(crate) fn threads(wanted: usize) -> usize {
    match wanted {
        0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        threads => threads,
    }
}
