//! Predictions, in the JSON that every door of Boxwright speaks.

use std::collections::BTreeMap;

use boxwright_tensor::{DataType, Number, Numbers, Tensor};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::device::DeviceKind;

/// One class with its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ClassPrediction {
    /// The label, or the class index in decimal where there are no labels.
    pub class: String,
    /// The score after the activation.
    pub score: f32,
}

/// One box, in pixels of the upright photo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Detection {
    /// The label, or the index in decimal where there is none.
    pub class: String,
    /// The index of the class, as the model gives it.
    pub index: usize,
    /// The score.
    pub score: f32,
    /// Left, top, right, bottom.
    #[serde(rename = "box")]
    pub bounds: [f32; 4],
    /// The corners of a rotated box, each x and y.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub polygon: Option<[[f32; 2]; 4]>,
    /// Keypoints: x, y and score each; a model without scores gives 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keypoints: Option<Vec<[f32; 3]>>,
    /// The mask, of the photo's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<RunLengths>,
}

/// A mask as run lengths of COCO's format, not compressed: column by column, zeros first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RunLengths {
    /// Height and width, in pixels.
    pub size: [usize; 2],
    /// Lengths of the runs, of zeros and ones in turn.
    pub counts: Vec<u32>,
}

impl RunLengths {
    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.counts.len() * size_of::<u32>()
    }
}

/// One class a pixel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Segmentation {
    /// Width of the mask and the photo, in pixels.
    pub width: usize,
    /// Height, likewise.
    pub height: usize,
    /// The classes that the mask holds, by their index.
    pub classes: Vec<SegmentClass>,
    /// A grey PNG in base64: the class index of each pixel, of 8 bits up to 256 classes, else of 16.
    pub mask: String,
}

/// A class of a segmentation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SegmentClass {
    /// The label, or the index in decimal where there is none.
    pub class: String,
    /// The index of the class, as in the mask.
    pub index: usize,
    /// Its pixels.
    pub pixels: usize,
}

/// A vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Embedding {
    /// The vector.
    pub values: Vec<f32>,
    /// Its Euclidean length before it was normalised.
    pub norm: f32,
}

/// A line of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TextLine {
    /// The text.
    pub value: String,
    /// The mean score of its characters; 0 where there are none.
    pub score: f32,
}

/// A tensor as JSON: elements in row-major order.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct OutputTensor {
    /// Axes, outermost first; the batch axis is left out.
    pub shape: Vec<usize>,
    /// Element type.
    pub datatype: DataType,
    /// Elements in row-major order.
    #[cfg_attr(
        feature = "ts",
        ts(type = "(number | \"NaN\" | \"Infinity\" | \"-Infinity\")[]")
    )]
    pub data: Numbers,
}

impl OutputTensor {
    /// A tensor without its name; `None` where it is not complete, or its elements are BYTES.
    pub fn from_tensor(tensor: &Tensor) -> Option<Self> {
        Some(Self {
            shape: tensor.shape.clone(),
            datatype: tensor.datatype,
            data: tensor.to_numbers()?,
        })
    }
}

impl<'de> Deserialize<'de> for OutputTensor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            shape: Vec<usize>,
            datatype: DataType,
            data: Vec<Number>,
        }
        let written = Written::deserialize(deserializer)?;
        let (shape, datatype) = (written.shape, written.datatype);
        let data = Numbers::of(datatype, &written.data);
        let data = data.ok_or_else(|| D::Error::custom("`data` is not of the datatype"))?;
        Ok(Self {
            shape,
            datatype,
            data,
        })
    }
}

/// Why one sample has no prediction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SampleError {
    /// A code of the contract, mostly `SampleUnreadable`.
    pub code: String,
    /// What is wrong with the sample and what to do, in words.
    pub message: String,
}

/// Classes by several outputs of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Heads {
    /// The classes of the output that the package is about, by falling score.
    #[serde(rename = "classPredictions")]
    pub predictions: Vec<ClassPrediction>,
    /// The classes of every output, that one too, by its name.
    pub heads: BTreeMap<String, Vec<ClassPrediction>>,
}

/// What became of one sample; exactly one key in JSON, but for classes by several outputs.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub enum Outcome {
    /// Classification: by falling score.
    #[serde(rename = "classPredictions")]
    Classes(Vec<ClassPrediction>),
    /// Boxes: by falling score.
    #[serde(rename = "detections")]
    Detections(Vec<Detection>),
    /// Segmentation: one class a pixel.
    #[serde(rename = "segmentation")]
    Segmentation(Segmentation),
    /// Matte: a grey PNG of the photo's size, in base64; 255 is foreground.
    #[serde(rename = "matte")]
    Matte(String),
    /// Embedding: a vector.
    #[serde(rename = "embedding")]
    Embedding(Embedding),
    /// Text: a line.
    #[serde(rename = "text")]
    Text(TextLine),
    /// Raw: the model's outputs by name.
    #[serde(rename = "outputs")]
    Outputs(BTreeMap<String, OutputTensor>),
    /// The sample could not be predicted.
    #[serde(rename = "error")]
    Error(SampleError),
    /// Classification by several outputs.
    #[serde(untagged)]
    Heads(Heads),
}

