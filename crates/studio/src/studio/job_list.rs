//! The list of the window's jobs.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::api::{Job, JobStatus};
use crate::directories::Directories;
use crate::failure::{Code, Failure};
use crate::job_kinds::{JobRequest, persisted};

/// The jobs of the window, oldest first.
#[derive(Default)]
pub(super) struct JobList {
    entries: Vec<JobEntry>,
    last_id: u32,
}

/// A job of the list.
pub(super) struct JobEntry {
    pub(super) job: Job,
    pub(super) request: JobRequest,
    pub(super) running: Option<RunningJob>,
    /// The file of a job that a crash interrupted.
    pub(super) file: Option<PathBuf>,
}

impl JobEntry {
    pub(super) fn has_ended(&self) -> bool {
        !matches!(self.job.status, JobStatus::Running)
    }
}

/// What cancels a running job and waits for its end.
#[derive(Clone)]
pub(super) struct RunningJob {
    pub(super) cancel: CancellationToken,
    pub(super) ended: CancellationToken,
}

impl RunningJob {
    /// Waits for the job's end.
    pub(super) async fn ended(self) {
        self.ended.cancelled().await;
    }
}

impl JobList {
    /// The jobs that ran when the program last ended, if it crashed.
    pub(super) fn interrupted(directories: &Directories) -> Self {
        let mut list = Self::default();
        for (file, request) in persisted::interrupted(directories) {
            let id = list.next_id();
            list.add(JobEntry {
                job: interrupted_job(id, &request),
                request,
                running: None,
                file: Some(file),
            });
        }
        list
    }

    /// A new id.
    pub(super) fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    pub(super) fn add(&mut self, entry: JobEntry) {
        self.entries.push(entry);
    }

    /// What the page shows, newest first.
    pub(super) fn list(&self) -> Vec<Job> {
        self.entries
            .iter()
            .rev()
            .map(|entry| entry.job.clone())
            .collect()
    }

    /// Whether one of them runs.
    pub(super) fn any_runs(&self) -> bool {
        self.entries.iter().any(|entry| !entry.has_ended())
    }

    /// Cancels those that run, and returns them.
    pub(super) fn cancel_all(&mut self) -> Vec<RunningJob> {
        let running: Vec<RunningJob> = self
            .entries
            .iter()
            .filter_map(|entry| entry.running.clone())
            .collect();
        for job in &running {
            job.cancel.cancel();
        }
        running
    }

    pub(super) fn find(&mut self, id: u32) -> Option<&mut JobEntry> {
        self.entries.iter_mut().find(|entry| entry.job.id == id)
    }

    /// Removes a job that has ended, with its file.
    pub(super) fn remove_ended(&mut self, id: u32) {
        self.entries.retain(|entry| {
            let removed = entry.job.id == id && entry.has_ended();
            if let Some(file) = entry.file.as_deref().filter(|_| removed) {
                persisted::remove(file);
            }
            !removed
        });
    }
}

fn interrupted_job(id: u32, request: &JobRequest) -> Job {
    let failure = Failure::new(
        Code::Internal,
        "Boxwright ended while this was running",
        "Start it again: what had already arrived is not sent twice.",
    );
    let stages = request.stages().iter();
    Job {
        id,
        kind: request.kind(),
        title: request.title(),
        stages: stages.map(|stage| (*stage).to_owned()).collect(),
        stage: String::new(),
        items: Vec::new(),
        log: Vec::new(),
        status: JobStatus::Failed {
            failure: failure.retryable(),
            result: None,
        },
        elapsed_ms: 0,
        bytes_per_second: 0,
    }
}
