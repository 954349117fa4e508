//! Jobs as the page shows them.

use serde::{Deserialize, Serialize};

use super::report::Report;
use crate::failure::Failure;
use crate::job_kinds::list::for_each_job_kind;

/// A job as it stands.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Job {
    /// Unique in this program's life.
    pub id: u32,
    /// What it does.
    pub kind: JobKind,
    /// What it works on: `localhost:5000/cat:1`.
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

macro_rules! define_kinds {
    ($($(#[$doc:meta])* $kind:ident($parameters:ident) -> $result:ident;)*) => {
        /// What a job does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS))]
        #[serde(rename_all = "kebab-case")]
        pub enum JobKind {
            /// Predicting samples on the command line, which prints the predictions as they come.
            Preview,
            $($(#[$doc])* $kind,)*
        }

        /// The result of a job, by its kind.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS))]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum JobResult {
            /// Predicting samples on the command line.
            Preview(PreviewSummary),
            $($(#[$doc])* $kind($result),)*
        }

        impl JobResult {
            /// The result as the command line prints it.
            pub fn to_json(&self) -> serde_json::Value {
                let json = match self {
                    Self::Preview(result) => serde_json::to_value(result),
                    $(Self::$kind(result) => serde_json::to_value(result),)*
                };
                // Strings, numbers, lists and objects with string keys: always valid JSON.
                json.unwrap_or_default()
            }
        }

        impl JobOutput for JobResult {
            fn failure(&self) -> Option<Failure> {
                match self {
                    Self::Preview(result) => result.failure(),
                    $(Self::$kind(result) => result.failure(),)*
                }
            }
        }
    };
}

for_each_job_kind!(define_kinds);

/// What a kind of job makes.
pub trait JobOutput {
    /// The failure that the result is, where the work was done and its result is bad.
    fn failure(&self) -> Option<Failure> {
        None
    }
}

/// What a preview on the command line did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PreviewSummary {
    /// Samples that have a result.
    pub samples: usize,
}

impl JobOutput for PreviewSummary {}

impl JobOutput for Report {
    fn failure(&self) -> Option<Failure> {
        self.difference()
    }
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
    /// It is done.
    Finished {
        /// What it made.
        result: JobResult,
    },
    /// It failed.
    Failed {
        /// Why.
        failure: Failure,
        /// What it made, where the work was done and the result is bad: an image that predicts
        /// something else than the preview.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        result: Option<JobResult>,
    },
    /// It was cancelled.
    Cancelled,
}
