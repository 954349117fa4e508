//! Everything that crosses to a front end, as plain data. The TypeScript in `ui/src/generated`
//! is made from these types; a test fails when it is stale.
//!
//! No path of a file crosses: pictures and documents are opaque ids, names are for showing.

use boxwright_model::inspect::ModelSummary;
use boxwright_model::package::Package;
use boxwright_model::prediction::{DeviceUsed, Outcome, Timing};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// All that the window shows; read once at start and after a reload, then kept current by
/// [`Event`]s.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct State {
    /// The open package; `None` before the first model.
    pub document: Option<Document>,
    /// The samples and what was predicted.
    pub preview: Preview,
    /// Jobs that run or have ended since the program started, newest first.
    pub jobs: Vec<Job>,
    /// Images that were published or built, newest first.
    pub history: Vec<Published>,
    /// Packages that were open before, newest first.
    pub recent: Vec<Recent>,
    /// Registries with credentials.
    pub accounts: Vec<Account>,
    /// The tick boxes.
    pub targets: Vec<TargetChoice>,
    /// Remembered choices.
    pub settings: Settings,
    /// The program's version.
    pub version: String,
}

/// The open package, with what its model says about itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Document {
    /// Counts every change; an edit names the revision that it started from.
    pub revision: u32,
    /// The folder's name, for the title bar.
    pub folder: String,
    /// Whether the package differs from its file.
    pub dirty: bool,
    /// Whether there is a step to undo.
    pub can_undo: bool,
    /// Whether there is a step to do again.
    pub can_redo: bool,
    /// The package as edited.
    pub package: Package,
    /// The model, as read from its file.
    pub model: ModelSummary,
    /// Fields that were guessed rather than read or chosen, with the reason.
    pub guesses: Vec<Guess>,
    /// Labels, where the package names some.
    pub labels: Option<LabelsSummary>,
    /// What is wrong with the package as edited; it can't be previewed or published until it is
    /// mended.
    pub problems: Vec<Problem>,
}

/// One guessed field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Guess {
    /// The field's dotted path in the package file, such as `preprocess.mean`.
    pub field: String,
    /// Why this value, in words.
    pub reason: String,
}

/// One thing that is wrong with an edited package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Problem {
    /// The field's dotted path in the package file.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// The labels of the open package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LabelsSummary {
    /// The file's name, or the model's metadata.
    pub source: String,
    /// How many there are.
    pub count: usize,
    /// The first few.
    pub first: Vec<String>,
}

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
}

/// What the studio tells the page, in the order of `State`'s fields.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "event", content = "value", rename_all = "kebab-case")]
pub enum Event {
    /// The open package changed.
    Document(Option<Document>),
    /// The list of samples, the status or the timing changed: all but `samples`' outcomes, which
    /// come as [`Event::Samples`]. `samples` is empty when unchanged.
    Preview(PreviewChange),
    /// Samples that were added or got an outcome, at most ten times a second.
    Samples {
        /// The run that the outcomes belong to.
        run: u32,
        /// The samples, whole.
        samples: Vec<Sample>,
    },
    /// A job began, moved or ended.
    Job(Job),
    /// The list of published images changed.
    History(Vec<Published>),
    /// The list of recent packages changed.
    Recent(Vec<Recent>),
    /// The list of accounts changed.
    Accounts(Vec<Account>),
    /// The settings changed.
    Settings(Settings),
    /// Something failed that belongs to no job and no command's answer, such as a drop.
    Failure(Failure),
    /// The window is asked to close while there are unsaved changes.
    CloseRequested,
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
    },
    /// It was cancelled.
    Cancelled,
}

/// What `build`, `publish` and `verify` print, and the result card shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Report {
    /// One a tag.
    pub images: Vec<ReportImage>,
    /// Bytes that were sent.
    pub uploaded_bytes: u64,
    /// Bytes that were already there.
    pub reused_bytes: u64,
    /// Time from start to end, in milliseconds.
    pub elapsed_ms: u64,
}

/// What lies under one tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ReportImage {
    /// The reference, or the archive's name.
    pub reference: String,
    /// Digest of the index.
    pub digest: String,
    /// One a target.
    pub platforms: Vec<ReportPlatform>,
    /// The command that runs it, to copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// One platform under a tag.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ReportPlatform {
    /// The target: `cpu`, `arm64`, …
    pub target: String,
    /// `linux/amd64`, `linux/arm64`.
    pub platform: String,
    /// Digest of the manifest.
    pub digest: String,
    /// Compressed size of the layers, in bytes.
    pub size: u64,
    /// The proof, where one was asked for.
    pub verified: Option<Proof>,
}

