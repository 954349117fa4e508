//! The window as a whole: its state, its events, what it remembers.

use boxwright_model::package::{Decoder, Postprocess};
use serde::{Deserialize, Serialize};

use super::document::Document;
use super::job::Job;
use super::preview::{Preview, PreviewChange, Sample};
use super::question::Question;
use super::recipe::RecipeSearch;
use super::report::Published;
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
    /// What the guess can't be sure of, until it is answered or dismissed.
    pub question: Option<Question>,
    /// The search for a notebook's recipe, while one is open.
    pub recipe: Option<RecipeSearch>,
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
    /// The presets of preprocessing.
    pub presets: Vec<PresetChoice>,
    /// The decoders of boxes.
    pub decoders: Vec<DecoderChoice>,
    /// Remembered choices.
    pub settings: Settings,
    /// The program's version.
    pub version: String,
}

/// What the studio tells the page, in the order of `State`'s fields.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "event", content = "value", rename_all = "kebab-case")]
pub enum Event {
    /// The open package changed.
    Document(Option<Box<Document>>),
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
    /// A question came up, was answered or dismissed, or came back with an undo.
    Question(Option<Box<Question>>),
    /// The search for a notebook's recipe was opened, changed or closed.
    Recipe(Option<Box<RecipeSearch>>),
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
    /// The window is to be closed: the page sends pending edits, then closes the window or asks its
    /// user.
    CloseRequested,
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
    pub store: CredentialStore,
}

/// Where a secret is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum CredentialStore {
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
    /// What it then needs, in a few words: `ONNX Runtime's CUDA build and …`.
    pub needs: Option<String>,
}

/// A preset of preprocessing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PresetChoice {
    /// The name, as for `boxwright init --preset`.
    pub name: String,
    /// The title: `ImageNet (torchvision)`.
    pub title: String,
}

/// A decoder of boxes: what it takes, and what holds where the package says nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct DecoderChoice {
    /// Its name in the package file.
    pub name: Decoder,
    /// The outputs that it takes, by role; none where it takes all of them.
    #[cfg_attr(feature = "ts", ts(type = "Array<keyof Outputs>"))]
    pub roles: &'static [&'static str],
    /// Whether its boxes can have angles, keypoints or masks.
    pub has_extras: bool,
    /// Whether its boxes can have masks.
    pub has_masks: bool,
    /// The score that a box is shown above.
    pub score_threshold: f32,
    /// The overlap above which the worse of two boxes is dropped; `None` where none is.
    pub iou_threshold: Option<f32>,
    /// Whether a box also suppresses those of other classes.
    pub class_agnostic: bool,
    /// How many boxes are kept at most.
    pub max_detections: usize,
}

impl From<Decoder> for DecoderChoice {
    fn from(decoder: Decoder) -> Self {
        Self {
            name: decoder,
            roles: decoder.roles(),
            has_extras: decoder.has_extras(),
            has_masks: decoder.has_masks(),
            score_threshold: decoder.score_threshold(),
            iou_threshold: decoder.iou_threshold(),
            class_agnostic: decoder.is_class_agnostic(),
            max_detections: Postprocess::MAX_DETECTIONS,
        }
    }
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
    /// Where to store it.
    pub store: CredentialStore,
    /// The user allows this registry to be spoken to without TLS.
    pub plain_http: bool,
    /// The token server (host and port) that the user allows to get the password, after
    /// [`SignInOutcome::RealmUntrusted`].
    pub trust_realm: Option<String>,
}

/// What became of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum SignInOutcome {
    /// The registry accepted the password, and it is stored.
    SignedIn {
        /// The account, and where the password is stored.
        account: Account,
    },
    /// The registry asks for no password: it was not sent, and is not stored.
    NotAsked {
        /// Host and port.
        registry: String,
    },
    /// The password was not sent: the registry names a token server on an unrelated host, which the
    /// user has to allow first.
    RealmUntrusted {
        /// Host and port.
        registry: String,
        /// Host and port of the token server.
        realm: String,
    },
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
    /// What a notebook saved of photos: a search for its recipe is opened, whatever is picked.
    Recipe,
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
