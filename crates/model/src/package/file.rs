//! The types of the package file.

use serde::{Deserialize, Serialize};

use super::named::named;
use super::postprocess::Postprocess;
use super::preprocess::Preprocess;

/// The version of the package file's format that this program writes; it reads the ones before
/// too.
pub const FORMAT: u32 = 2;

/// The name of a package file.
pub const FILE_NAME: &str = "boxwright.toml";

/// A package file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// [`FORMAT`].
    pub format: u32,
    /// What the package is called.
    pub package: Identity,
    /// The model's files.
    pub model: ModelFiles,
    /// One a model input.
    pub input: Vec<Input>,
    /// How a picture becomes the image input's tensor.
    #[serde(default)]
    pub preprocess: Preprocess,
    /// How the outputs become a prediction.
    pub postprocess: Postprocess,
    /// Class names.
    #[serde(default)]
    pub labels: Option<Labels>,
    /// How requests are batched.
    #[serde(default)]
    pub batch: Batch,
    /// What an orchestrator should reserve.
    #[serde(default)]
    pub resources: Resources,
}

/// Name, version and description.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `[a-z0-9]+([._-][a-z0-9]+)*`, at most 128 characters.
    pub name: String,
    /// An OCI tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
    pub version: String,
    /// A sentence for people.
    #[serde(default)]
    pub description: String,
}

/// The files that make up the model; the first is the model itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct ModelFiles {
    /// The model file, then its external data files.
    pub files: Vec<ModelFile>,
}

/// One file of the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Path relative to the package file's folder, `/`-separated, inside it.
    pub path: String,
    /// SHA-256 of the file in lower-case hexadecimal, where it has been computed.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// What one model input takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The input's name in the model.
    pub name: String,
    /// What a sample is.
    pub kind: InputKind,
    /// Order of the axes of an image input.
    #[serde(default)]
    pub layout: Layout,
    /// Element type of an image input's tensor.
    #[serde(default)]
    pub dtype: ImageDtype,
    /// Pixels across; `None` for the picture's own size, where the model takes any.
    #[serde(default)]
    pub width: Option<u32>,
    /// Pixels down.
    #[serde(default)]
    pub height: Option<u32>,
    /// What both sides of a tensor of any size are a multiple of, in pixels.
    #[serde(default)]
    pub stride: Option<u32>,
    /// How a side becomes a multiple of `stride`.
    #[serde(default)]
    pub stride_rounding: StrideRounding,
    /// The numbers of a constant, in row-major order; one for all elements, or as many as there are.
    #[serde(default)]
    pub value: Vec<f64>,
    /// The order of an original size.
    #[serde(default)]
    pub order: SizeOrder,
}

impl Input {
    /// An input of this kind with every other field at its default.
    pub fn new(name: impl Into<String>, kind: InputKind) -> Self {
        Self {
            name: name.into(),
            kind,
            layout: Layout::default(),
            dtype: ImageDtype::default(),
            width: None,
            height: None,
            stride: None,
            stride_rounding: StrideRounding::default(),
            value: Vec::new(),
            order: SizeOrder::default(),
        }
    }
}

named! {
    /// What a sample of an input is.
    InputKind {
        /// An encoded picture.
        #[default] Image = "image",
        /// Numbers: `.npy`, `.npz` or Open Inference Protocol JSON.
        Tensor = "tensor",
        /// The same numbers for every picture.
        Constant = "constant",
        /// Width and height of the picture before it was resized.
        OriginalSize = "original-size",
        /// Ones where the tensor holds the picture, zeros where it is padded.
        Mask = "mask",
    }
}
named! {
    /// Order of the numbers of a size.
    SizeOrder {
        /// Width, height.
        #[default] Wh = "wh",
        /// Height, width.
        Hw = "hw",
    }
}
named! {
    /// Order of the axes of an image tensor.
    Layout {
        /// Batch, channel, row, column.
        #[default] Nchw = "NCHW",
        /// Batch, row, column, channel.
        Nhwc = "NHWC",
    }
}
named! {
    /// How a side becomes a multiple of the stride.
    StrideRounding {
        /// The next larger multiple.
        #[default] Up = "up",
        /// The nearest multiple, half to even, at least one stride.
        Nearest = "nearest",
        /// The next smaller multiple, at least one stride.
        Down = "down",
    }
}
named! {
    /// Element type of an image tensor.
    ImageDtype {
        /// 32-bit float.
        #[default] F32 = "f32",
        /// 16-bit float.
        F16 = "f16",
        /// Bytes: rounded to nearest and clamped to 0..=255 after normalising.
        U8 = "u8",
    }
}
/// Where the class names are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// A text file beside the package file, one label a line, UTF-8.
    pub file: String,
}

/// How requests are batched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    /// Most samples that go through the model together.
    pub max_size: usize,
    /// Longest that a request waits for others, in milliseconds.
    pub max_delay_ms: u64,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            max_size: 8,
            max_delay_ms: 2,
        }
    }
}

/// What an orchestrator should reserve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields, default)]
pub struct Resources {
    /// Main memory, in MiB.
    pub memory_mb: u64,
    /// Processor cores.
    pub cpus: f32,
    /// GPUs.
    pub gpus: u32,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            memory_mb: 512,
            cpus: 1.0,
            gpus: 0,
        }
    }
}
