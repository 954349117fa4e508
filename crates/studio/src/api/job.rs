//! Jobs as the page shows them.

use serde::{Deserialize, Serialize};

use super::Report;
use crate::failure::Failure;

/// A job as it stands.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Job {
    /// Unique in this program's life.
    pub id: u32,
    /// What it does.
    pub kind: JobKind,
    /// What it is about, in words: `localhost:5000/cat:1`.
    pub title: String,
    /// Names of its stages, in order.
    pub stages: Vec<String>,
    /// The stage that runs.
    pub stage: String,
    /// One a layer, target or file, in the order of their appearance.
    pub items: Vec<JobItem>,
    /// The newest lines of its log.
    pub log: Vec<LogLine>,
    /// Whether it runs or how it ended.
    pub status: JobStatus,
    /// Milliseconds since it began, at the time of this message.
    pub elapsed_ms: u64,
    /// Bytes sent a second, over the last seconds; 0 where nothing is sent.
    pub bytes_per_second: u64,
}

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum JobKind {
    /// Predicting samples.
    Preview,
    /// Building an archive.
    Build,
    /// Building, pushing and proving.
    Publish,
    /// Proving an image that is published.
    Verify,
}

/// Progress of one thing within a job.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct JobItem {
    /// A layer's digest, a target or a file.
    pub item: String,
    /// What it is, in words: `model`, `runtime`, `base`, `package`.
    pub label: String,
    /// The target it belongs to, where it belongs to one.
    pub target: Option<String>,
    /// The stage it belongs to.
    pub stage: String,
    /// What is counted.
    pub unit: Unit,
    /// How much is done.
    pub done: u64,
    /// How much there is, where it is known.
    pub total: Option<u64>,
    /// Whether it was already there and nothing had to be sent.
    pub reused: bool,
}

/// What progress is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Pictures.
    Images,
}

/// A line of a job's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LogLine {
    /// `info` or `warn`.
    pub level: String,
    /// The text.
    pub text: String,
}

/// Whether a job runs or how it ended.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "status", rename_all = "kebab-case")]
pub enum JobStatus {
    /// It runs.
    Running,
    /// It is done; a publish or build carries its report.
    Finished {
        /// What was built or published.
        report: Option<Report>,
    },
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
        /// What was published nevertheless, where the proof differs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<Report>,
    },
    /// It was cancelled.
    Cancelled,
}
