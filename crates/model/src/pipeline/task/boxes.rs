//! Boxes with scores, and what each has besides: an angle, keypoints, or a mask.

use boxwright_tensor::{Dimension, TensorSpec};

use super::output::{Check, fixed};
use crate::package::{BoxFormat, Decoder, Postprocess, Task};
use crate::paths;

/// Boxes with scores.
#[derive(Debug, Clone, PartialEq)]
pub struct Boxes {
    /// How the outputs encode them.
    pub decoder: Decoder,
    /// Places in the signature of the outputs that the model is run for.
    pub outputs: Vec<usize>,
    /// Which of `outputs` holds what.
    pub roles: Roles,
    /// What each box has besides.
    pub extra: Extra,
    /// How four numbers are a box, where that is not the decoder's own way.
    pub box_format: Option<BoxFormat>,
    /// Boxes with a score that is not higher are dropped.
    pub score_threshold: f32,
    /// Boxes that overlap a better one by more are dropped; `None` where none is.
    pub iou_threshold: Option<f32>,
    /// How many boxes are kept at most.
    pub max_detections: usize,
    /// Whether a box also suppresses those of other classes.
    pub class_agnostic: bool,
    /// The index of the class that the first label names.
    pub first_class: usize,
    /// Decimal digits that scores are rounded to; every digit where absent.
    pub score_digits: Option<u8>,
    /// Class names, from `first_class` on.
    pub labels: Option<Vec<String>>,
}

/// What a box has besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extra {
    /// Nothing.
    None,
    /// An angle in radians.
    Angle,
    /// So many keypoints, of so many numbers each: x, y, and with 3 a visibility.
    Keypoints(usize, usize),
    /// A mask, from coefficients of prototypes or as it is.
    Mask,
}

/// Places in [`Boxes::outputs`] by what they hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Roles {
    /// Boxes, and all of a decoder that takes one output.
    pub boxes: usize,
    /// Scores or logits.
    pub scores: Option<usize>,
    /// Classes.
    pub classes: Option<usize>,
    /// How many rows are detections.
    pub count: Option<usize>,
    /// Prototypes of masks, or masks.
    pub masks: Option<usize>,
}

impl Boxes {
    /// Whether both decode the same candidates from a model's outputs, and differ at most in which
    /// of them they keep and how these are named.
    pub fn decodes_like(&self, other: &Self) -> bool {
        let parts = |boxes: &Self| (boxes.decoder, boxes.roles, boxes.extra, boxes.box_format);
        parts(self) == parts(other) && self.outputs == other.outputs
    }

    /// The label of a class, or its index in decimal.
    pub fn class(&self, index: usize) -> String {
        let labels = self.labels.as_ref();
        let place = index.checked_sub(self.first_class);
        labels
            .and_then(|labels| labels.get(place?))
            .map_or_else(|| index.to_string(), Clone::clone)
    }
}

impl Decoder {
    /// Which outputs it takes, by role; none where it takes all of them.
    pub const fn roles(self) -> &'static [&'static str] {
        match self {
            Self::YoloV8
            | Self::YoloV5
            | Self::YoloX
            | Self::EndToEnd
            | Self::RtDetr
            | Self::YoloV7EndToEnd => &["boxes"],
            Self::Detr | Self::RtDetrTransformers => &["boxes", "scores"],
            Self::MmDetection => &["boxes", "classes"],
            Self::DFine | Self::TorchVision | Self::CustomVision => &["boxes", "scores", "classes"],
            Self::SsdTf | Self::Nms | Self::YoloNas => &["boxes", "scores", "classes", "count"],
            Self::PicoDet => &[],
        }
    }
}

/// Whether a decoder can do without an output of a role.
fn is_optional(decoder: Decoder, role: &str) -> bool {
    role == "count" || decoder == Decoder::YoloNas && role != "boxes"
}

