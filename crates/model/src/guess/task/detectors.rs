//! Detectors that give boxes, scores and classes as outputs of their own.

use boxwright_tensor::TensorSpec;

use super::super::answer::{Answer, Family};
use super::super::clues::Clues;
use super::super::input::Picture;
use super::super::shape::{fixed, last, named, rank};
use super::exports;
use crate::package::{Decoder, Outputs, Task};

pub(super) fn detector(clues: &Clues, picture: &Picture<'_>) -> Option<Answer> {
    transformers(clues)
        .or_else(|| d_fine(clues))
        .or_else(|| tensorflow(clues))
        .or_else(|| exports::detector(clues, picture))
        .or_else(|| torchvision(clues, picture))
        .or_else(|| picodet(clues))
        .or_else(|| unknown(clues))
}

fn output<'a>(clues: &Clues<'a>, words: &[&str]) -> Option<&'a TensorSpec> {
    clues.outputs().iter().find(|spec| named(spec, words))
}

/// DETR, RT-DETR and their kin of Transformers: logits and `pred_boxes`.
fn transformers(clues: &Clues) -> Option<Answer> {
    let boxes = output(clues, &["pred_boxes"]).filter(|spec| rank(spec) == Some(3))?;
    let logits = output(clues, &["logits"]).filter(|spec| rank(spec) == Some(3))?;
    let numbers = last(logits);
    let masked = clues
        .inputs()
        .iter()
        .any(|spec| named(spec, &["pixel_mask"]));
    let sigmoid = [
        "rtdetr",
        "dfine",
        "deformabledetr",
        "conditionaldetr",
        "dabdetr",
        "deimv2",
    ];
    let softmax = ["detr", "yolos", "tabletransformer"];
    let counted = clues.named_classes().zip(numbers);
    let (nothing, why) = if clues.architecture(&sigmoid) {
        (
            false,
            "the configuration names a model whose classes are each by itself".to_owned(),
        )
    } else if clues.architecture(&softmax) {
        (
            true,
            "the configuration names a model whose last class is for nothing".to_owned(),
        )
    } else if let Some((named, numbers)) =
        counted.filter(|(named, all)| named == all || named + 1 == *all)
    {
        let why = format!("there are {named} classes, and {numbers} logits");
        (named != numbers, why)
    } else if masked {
        (true, "it takes `pixel_mask`, as DETR does".to_owned())
    } else {
        (
            false,
            "it takes no `pixel_mask`, as RT-DETR doesn't".to_owned(),
        )
    };
    let decoder = match nothing {
        true => Decoder::Detr,
        false => Decoder::RtDetrTransformers,
    };
    let outputs = Outputs {
        boxes: Some(boxes.name.clone()),
        scores: Some(logits.name.clone()),
        ..Outputs::default()
    };
    let task = "`pred_boxes` and `logits` are what Transformers' detectors give";
    let classes = numbers.and_then(|numbers| numbers.checked_sub(u64::from(nothing)));
    Some(
        Answer::new(Task::Detection, Family::Detr, task)
            .decoder(decoder, why)
            .outputs(outputs, "the output's name")
            .classes(classes),
    )
}

/// RT-DETR, D-FINE and DEIM, exported by their authors' code.
fn d_fine(clues: &Clues) -> Option<Answer> {
    clues
        .inputs()
        .iter()
        .find(|spec| named(spec, &["orig_target_sizes"]))?;
    let outputs = Outputs {
        boxes: Some(output(clues, &["box"])?.name.clone()),
        scores: Some(output(clues, &["score"])?.name.clone()),
        classes: Some(output(clues, &["label"])?.name.clone()),
        ..Outputs::default()
    };
    let why = "it takes `orig_target_sizes`, as the exports of RT-DETR's and D-FINE's authors do";
    Some(
        Answer::new(Task::Detection, Family::DFine, why)
            .decoder(Decoder::DFine, why)
            .outputs(outputs, "the output's name"),
    )
}