/// The proof of one platform.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Proof {
    /// How it ended.
    pub status: ProofStatus,
    /// What ran the image: `docker` or `namespaces`.
    pub by: Option<String>,
    /// How many samples were compared.
    pub samples: usize,
    /// The largest difference of a score.
    pub max_difference: Option<f64>,
    /// Why it differs or was not run, in words.
    pub reason: Option<String>,
}

/// How a proof ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum ProofStatus {
    /// The image predicts what the preview showed.
    Proven,
    /// It predicts something else: a failure.
    Differs,
    /// It could not be run here.
    NotRun,
}

/// An image of the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Published {
    /// When it ended, RFC 3339.
    pub at: String,
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// What was published.
    pub report: Report,
}

/// A package of the past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Recent {
    /// Opens it.
    pub id: u32,
    /// The package's or the model's name.
    pub name: String,
    /// The folder, shortened for showing.
    pub folder: String,
}

/// A registry with credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Account {
    /// Host and port.
    pub registry: String,
    /// The user's name there.
    pub username: String,
    /// Where the secret is.
    pub kept: Kept,
}

/// Where a secret is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Kept {
    /// The system's keychain.
    Keychain,
    /// Docker's `config.json`, or one of its helpers.
    DockerConfig,
    /// Memory, until the program ends.
    Session,
}

/// One tick box.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TargetChoice {
    /// `cpu`, `arm64`, `gpu`, `arm64-gpu`, `jetson`.
    pub target: String,
    /// The title: `CPU`, `ARM`, …
    pub title: String,
    /// `linux/amd64`.
    pub platform: String,
    /// Compressed bytes of base and runtime; 0 where not installed.
    pub size: u64,
    /// Why it can't be ticked, where it can't.
    pub unavailable: Option<String>,
}

/// Remembered choices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(default)]
pub struct Settings {
    /// `system`, `light` or `dark`.
    pub theme: String,
    /// Most pixels of a picture, judged before decoding.
    pub max_pixels: u64,
    /// Samples in one run of the model for previews; 0 for the package's.
    pub batch_size: usize,
    /// Targets that are ticked.
    pub targets: Vec<String>,
    /// The registry that was published to last; empty for an archive.
    pub registry: String,
    /// The repository's prefix that was published to last, without the package's name.
    pub namespace: String,
    /// Whether a published image is proven.
    pub prove: bool,
    /// Registries other than localhost that may be spoken to without TLS.
    pub plain_http: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: "system".into(),
            max_pixels: 100_000_000,
            batch_size: 0,
            targets: vec!["cpu".into()],
            registry: String::new(),
            namespace: String::new(),
            prove: true,
            plain_http: Vec::new(),
        }
    }
}

/// What `publish` takes from the page.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PublishRequest {
    /// Targets, as in [`TargetChoice`].
    pub targets: Vec<String>,
    /// Where to.
    pub to: PublishTo,
    /// Whether to prove it with the open samples.
    pub prove: bool,
    /// Go on although the tag names another digest.
    pub replace: bool,
}

/// Where a build goes.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "to", rename_all = "kebab-case")]
pub enum PublishTo {
    /// A registry: the whole reference, with a tag.
    Registry {
        /// `HOST/REPOSITORY:TAG`.
        reference: String,
    },
    /// An archive; a dialog asks where, starting at the last folder.
    Archive,
}

/// What `sign_in` takes from the page.
#[derive(Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SignIn {
    /// Host and port.
    pub registry: String,
    /// The user's name there.
    pub username: String,
    /// The password or token.
    pub password: String,
    /// Where to keep it.
    pub keep: Kept,
    /// The user allows this registry to be spoken to without TLS.
    pub plain_http: bool,
}

/// What a file dialog is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// A model or a package file.
    Model,
    /// Pictures.
    Pictures,
    /// A folder of pictures.
    Folder,
    /// A text file with labels.
    Labels,
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

/// What works on this machine, what does not, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Doctor {
    /// The program's version.
    pub version: String,
    /// One a thing that was looked at.
    pub checks: Vec<Check>,
}

/// One thing that the doctor looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Check {
    /// What was looked at, in words: `Docker Engine`.
    pub name: String,
    /// How it is.
    pub status: CheckStatus,
    /// What was found.
    pub message: String,
    /// What to do; empty where there is nothing to do.
    pub hint: String,
}

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum CheckStatus {
    /// It works.
    Works,
    /// It is absent, and something optional is not possible without it.
    Absent,
    /// It is broken or missing, and the main job needs it.
    Broken,
}
