//! `[postprocess]`: how the outputs become a prediction.

use serde::{Deserialize, Serialize};

use super::named::named;

named! {
    /// What the outputs mean.
    Task {
        /// One score a class.
        #[default] Classification = "classification",
        /// Boxes with scores.
        Detection = "detection",
        /// Boxes that are turned by an angle.
        RotatedDetection = "rotated-detection",
        /// Boxes with keypoints.
        Pose = "pose",
        /// Boxes with masks.
        InstanceSegmentation = "instance-segmentation",
        /// One class a pixel.
        Segmentation = "segmentation",
        /// How much of each pixel belongs to the foreground.
        Matte = "matte",
        /// A vector.
        Embedding = "embedding",
        /// A line of text.
        Text = "text",
        /// The outputs as they are.
        Raw = "raw",
    }
}
named! {
    /// What turns a model's scores into those shown.
    Activation {
        /// Over the classes, sums to 1.
        #[default] Softmax = "softmax",
        /// Each class by itself.
        Sigmoid = "sigmoid",
        /// As the model gives them.
        None = "none",
    }
}
named! {
    /// How outputs encode boxes.
    Decoder {
        /// `[4 + C, N]`: centre, size and C scores of each box, in input pixels.
        #[default] YoloV8 = "yolov8",
        /// `[N, 5 + C]`: centre, size, objectness and C scores, in input pixels.
        YoloV5 = "yolov5",
        /// As `yolov5`, on the grids of strides 8, 16 and 32, not yet decoded.
        YoloX = "yolox",
        /// `[N, 6]`: two corners in input pixels, score and class; nothing is left to suppress.
        EndToEnd = "end-to-end",
        /// `[N, 4 + C]`: centre and size in 0–1, and C scores, or `[N, 6]`: score and class;
        /// Ultralytics' RT-DETR.
        RtDetr = "rt-detr",
        /// Logits with a last class for nothing, and boxes of centre and size in 0–1.
        Detr = "detr",
        /// Logits of which each is a class by itself, and boxes of centre and size in 0–1.
        RtDetrTransformers = "rt-detr-transformers",
        /// Boxes of two corners in pixels of the photo, labels from 0, and scores.
        DFine = "d-fine",
        /// TensorFlow's Object Detection API: two corners in 0–1, rows first, and classes from 1.
        SsdTf = "ssd-tf",
        /// Boxes of two corners in pixels of the input, labels from 1, and scores.
        TorchVision = "torchvision",
        /// A score and a distribution of distances for each cell of each stride.
        PicoDet = "picodet",
        /// Azure Custom Vision: two corners in 0–1, classes from 0, and scores.
        CustomVision = "custom-vision",
        /// MMDetection's `dets`, two corners in input pixels and a score, and labels from 0.
        MmDetection = "mmdetection",
        /// SuperGradients' YOLO-NAS: two corners in input pixels and C scores of each box; or what
        /// its own suppression leaves, apart or as rows of photo, box, score and class.
        YoloNas = "yolo-nas",
        /// `[N, 7]`: photo, two corners in input pixels, class and score; exports of YOLOv7 and
        /// YOLOv6 that suppress boxes themselves.
        YoloV7EndToEnd = "yolov7-end-to-end",
        /// Boxes of two corners in pixels of the input, classes from 0, scores, and how many there
        /// are: what a suppression inside of the model leaves.
        Nms = "nms",
    }
}
named! {
    /// How four numbers are a box.
    BoxFormat {
        /// Left, top, right, bottom.
        #[default] Xyxy = "xyxy",
        /// Centre and size.
        Cxcywh = "cxcywh",
        /// Top, left, bottom, right.
        Yxyx = "yxyx",
    }
}
named! {
    /// What is resized to the size of the photo.
    Upsample {
        /// The scores, bilinearly; then the best class of each pixel is taken.
        #[default] Scores = "scores",
        /// The best class of each pixel of the model's output, to the nearest.
        Classes = "classes",
    }
}
named! {
    /// The range of a matte's numbers.
    Range {
        /// 0 to 1, as the model gives them.
        #[default] Unit = "unit",
        /// From the smallest of the picture to its largest.
        MinMax = "min-max",
    }
}
named! {
    /// What happens to a vector.
    Normalise {
        /// Nothing.
        #[default] None = "none",
        /// Divided by its length.
        L2 = "l2",
    }
}

/// Outputs by what they hold, where the decoder takes several.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields, default)]
pub struct Outputs {
    /// Boxes, and all of a decoder that takes one output.
    pub boxes: Option<String>,
    /// Scores or logits.
    pub scores: Option<String>,
    /// Classes.
    pub classes: Option<String>,
    /// How many of the rows are detections.
    pub count: Option<String>,
    /// Prototypes of masks, or masks.
    pub masks: Option<String>,
}