pub(super) fn resolve(check: &mut Check<'_>) -> Option<Boxes> {
    let postprocess = check.postprocess;
    // Its absence is a problem of the package itself.
    let decoder = postprocess.decoder?;
    let extra = match (postprocess.task, postprocess.keypoints) {
        (Task::RotatedDetection, _) => Extra::Angle,
        (Task::Pose, Some([count, numbers])) => Extra::Keypoints(count, numbers),
        (Task::InstanceSegmentation, _) => Extra::Mask,
        _ => Extra::None,
    };
    let (outputs, roles) = match decoder {
        Decoder::PicoDet => (
            (0..check.signature.outputs.len()).collect(),
            Roles::default(),
        ),
        _ => places(check, decoder, extra)?,
    };
    let before = check.problems.len();
    check_shapes(check, decoder, extra, &outputs, roles);
    if check.problems.len() > before {
        return None;
    }
    // Two of YOLO-NAS' three forms have been through a suppression.
    let suppressed =
        decoder == Decoder::YoloNas && (roles.scores.is_none() || roles.classes.is_some());
    Some(Boxes {
        decoder,
        outputs,
        roles,
        extra,
        box_format: postprocess.box_format,
        score_threshold: postprocess
            .score_threshold
            .unwrap_or_else(|| decoder.score_threshold()),
        iou_threshold: postprocess
            .iou_threshold
            .or_else(|| decoder.iou_threshold().filter(|_| !suppressed)),
        max_detections: postprocess
            .max_detections
            .unwrap_or(Postprocess::MAX_DETECTIONS),
        class_agnostic: postprocess
            .class_agnostic
            .unwrap_or_else(|| decoder.is_class_agnostic()),
        first_class: postprocess
            .first_class
            .unwrap_or_else(|| first_class(decoder, check.labels)),
        score_digits: postprocess.score_digits,
        labels: check.owned_labels(),
    })
}

/// A list that names the background has a line for it.
fn first_class(decoder: Decoder, labels: Option<&[String]>) -> usize {
    let first = labels.and_then(|labels| labels.first());
    let background = first.is_some_and(|label| {
        let word = label.trim_matches('_').to_lowercase();
        ["background", "bg", "n/a", "unlabeled"].contains(&&*word)
    });
    if background { 0 } else { decoder.first_class() }
}

/// The outputs that the package names for the roles, else those that fit by their names and shapes.
fn places(check: &mut Check<'_>, decoder: Decoder, extra: Extra) -> Option<(Vec<usize>, Roles)> {
    let mut outputs = Vec::new();
    let mut roles = Roles::default();
    let named = check.postprocess.outputs.clone();
    let wanted = decoder.roles().iter().copied();
    let masks = (extra == Extra::Mask).then_some("masks");
    for role in wanted.chain(masks) {
        let name = named.roles().into_iter().find(|(one, _)| *one == role)?.1;
        let is_alone = role == "boxes" && decoder.roles().len() == 1;
        let place = match (name, &check.postprocess.output) {
            (Some(name), _) => check.place(&format!("postprocess.outputs.{role}"), name)?,
            (None, Some(name)) if is_alone => check.place("postprocess.output", name)?,
            (None, _) => match role_by_shape(check, decoder, role, &outputs) {
                Some(place) => place,
                None if is_optional(decoder, role) => continue,
                None => {
                    let message = format!(
                        "`{decoder}` takes an output with the {role}, and none of the model's \
                         looks like it: name it as `outputs.{role}`"
                    );
                    check.add("postprocess.outputs", message);
                    return None;
                }
            },
        };
        let index = outputs.len();
        outputs.push(place);
        match role {
            "scores" => roles.scores = Some(index),
            "classes" => roles.classes = Some(index),
            "count" => roles.count = Some(index),
            "masks" => roles.masks = Some(index),
            _ => roles.boxes = index,
        }
    }
    Some((outputs, roles))
}