/// TensorFlow's Object Detection API.
fn tensorflow(clues: &Clues) -> Option<Answer> {
    let boxes = output(clues, &["detection_boxes"]).filter(|spec| rank(spec) == Some(3))?;
    let scores = output(clues, &["detection_scores"])?;
    let classes = output(clues, &["detection_classes"])?;
    let outputs = Outputs {
        boxes: Some(boxes.name.clone()),
        scores: Some(scores.name.clone()),
        classes: Some(classes.name.clone()),
        count: output(clues, &["num_detections"]).map(|spec| spec.name.clone()),
        masks: None,
    };
    let why = "the outputs have the names of TensorFlow's Object Detection API";
    Some(
        Answer::new(Task::Detection, Family::TensorFlowDetector, why)
            .decoder(Decoder::SsdTf, why)
            .outputs(outputs, "the output's name"),
    )
}

/// torchvision's detectors: rows of boxes, scores and labels, without a batch.
fn torchvision(clues: &Clues, picture: &Picture<'_>) -> Option<Answer> {
    let outputs = clues.outputs();
    let boxes = outputs
        .iter()
        .find(|spec| rank(spec) == Some(2) && last(spec) == Some(4) && spec.datatype.is_float())?;
    let scores = outputs
        .iter()
        .find(|spec| rank(spec) == Some(1) && spec.datatype.is_float())?;
    let labels = outputs
        .iter()
        .find(|spec| rank(spec) == Some(1) && !spec.datatype.is_float())?;
    // Others of that layout give boxes of other kinds.
    let alone = !picture.batched || fixed(picture.spec, 0) == Some(1) || clues.says("torchvision");
    if !alone {
        return None;
    }
    let masks = outputs
        .iter()
        .find(|spec| rank(spec) == Some(4) && fixed(spec, 1) == Some(1));
    let task = match masks {
        Some(_) => Task::InstanceSegmentation,
        None => Task::Detection,
    };
    let named = Outputs {
        boxes: Some(boxes.name.clone()),
        scores: Some(scores.name.clone()),
        classes: Some(labels.name.clone()),
        count: None,
        masks: masks.map(|spec| spec.name.clone()),
    };
    let why = "it gives rows of boxes, whole labels and scores, as torchvision's detectors do";
    Some(
        Answer::new(task, Family::TorchVisionDetector, why)
            .decoder(Decoder::TorchVision, why)
            .outputs(named, "the output's shape and type"),
    )
}

/// PicoDet and its kin: for each stride a score and a distribution of distances.
fn picodet(clues: &Clues) -> Option<Answer> {
    let outputs = clues.outputs();
    let rows = |spec: &TensorSpec| rank(spec) == Some(3) && spec.datatype.is_float();
    if outputs.len() < 4 || !outputs.len().is_multiple_of(2) || !outputs.iter().all(rows) {
        return None;
    }
    let (scores, distances) = outputs.split_at(outputs.len() / 2);
    let classes = last(scores.first()?)?;
    let bins = last(distances.first()?)?;
    let same = |specs: &[TensorSpec], length| specs.iter().all(|spec| last(spec) == Some(length));
    let fits = same(scores, classes) && same(distances, bins) && bins % 4 == 0 && bins >= 8;
    fits.then(|| {
        let why = format!(
            "its outputs are {} pairs of scores [cells, {classes}] and distances [cells, {bins}], \
             one a stride",
            scores.len()
        );
        Answer::new(Task::Detection, Family::PicoDet, &*why)
            .decoder(Decoder::PicoDet, &*why)
            .classes(Some(classes))
    })
}

/// Boxes of a layout that nothing is known of.
fn unknown(clues: &Clues) -> Option<Answer> {
    let grid = |spec: &&TensorSpec| rank(spec) == Some(5) && last(spec) > Some(5);
    if let Some(grid) = clues.outputs().iter().find(grid) {
        return Some(Answer::raw(format!(
            "{grid} looks like YOLO's grids as they leave the network, whose anchors are not in the \
             file: export with `--grid` (YOLOv7) or by YOLOv5's own `export.py`, which decode them"
        )));
    }
    let boxes = output(clues, &["boxes", "bbox", "dets"])?;
    let why = format!(
        "{} looks like boxes, and nothing says in which units: if a decoder fits, set task, decoder \
         and outputs",
        super::super::shape::shown(boxes)
    );
    (rank(boxes) >= Some(2)).then(|| Answer::raw(why))
}
