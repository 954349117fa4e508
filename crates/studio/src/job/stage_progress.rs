//! Progress that belongs to one stage of a job.

use boxwright_files::{Level, Progress};

use super::handle::JobHandle;

/// The progress sink for lower crates: their own stages (hashing, writing an archive, fetching a
/// base image) are all reported as one stage of the job.
#[derive(Clone)]
pub struct StageProgress {
    job: JobHandle,
    stage: &'static str,
}

impl JobHandle {
    /// A progress sink that reports everything as part of `stage`.
    pub fn stage_progress(&self, stage: &'static str) -> StageProgress {
        StageProgress {
            job: self.clone(),
            stage,
        }
    }
}

impl Progress for StageProgress {
    fn bytes(&self, _: &str, item: &str, done: u64, total: Option<u64>) {
        self.job.bytes(self.stage, item, done, total);
    }

    fn reused(&self, _: &str, item: &str, total: u64) {
        self.job.reused(self.stage, item, total);
    }

    fn log(&self, level: Level, text: &str) {
        self.job.log(level, text);
    }
}