impl Outputs {
    /// Every role with the output that has it, in the order of the package file.
    pub fn roles(&self) -> [(&'static str, Option<&String>); 5] {
        [
            ("boxes", self.boxes.as_ref()),
            ("scores", self.scores.as_ref()),
            ("classes", self.classes.as_ref()),
            ("count", self.count.as_ref()),
            ("masks", self.masks.as_ref()),
        ]
    }

    /// Whether no output is named.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Another output of scores that a classification shows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The output.
    pub output: String,
    /// What turns scores into those shown.
    #[serde(default)]
    pub activation: Activation,
    /// Class names by index; without them a class is shown as its index, and the one number of an
    /// output by the output's name.
    #[serde(default)]
    pub classes: Vec<String>,
}

/// How the outputs become a prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Postprocess {
    /// What the outputs mean.
    pub task: Task,
    /// The output that the task is about; the first one where absent.
    #[serde(default)]
    pub output: Option<String>,
    /// What turns scores into those shown.
    #[serde(default)]
    pub activation: Activation,
    /// How many classes a prediction names at most.
    #[serde(default = "Postprocess::default_top_k")]
    pub top_k: usize,
    /// Classification: further outputs of scores.
    #[serde(default)]
    pub heads: Vec<Head>,
    /// Decimal digits that scores are rounded to, half to even; every digit where absent.
    #[serde(default)]
    pub score_digits: Option<u8>,
    /// Boxes: how the outputs encode them.
    #[serde(default)]
    pub decoder: Option<Decoder>,
    /// Boxes: the outputs, where the decoder takes several.
    #[serde(default)]
    pub outputs: Outputs,
    /// Boxes: how four numbers are a box, where that is not the decoder's own way.
    #[serde(default)]
    pub box_format: Option<BoxFormat>,
    /// Boxes: those with a score that is not higher are dropped; the decoder's own where absent.
    #[serde(default)]
    pub score_threshold: Option<f32>,
    /// Boxes: those that overlap a better one by more are dropped; the decoder's own where absent.
    #[serde(default)]
    pub iou_threshold: Option<f32>,
    /// Boxes: how many are kept at most; 300 where absent.
    #[serde(default)]
    pub max_detections: Option<usize>,
    /// Boxes: whether a box also suppresses those of other classes; the decoder's own where absent.
    #[serde(default)]
    pub class_agnostic: Option<bool>,
    /// Boxes: the index of the class that the first label names; the decoder's own where absent.
    #[serde(default)]
    pub first_class: Option<usize>,
    /// Pose: number of keypoints and of numbers for each, 2 or 3.
    #[serde(default)]
    pub keypoints: Option<[usize; 2]>,
    /// Segmentation: whether the labels begin with a background that the model leaves out.
    #[serde(default)]
    pub reduce_labels: bool,
    /// Segmentation: what is resized to the size of the photo.
    #[serde(default)]
    pub upsample: Upsample,
    /// Segmentation of one channel: from where on a pixel is foreground.
    #[serde(default)]
    pub threshold: Option<f32>,
    /// Matte: the range of the numbers.
    #[serde(default)]
    pub range: Range,
    /// Embedding: what happens to the vector.
    #[serde(default)]
    pub normalise: Normalise,
    /// Text: the index of the class that stands for no character.
    #[serde(default)]
    pub blank: usize,
}

impl Postprocess {
    /// Boxes that a prediction has at most, where the package says nothing.
    pub const MAX_DETECTIONS: usize = 300;

    fn default_top_k() -> usize {
        5
    }

    /// Post-processing for `task` with every other field at its default.
    pub fn new(task: Task) -> Self {
        Self {
            task,
            output: None,
            activation: Activation::default(),
            top_k: Self::default_top_k(),
            heads: Vec::new(),
            score_digits: None,
            decoder: None,
            outputs: Outputs::default(),
            box_format: None,
            score_threshold: None,
            iou_threshold: None,
            max_detections: None,
            class_agnostic: None,
            first_class: None,
            keypoints: None,
            reduce_labels: false,
            upsample: Upsample::default(),
            threshold: None,
            range: Range::default(),
            normalise: Normalise::default(),
            blank: 0,
        }
    }
}

impl Task {
    /// Whether a prediction is a list of boxes.
    pub fn has_boxes(self) -> bool {
        matches!(
            self,
            Self::Detection | Self::RotatedDetection | Self::Pose | Self::InstanceSegmentation
        )
    }
}

impl Decoder {
    /// The score above which the library shows a box by itself.
    pub fn score_threshold(self) -> f32 {
        match self {
            Self::YoloV8
            | Self::YoloV5
            | Self::EndToEnd
            | Self::RtDetr
            | Self::YoloNas
            | Self::YoloV7EndToEnd
            | Self::Nms => 0.25,
            Self::CustomVision => 0.01,
            Self::YoloX | Self::MmDetection => 0.3,
            Self::PicoDet => 0.4,
            _ => 0.5,
        }
    }

    /// The overlap above which the library drops the worse of two boxes; `None` where it drops none.
    pub fn iou_threshold(self) -> Option<f32> {
        match self {
            Self::YoloV8 | Self::YoloNas => Some(0.7),
            Self::YoloV5 | Self::YoloX => Some(0.45),
            Self::PicoDet => Some(0.5),
            _ => None,
        }
    }

    /// Whether the library lets a box suppress those of other classes.
    pub fn is_class_agnostic(self) -> bool {
        self == Self::YoloX
    }

    /// The index of the class that comes first in a list of labels.
    pub fn first_class(self) -> usize {
        match self {
            Self::SsdTf | Self::TorchVision => 1,
            _ => 0,
        }
    }
}

impl Decoder {
    /// Whether its rows may hold more than a box: an angle, keypoints, or coefficients of a mask.
    pub fn has_extras(self) -> bool {
        matches!(self, Self::YoloV8 | Self::YoloV5 | Self::EndToEnd)
    }

    /// Whether a model may give a mask for each box.
    pub fn has_masks(self) -> bool {
        self.has_extras() || matches!(self, Self::TorchVision | Self::MmDetection)
    }
}