/// The keys of an outcome, as they are read.
#[derive(Deserialize)]
struct Fields {
    #[serde(rename = "classPredictions")]
    classes: Option<Vec<ClassPrediction>>,
    heads: Option<BTreeMap<String, Vec<ClassPrediction>>>,
    detections: Option<Vec<Detection>>,
    segmentation: Option<Segmentation>,
    matte: Option<String>,
    embedding: Option<Embedding>,
    text: Option<TextLine>,
    outputs: Option<BTreeMap<String, OutputTensor>>,
    error: Option<SampleError>,
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Fields::deserialize(deserializer)?;
        let classes = match (fields.classes, fields.heads) {
            (Some(predictions), Some(heads)) => Some(Self::Heads(Heads { predictions, heads })),
            (classes, _) => classes.map(Self::Classes),
        };
        classes
            .or_else(|| fields.detections.map(Self::Detections))
            .or_else(|| fields.segmentation.map(Self::Segmentation))
            .or_else(|| fields.matte.map(Self::Matte))
            .or_else(|| fields.embedding.map(Self::Embedding))
            .or_else(|| fields.text.map(Self::Text))
            .or_else(|| fields.outputs.map(Self::Outputs))
            .or_else(|| fields.error.map(Self::Error))
            .ok_or_else(|| serde::de::Error::custom("it has none of the keys of a result"))
    }
}

/// What a picture's file says about itself, and whether it was followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PictureDetails {
    /// The format's name: `JPEG`.
    pub format: String,
    /// Bits of a sample.
    pub bits: u8,
    /// Samples of a pixel; a palette's index is one.
    pub channels: u8,
    /// The EXIF number of the orientation, 1 to 8; 1 is upright, and where there is none.
    pub orientation: u8,
    /// Whether the picture was turned by it.
    pub turned: bool,
    /// The name of an embedded colour profile that isn't sRGB. Nothing is converted by it.
    pub colour_profile: Option<String>,
}

impl Outcome {
    /// About how much memory the outcome takes, in bytes.
    pub fn memory(&self) -> usize {
        match self {
            Self::Detections(detections) => detections.iter().map(Detection::memory).sum(),
            Self::Embedding(embedding) => size_of_val(&embedding.values[..]),
            Self::Outputs(outputs) => outputs
                .values()
                .map(|output| output.data.byte_length())
                .sum(),
            other => other.json_length(),
        }
    }

    /// About how long the outcome's JSON is, in bytes.
    pub fn json_length(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len() * 48,
            Self::Heads(found) => found.heads.values().map(|head| head.len() * 48 + 64).sum(),
            Self::Detections(detections) => detections.iter().map(Detection::json_length).sum(),
            Self::Segmentation(found) => found.mask.len() + found.classes.len() * 64,
            Self::Matte(png) => png.len(),
            Self::Embedding(embedding) => embedding.values.len() * 14,
            Self::Text(line) => line.value.len() + 32,
            Self::Outputs(outputs) => outputs.values().map(|output| output.data.len() * 12).sum(),
            Self::Error(error) => error.message.len(),
        }
    }
}

impl Detection {
    fn memory(&self) -> usize {
        let keypoints = self
            .keypoints
            .as_ref()
            .map_or(0, |points| size_of_val(&points[..]));
        let mask = self
            .mask
            .as_ref()
            .map_or(0, |mask| size_of_val(&mask.counts[..]));
        size_of::<Self>() + self.class.len() + keypoints + mask
    }

    fn json_length(&self) -> usize {
        let keypoints = self
            .keypoints
            .as_ref()
            .map_or(0, |points| points.len() * 36);
        let mask = self.mask.as_ref().map_or(0, |mask| mask.counts.len() * 6);
        160 + self.class.len() + keypoints + mask
    }
}

/// A sample's name and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SampleResult {
    /// The sample's name, as shown: a file name, or a path relative to the folder that was given.
    pub sample: String,
    /// The prediction or the error.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Where the time went. Stage times are sums over all threads, in milliseconds; they overlap, so
/// together they can exceed `wall_ms`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Timing {
    /// Reading the model and creating the session.
    pub load_ms: f64,
    /// Decoding pictures.
    pub decode_ms: f64,
    /// Resizing, cropping and normalising.
    pub preprocess_ms: f64,
    /// Running the model.
    pub infer_ms: f64,
    /// Activation, ranking and labels.
    pub postprocess_ms: f64,
    /// From the first sample read to the last result sent.
    pub wall_ms: f64,
    /// Samples predicted in a second of wall time.
    pub images_per_second: f64,
}

/// The device that ran, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct DeviceUsed {
    /// What kind it is.
    pub kind: DeviceKind,
    /// The device's own name.
    pub name: String,
    /// Why this one and not a better one.
    pub reason: String,
}
