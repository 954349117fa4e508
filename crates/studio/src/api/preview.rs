//! Samples and what is predicted for them.

use boxwright_model::prediction::{DeviceUsed, Outcome, PictureDetails, Timing};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// The samples and the newest predictions.
#[derive(Debug, Clone, Default, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Preview {
    /// Counts the previews; results of an older one are stale.
    pub run: u32,
    /// Where the preview stands.
    pub status: PreviewStatus,
    /// Why it failed as a whole, where it did.
    pub failure: Option<Failure>,
    /// The samples in their order.
    pub samples: Vec<Sample>,
    /// Samples of this run that have an outcome.
    pub done: usize,
    /// The device that ran.
    pub device: Option<DeviceUsed>,
    /// Samples in one run of the model.
    pub batch_size: usize,
    /// Where the time went; while running, up to now.
    pub timing: Option<Timing>,
}

/// Where a preview stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum PreviewStatus {
    /// Nothing to show yet.
    #[default]
    Idle,
    /// The worker starts and loads the model.
    Loading,
    /// Results are coming in.
    Running,
    /// Every sample has an outcome.
    Done,
    /// It was cancelled.
    Cancelled,
    /// It failed as a whole.
    Failed,
}

/// One sample.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Sample {
    /// Opaque and stable: also names its pictures (`/thumb/ID`, `/large/ID`).
    pub id: u32,
    /// The file's name, or its path relative to the folder that was given.
    pub name: String,
    /// What the newest preview made of it; `None` while it waits.
    pub outcome: Option<Outcome>,
    /// Counts the thumbnails made for it: 0 is none, and part of the picture's address.
    pub thumbnail: u32,
    /// Width and height of the upright picture, in pixels.
    pub picture: Option<[u32; 2]>,
    /// What its file says about itself, once a preview has read it.
    pub details: Option<PictureDetails>,
}

/// A change of the preview other than outcomes.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PreviewChange {
    /// As in [`Preview`].
    pub run: u32,
    /// As in [`Preview`].
    pub status: PreviewStatus,
    /// As in [`Preview`].
    pub failure: Option<Failure>,
    /// The order of the samples by id, where samples were added, removed or cleared.
    pub order: Option<Vec<u32>>,
    /// As in [`Preview`].
    pub done: usize,
    /// As in [`Preview`].
    pub device: Option<DeviceUsed>,
    /// As in [`Preview`].
    pub batch_size: usize,
    /// As in [`Preview`].
    pub timing: Option<Timing>,
}

/// How predictions are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// As `boxwright preview --format json`.
    Json,
    /// One result a line.
    Jsonl,
    /// One row a class prediction.
    Csv,
}
