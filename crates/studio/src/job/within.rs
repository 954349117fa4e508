//! A job's progress as far as it belongs to one of its stages.

use boxwright_files::{Level, Progress};

use super::Running;

/// Progress of lower crates, whose own stages (hashing, writing an archive, fetching a base) are
/// all part of one of the job's.
#[derive(Clone)]
pub struct Within {
    job: Running,
    stage: &'static str,
}

impl Running {
    /// The job's progress, all of which belongs to `stage`.
    pub fn within(&self, stage: &'static str) -> Within {
        Within {
            job: self.clone(),
            stage,
        }
    }
}

impl Progress for Within {
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