fn role_by_shape(
    check: &Check<'_>,
    decoder: Decoder,
    role: &str,
    taken: &[usize],
) -> Option<usize> {
    let outputs = &check.signature.outputs;
    let free = || (0..outputs.len()).filter(|place| !taken.contains(place));
    if role == "boxes" && decoder.roles().len() == 1 {
        // Prototypes have an axis more.
        return free().find(|place| rank(&outputs[*place]) != Some(4));
    }
    let words: &[&str] = match role {
        "boxes" if decoder == Decoder::MmDetection => &["dets", "box"],
        "boxes" => &["box", "flat_predictions"],
        "scores" => &["score", "logit", "prob"],
        "classes" => &["class", "label"],
        "count" => &["num"],
        _ => &["mask", "proto"],
    };
    let says = |place: &usize| {
        let name = outputs[*place].name.to_lowercase();
        words.iter().any(|word| name.contains(word))
    };
    free().find(says).or_else(|| {
        free().find(|place| {
            let spec = &outputs[*place];
            let last = spec.shape.as_deref().and_then(|axes| fixed(axes.last()));
            match role {
                "boxes" => last == Some(numbers_of_box(decoder)),
                "scores" => spec.datatype.is_float() && last != Some(4),
                "classes" => !spec.datatype.is_float(),
                "count" => rank(spec) == Some(1) && decoder == Decoder::SsdTf,
                _ => rank(spec) == Some(4),
            }
        })
    })
}

/// How many numbers a row of boxes has, where scores and classes lie apart.
fn numbers_of_box(decoder: Decoder) -> u64 {
    match decoder {
        Decoder::MmDetection => 5,
        _ => 4,
    }
}

fn rank(spec: &TensorSpec) -> Option<usize> {
    spec.shape.as_deref().map(<[_]>::len)
}

/// Refuses shapes that the decoder can't read, and says which it expects.
fn check_shapes(
    check: &mut Check<'_>,
    decoder: Decoder,
    extra: Extra,
    outputs: &[usize],
    roles: Roles,
) {
    let more = match extra {
        Extra::None | Extra::Mask => 0,
        Extra::Angle => 1,
        Extra::Keypoints(count, numbers) => count as u64 * numbers as u64,
    };
    let (rows, expected, least): (usize, String, u64) = match decoder {
        Decoder::YoloV8 => (1, "[N, 4 + classes + extras, boxes]".into(), 5 + more),
        Decoder::YoloV5 | Decoder::YoloX => (2, "[N, boxes, 5 + classes]".into(), 6),
        Decoder::EndToEnd => (2, format!("[N, boxes, {}]", 6 + more), 6 + more),
        Decoder::RtDetr => (2, "[N, boxes, 4 + classes]".into(), 5),
        Decoder::PicoDet => return check_picodet(check),
        Decoder::YoloV7EndToEnd => (2, "[boxes, 7]".into(), 7),
        Decoder::YoloNas if roles.scores.is_none() => (2, "[boxes, 7]".into(), 7),
        Decoder::MmDetection => (2, "[N, boxes, 5]".into(), 5),
        _ => (2, "[N, boxes, 4]".into(), 4),
    };
    let spec = check.spec(outputs[roles.boxes]).clone();
    let axes = spec.shape.as_deref();
    let fits = axes.is_none_or(|axes| {
        let rank = axes.len();
        // Models without a batch give rows alone.
        let row = match rank {
            3 => axes.get(rows),
            2 => axes.get(rows - 1),
            _ => return false,
        };
        match (decoder, fixed(row)) {
            (_, None) => true,
            (Decoder::EndToEnd, Some(length)) if extra == Extra::Mask => length > 6,
            (Decoder::EndToEnd | Decoder::YoloV7EndToEnd, Some(length)) => length == least,
            (_, Some(length)) if decoder.roles().len() > 1 => length == least,
            (_, Some(length)) => length >= least,
        }
    });
    if !fits || !spec.datatype.is_float() {
        let message = format!(
            "`{decoder}` takes {expected}, and the model's output `{}` is {spec}",
            paths::shown(&spec.name)
        );
        check.add("postprocess.decoder", message);
    }
}

/// PicoDet's outputs come in pairs: a score and a distribution for each stride.
fn check_picodet(check: &mut Check<'_>) {
    let outputs = &check.signature.outputs;
    let paired = outputs.len() >= 2 && outputs.len().is_multiple_of(2);
    let rows = |spec: &TensorSpec| match spec.shape.as_deref() {
        Some([_, Dimension::Fixed(_) | Dimension::Dynamic(_), last]) => fixed(Some(last)).is_some(),
        _ => false,
    };
    if !paired || !outputs.iter().all(rows) {
        let message = "`picodet` takes, for each stride, scores [N, cells, classes] and distances \
                       [N, cells, 4 · (most + 1)], with fixed last axes"
            .to_owned();
        check.add("postprocess.decoder", message);
    }
}
