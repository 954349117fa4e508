//! The JSON headers of the frames, both ways.
//!
//! `id` names the request that a message belongs to; answers repeat it. 0 is the worker's own.

use std::collections::BTreeMap;

use boxwright_model::package::{Layout, Package};
use boxwright_model::prediction::{DeviceUsed, Outcome, PictureDetails, Timing};
use boxwright_model::recipe::{Evidence, RecipeReport};
use boxwright_model::{Device, DeviceKind};
use boxwright_tensor::{DataType, Signature};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// The version of the protocol; a frame with another is refused by name.
pub const VERSION: u32 = 1;

/// A header with its version and request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header<M> {
    /// [`VERSION`].
    pub v: u32,
    /// The request.
    #[serde(default)]
    pub id: u64,
    /// The message, tagged by `type`.
    #[serde(flatten)]
    pub message: M,
}

/// An offset and a length, in bytes, into a frame's body.
pub type Span = [u64; 2];

/// The bytes of a span; `None` where it leaves the body.
pub fn slice(body: &Bytes, [offset, length]: Span) -> Option<Bytes> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(length).ok()?)?;
    (end <= body.len()).then(|| body.slice(start..end))
}

/// What a worker is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum ToWorker {
    /// Load a package: answered by `loaded` or `error`. A second `load` of the same model files
    /// with another pipeline keeps the session.
    Load {
        /// The folder of the package file, and its name: `/model/boxwright.toml`.
        package: String,
        /// The package's content in place of the file's, for edits that are not saved.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        inline: Option<Box<Package>>,
        /// What predicts.
        device: Device,
        /// Threads that predict; 0 for one a core.
        #[serde(default)]
        threads: usize,
        /// Most pixels that a picture may have before it is decoded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_pixels: Option<u64>,
    },
    /// Predict samples: a `result` for each, as they come, then `done`, or one `error`.
    Predict {
        /// The samples.
        items: Vec<Item>,
        /// What the results should carry.
        #[serde(default)]
        want: Want,
        /// Samples in one run of the model. Where absent, as many as is fastest, up to the package's
        /// limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        batch_size: Option<usize>,
    },
    /// Find the recipe that makes these tensors or answers of these photos: answered by `matched` or
    /// `error`. Tensors need no package; answers are those of the package that is loaded.
    Match {
        /// One to five photos.
        photos: Vec<Span>,
        /// What the files hold.
        evidence: Evidence,
        /// What the notebook saved.
        files: Vec<EvidenceFile>,
        /// Order of axes where an array fits both.
        #[serde(default)]
        layout: Layout,
        /// Most pixels that a photo may have before it is decoded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_pixels: Option<u64>,
    },
    /// Stop the request that the frame's `id` names; it ends with `done` and `cancelled`.
    Cancel,
    /// End the process after what is in flight.
    Shutdown,
}

/// A file that a notebook saved, in the frame's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceFile {
    /// Its name, which tells text formats apart.
    pub name: String,
    /// Where it lies.
    pub bytes: Span,
}

/// One sample, by path or by bytes in the frame's body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The caller's number for it, repeated in the result.
    pub id: u64,
    /// A file to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where it lies in the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Span>,
}

/// What a result should carry beyond the prediction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// Classes at most, in place of the package's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_k: Option<usize>,
    /// Raw outputs come as bytes in the body, not as JSON numbers.
    #[serde(default)]
    pub tensor: bool,
    /// The longer side, in pixels, of a JPEG thumbnail in the body; 0 for none.
    #[serde(default)]
    pub thumbnail: u32,
    /// The picture is only to be shown: the model does not run, and the outcome has no outputs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub picture_only: bool,
    /// What the model gives for a file is kept by the worker. After a `load` that changes only
    /// labels, thresholds and the like, the model does not run again for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep: bool,
}

/// What a worker says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum FromWorker {
    /// First of all, unasked.
    Hello {
        /// Name and version of the program.
        program: String,
        /// Version of the ONNX Runtime library.
        onnxruntime: String,
        /// The kinds of device that its library knows.
        devices: Vec<DeviceKind>,
    },
    /// Still there: sent about four times a second while a request is in flight.
    Alive,
    /// The package is loaded.
    Loaded {
        /// The device that runs it.
        device: DeviceUsed,
        /// Why this one, as in `device`.
        reason: String,
        /// What the model takes and gives, as ONNX Runtime sees it.
        signature: Signature,
        /// Digest of the model's files, `sha256:…`.
        model_digest: String,
        /// Time to read the model and create the session, in milliseconds.
        load_ms: f64,
    },
    /// One sample's outcome.
    Result {
        /// The number of the item.
        sample: u64,
        /// The prediction or the error; raw outputs are in `tensors` when bytes were wanted.
        #[serde(flatten)]
        outcome: Outcome,
        /// Width and height of the upright picture, in pixels.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        picture: Option<[u32; 2]>,
        /// What the picture's file says about itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        details: Option<PictureDetails>,
        /// The JPEG thumbnail in the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thumbnail: Option<Span>,
        /// Raw outputs by name, in the body, little-endian.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        tensors: BTreeMap<String, TensorBytes>,
    },
    /// What the search for a recipe found.
    Matched {
        /// The report.
        #[serde(flatten)]
        report: Box<RecipeReport>,
        /// Where the nearest recipe differs on the first photo: a JPEG in the body.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        heat_map: Option<Span>,
    },
    /// The request is finished.
    Done {
        /// Where the time went.
        timing: Timing,
        /// Whether it was cut short by `cancel`.
        #[serde(default)]
        cancelled: bool,
    },
    /// The request failed as a whole.
    Error {
        /// A code of the contract.
        code: String,
        /// What happened to which thing.
        message: String,
        /// The next step.
        hint: String,
        /// What led to it, outermost first.
        #[serde(default)]
        causes: Vec<String>,
        /// Whether the same request may succeed later.
        #[serde(default)]
        retryable: bool,
    },
}

/// A tensor whose elements lie in the frame's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TensorBytes {
    /// Axes, outermost first, without the batch axis.
    pub shape: Vec<usize>,
    /// Element type.
    pub datatype: DataType,
    /// Where the elements lie.
    pub bytes: Span,
}
