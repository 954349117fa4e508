//! What is guessed of the outputs, and the kind of model that says how pictures are prepared.

use super::clues::Reasons;
use crate::package::{Activation, Decoder, Outputs, Postprocess, Task};

/// Families of models that prepare pictures alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Ultralytics' and YOLOv5's: letterboxed in grey.
    Yolo,
    /// Ultralytics' RT-DETR: stretched.
    YoloStretched,
    /// YOLOX: blue first, 0–255, padded right and below.
    YoloX,
    /// RT-DETR, D-FINE and DEIM by their authors.
    DFine,
    /// TensorFlow's Object Detection API.
    TensorFlowDetector,
    /// torchvision's detectors, which resize themselves.
    TorchVisionDetector,
    /// PaddleDetection's PicoDet.
    PicoDet,
    /// DETR of Transformers.
    Detr,
    /// Azure Custom Vision's detectors.
    CustomVision,
    /// MMDetection's two-stage detectors and others of its usual recipe.
    MmDetection,
    /// RTMDet of MMDetection.
    RtmDet,
    /// SuperGradients' YOLO-NAS.
    YoloNas,
    /// torchvision's segmentation models.
    TorchVisionSegmentation,
    /// SegFormer and UperNet of Transformers.
    SegFormer,
    /// TensorFlow's DeepLab.
    DeepLab,
    /// U²-Net and IS-Net, as rembg runs them.
    U2Net,
    /// Depth Anything and other models on DINOv2.
    Depth,
    /// PP-OCR's text detector.
    TextDetector,
    /// PP-OCR's recogniser.
    TextRecogniser,
    /// PP-OCR's classifier of a line's direction.
    TextDirection,
    /// ArcFace and other models of aligned faces.
    ArcFace,
    /// CLIP.
    Clip,
    /// Every pixel has an answer, and any size is taken.
    Dense,
    /// Any other.
    Other,
}

/// What the outputs mean.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) postprocess: Postprocess,
    /// How many classes there are, where that is fixed.
    pub(crate) classes: Option<u64>,
    pub(crate) family: Family,
    /// Fields of `[postprocess]` with their reasons.
    reasons: Vec<(&'static str, String)>,
}

impl Answer {
    /// A guessed task and why.
    pub(crate) fn new(task: Task, family: Family, why: impl Into<String>) -> Self {
        Self {
            postprocess: Postprocess {
                activation: Activation::None,
                ..Postprocess::new(task)
            },
            classes: None,
            family,
            reasons: vec![("task", why.into())],
        }
    }

    /// The outputs as they are.
    pub(crate) fn raw(why: impl Into<String>) -> Self {
        Self::new(Task::Raw, Family::Other, why)
    }

    pub(crate) fn classes(mut self, classes: Option<u64>) -> Self {
        self.classes = classes;
        self
    }

    pub(crate) fn output(mut self, name: &str, why: impl Into<String>) -> Self {
        self.postprocess.output = Some(name.to_owned());
        self.reasons.push(("output", why.into()));
        self
    }

    pub(crate) fn activation(mut self, activation: Activation, why: impl Into<String>) -> Self {
        self.postprocess.activation = activation;
        self.reasons.push(("activation", why.into()));
        self
    }

    /// A decoder, with the thresholds that its library has by itself.
    pub(crate) fn decoder(mut self, decoder: Decoder, why: impl Into<String>) -> Self {
        let own = "what the library has by itself";
        self.postprocess.decoder = Some(decoder);
        self.postprocess.score_threshold = Some(decoder.score_threshold());
        self.postprocess.iou_threshold = decoder.iou_threshold();
        self.reasons.push(("decoder", why.into()));
        self.reasons.push(("score_threshold", own.to_owned()));
        if self.postprocess.iou_threshold.is_some() {
            self.reasons.push(("iou_threshold", own.to_owned()));
        }
        self
    }

    /// As [`decoder`](Self::decoder), of a model that has suppressed boxes itself.
    pub(crate) fn suppressed(self, decoder: Decoder, why: impl Into<String>) -> Self {
        let mut answer = self.decoder(decoder, why);
        answer.postprocess.iou_threshold = None;
        answer
            .reasons
            .retain(|(field, _)| *field != "iou_threshold");
        answer
    }

    pub(crate) fn outputs(mut self, outputs: Outputs, why: &str) -> Self {
        let roles = outputs.roles().map(|(role, name)| (role, name.is_some()));
        self.postprocess.outputs = outputs;
        for (role, _) in roles.into_iter().filter(|(_, named)| *named) {
            self.because(field_of(role), why);
        }
        self
    }

    pub(crate) fn keypoints(mut self, keypoints: [usize; 2], why: &str) -> Self {
        self.postprocess.keypoints = Some(keypoints);
        self.because("keypoints", why);
        self
    }

    /// The reason for a field of `[postprocess]`.
    pub(crate) fn because(&mut self, field: &'static str, why: impl Into<String>) {
        self.reasons.push((field, why.into()));
    }

    /// Adds the reasons to those of the whole package.
    pub(crate) fn tell(&self, reasons: &mut Reasons) {
        for (field, why) in &self.reasons {
            reasons.add(format!("postprocess.{field}"), why.clone());
        }
    }
}

fn field_of(role: &str) -> &'static str {
    match role {
        "boxes" => "outputs.boxes",
        "scores" => "outputs.scores",
        "classes" => "outputs.classes",
        "count" => "outputs.count",
        _ => "outputs.masks",
    }
}
