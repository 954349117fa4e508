//! Detectors that are told by the names that their exporter gives to outputs.

use boxwright_tensor::TensorSpec;

use super::super::answer::{Answer, Family};
use super::super::clues::Clues;
use super::super::input::Picture;
use super::super::shape::{fixed, last, named, rank, shown};
use super::yolo;
use crate::package::{Decoder, Outputs, Task};

pub(super) fn detector(clues: &Clues, picture: &Picture<'_>) -> Option<Answer> {
    custom_vision(clues)
        .or_else(|| mmdetection(clues))
        .or_else(|| yolo_nas(clues, picture))
        .or_else(|| flat(clues))
        .or_else(|| counted(clues))
}

fn output<'a>(clues: &Clues<'a>, fits: impl Fn(&TensorSpec) -> bool) -> Option<&'a TensorSpec> {
    clues.outputs().iter().find(|spec| fits(spec))
}

/// The output called so, whatever stands before a `/`, `:` or the like.
fn called<'a>(clues: &Clues<'a>, words: &[&str]) -> Option<&'a TensorSpec> {
    let is = |spec: &TensorSpec| words.contains(&&*spec.name.to_lowercase());
    output(clues, is)
}

fn name(spec: &TensorSpec) -> Option<String> {
    Some(spec.name.clone())
}

/// Azure Custom Vision.
fn custom_vision(clues: &Clues) -> Option<Answer> {
    let find = |word: &str| output(clues, |spec| named(spec, &[word]));
    let outputs = Outputs {
        boxes: name(find("detected_boxes")?),
        scores: name(find("detected_scores")?),
        classes: name(find("detected_classes")?),
        ..Outputs::default()
    };
    let why = "the outputs have the names of Custom Vision's exports, whose boxes are parts of the \
               photo";
    Some(
        Answer::new(Task::Detection, Family::CustomVision, why)
            .decoder(Decoder::CustomVision, why)
            .outputs(outputs, "the output's name"),
    )
}

/// MMDetection by MMDeploy: `dets` of two corners and a score, and `labels`.
fn mmdetection(clues: &Clues) -> Option<Answer> {
    let dets = called(clues, &["dets", "bboxes"]).filter(|spec| last(spec) == Some(5))?;
    let labels = called(clues, &["labels"])?;
    let masks = called(clues, &["masks"]).filter(|spec| rank(spec) == Some(4));
    let outputs = Outputs {
        boxes: name(dets),
        classes: name(labels),
        masks: masks.and_then(name),
        ..Outputs::default()
    };
    let (task, family) = match masks {
        Some(_) => (Task::InstanceSegmentation, family_of_mmdetection(clues)),
        None => (Task::Detection, family_of_mmdetection(clues)),
    };
    let why = format!(
        "{} and {} are what MMDeploy's exports of MMDetection give",
        shown(dets),
        shown(labels)
    );
    Some(
        Answer::new(task, family, &*why)
            .decoder(Decoder::MmDetection, &*why)
            .outputs(outputs, "the output's name"),
    )
}

fn family_of_mmdetection(clues: &Clues) -> Family {
    match (clues.says("rtmdet"), clues.says("yolox")) {
        (true, _) => Family::RtmDet,
        (_, true) => Family::YoloX,
        _ => Family::MmDetection,
    }
}

/// SuperGradients' YOLO-NAS, before its suppression and after it.
fn yolo_nas(clues: &Clues, picture: &Picture<'_>) -> Option<Answer> {
    if let Some(rows) = output(clues, |spec| named(spec, &["flat_predictions"]))
        .filter(|spec| rank(spec) == Some(2) && last(spec) == Some(7))
    {
        let why = format!(
            "{} holds photo, box, score and class a row, as SuperGradients' flat exports do",
            shown(rows)
        );
        let outputs = Outputs {
            boxes: name(rows),
            ..Outputs::default()
        };
        return Some(
            Answer::new(Task::Detection, Family::YoloNas, &*why)
                .suppressed(Decoder::YoloNas, &*why)
                .outputs(outputs, "the output's name"),
        );
    }
    if let Some(count) = called(clues, &["num_predictions"]) {
        let outputs = Outputs {
            boxes: name(called(clues, &["pred_boxes"])?),
            scores: name(called(clues, &["pred_scores"])?),
            classes: name(called(clues, &["pred_classes"])?),
            count: name(count),
            masks: None,
        };
        let why = "the outputs have the names of SuperGradients' exports with suppression";
        return Some(
            Answer::new(Task::Detection, Family::YoloNas, why)
                .suppressed(Decoder::YoloNas, why)
                .outputs(outputs, "the output's name"),
        );
    }
    let (boxes, scores) = rows_apart(clues, picture)?;
    let by_name = named(boxes, &["pre_nms"]) || clues.says("nas") || clues.says("ppyoloe");
    let why = match by_name {
        true => format!(
            "{} and {} are boxes and scores before suppression, as SuperGradients exports them",
            shown(boxes),
            shown(scores)
        ),
        false => format!(
            "{} holds a box a cell and {} its scores, as YOLO-NAS has them",
            shown(boxes),
            shown(scores)
        ),
    };
    let outputs = Outputs {
        boxes: name(boxes),
        scores: name(scores),
        ..Outputs::default()
    };
    Some(
        Answer::new(Task::Detection, Family::YoloNas, &*why)
            .decoder(Decoder::YoloNas, &*why)
            .outputs(outputs, "the output's shape")
            .classes(last(scores)),
    )
}

