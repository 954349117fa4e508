//! Events of a job; in JSON one object each.

use serde::Serialize;

use crate::api::{JobKind, Unit};
use crate::failure::Failure;

/// One event of a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobEvent {
    /// The job.
    pub job: u32,
    /// The number of the event within the job, from 1.
    pub seq: u64,
    /// When it happened, RFC 3339.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub change: JobChange,
}

/// What happened to a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum JobChange {
    /// It started.
    Started {
        /// What it does.
        kind: JobKind,
        /// Names of its stages, in order.
        stages: Vec<String>,
    },
    /// A stage started.
    Stage {
        /// Its name.
        stage: String,
    },
    /// An item made progress.
    Progress {
        /// The stage that it belongs to.
        stage: String,
        /// A layer's digest, a target or a file.
        item: String,
        /// What is counted.
        unit: Unit,
        /// How much is done.
        done: u64,
        /// How much there is, where it is known.
        total: Option<u64>,
    },
    /// A line for the log.
    Log {
        /// `info` or `warn`.
        level: String,
        /// The text.
        text: String,
    },
    /// It is done.
    Finished {
        /// Its result, as the command line prints it.
        result: serde_json::Value,
    },
    /// It failed.
    Failed {
        /// Why.
        error: Failure,
    },
    /// It was cancelled.
    Cancelled {},
}