/// Boxes `[N, cells, 4]` and scores `[N, cells, C]` alone, with as many cells as YOLO has. Others, such
/// as SSD's, have boxes of another kind.
fn rows_apart<'a>(
    clues: &Clues<'a>,
    picture: &Picture<'_>,
) -> Option<(&'a TensorSpec, &'a TensorSpec)> {
    let [one, other] = clues.outputs() else {
        return None;
    };
    let rows = |spec: &TensorSpec| rank(spec) == Some(3) && spec.datatype.is_float();
    if !rows(one) || !rows(other) {
        return None;
    }
    let axis = |spec: &'a TensorSpec| spec.shape.as_deref()?.get(1);
    let (boxes, scores) = match (last(one), last(other)) {
        (Some(4), Some(_)) => (one, other),
        (Some(_), Some(4)) => (other, one),
        _ => return None,
    };
    let whole = yolo::cells(picture, &[8, 16, 32]);
    let grids = whole.is_some() && whole == fixed(boxes, 1);
    let said = named(boxes, &["pre_nms"]) || clues.says("yolo_nas") || clues.says("yolonas");
    (axis(boxes) == axis(scores) && (grids || said)).then_some((boxes, scores))
}

/// `[N, 7]`: photo, box, class and score, of YOLOv7's and YOLOv6's exports with suppression.
fn flat(clues: &Clues) -> Option<Answer> {
    let [rows] = clues.outputs() else {
        return None;
    };
    if rank(rows) != Some(2) || last(rows) != Some(7) || !rows.datatype.is_float() {
        return None;
    }
    let open = fixed(rows, 0).is_none();
    if !(open || clues.says("yolo")) {
        return None;
    }
    let last_operators = clues.last_operator(rows);
    if !clues.says("yolo") && !matches!(last_operators, Some("Concat" | "Cast")) {
        return None;
    }
    let why = format!(
        "{rows} holds photo, box, class and score a row, as YOLOv7's exports with suppression have"
    );
    Some(
        Answer::new(Task::Detection, Family::Yolo, &*why)
            .decoder(Decoder::YoloV7EndToEnd, &*why)
            .output(&rows.name, why),
    )
}

/// Boxes, scores, classes and their number: YOLOs with a suppression in the model.
fn counted(clues: &Clues) -> Option<Answer> {
    let count = called(clues, &["num_dets", "num_detections", "num_boxes"])?;
    let boxes = called(clues, &["det_boxes", "boxes", "bboxes", "nmsed_boxes"])?;
    let scores = called(clues, &["det_scores", "scores", "nmsed_scores"])?;
    let classes = called(
        clues,
        &["det_classes", "labels", "classes", "nmsed_classes"],
    )?;
    if last(boxes) != Some(4) {
        return None;
    }
    let outputs = Outputs {
        boxes: name(boxes),
        scores: name(scores),
        classes: name(classes),
        count: name(count),
        masks: None,
    };
    let why = format!(
        "{} says how many of {}, {} and {} are detections, as YOLOs with a suppression in the model \
         have it",
        shown(count),
        shown(boxes),
        shown(scores),
        shown(classes)
    );
    let family = match clues.says("rtmdet") {
        true => Family::RtmDet,
        false => Family::Yolo,
    };
    Some(
        Answer::new(Task::Detection, family, &*why)
            .decoder(Decoder::Nms, &*why)
            .outputs(outputs, "the output's name"),
    )
}
