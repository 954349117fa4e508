//! What no guess can be sure of, with the answers that are possible: one question at most, about
//! what would be wrong otherwise without a word.

use std::path::Path;

use boxwright_tensor::Dimension;

use super::answer::Family;
use super::clues::Clues;
use super::preset::Preset;
use super::shape::{last, rank};
use super::{facts, input, preparation, recipes, task};
use crate::model_file::Model;
use crate::package::{
    BoxFormat, Channels, Decoder, ImageDtype, InputKind, Package, Postprocess, Preprocess, Range,
    Resize, Task,
};

/// Numbers of keypoints that models of poses, hands and faces have.
const POSES: [u64; 5] = [5, 17, 21, 68, 133];
/// Numbers of a row of aerial pictures' rotated boxes: DOTA's 15 classes and an angle.
const DOTA: u64 = 20;
/// ImageNet's mean for blue, green and red, as Caffe's models subtract it.
const CAFFE: [f64; 3] = [103.939, 116.779, 123.68];

/// A question about a guessed package.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What is asked.
    pub title: String,
    /// Why nothing says it.
    pub why: String,
    /// What may be, the guess first.
    pub choices: Vec<Choice>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// In a few words.
    pub name: String,
    /// Whose models are so.
    pub note: String,
    /// The package, if it is this.
    pub package: Package,
}

/// What is to be asked about `package`, the guess for `model`; `None` where the model, or what lies
/// beside it, says enough.
pub fn question(model: &Model, folder: &Path, package: &Package) -> Option<Question> {
    let clues = Clues::new(model, folder);
    boxes(&clues, package)
        .or_else(|| plane(&clues, package))
        .or_else(|| numbers(&clues, package))
}

fn choice(name: &str, note: &str, package: Package) -> Choice {
    Choice {
        name: name.to_owned(),
        note: note.to_owned(),
        package,
    }
}

fn silent(clues: &Clues) -> bool {
    clues.ultralytics.is_none() && facts::stride(&clues.model.metadata).is_none()
}

/// Rows whose layout has several readings.
fn boxes(clues: &Clues, package: &Package) -> Option<Question> {
    let postprocess = &package.postprocess;
    let [output] = clues.outputs() else {
        return None;
    };
    if !silent(clues) || postprocess.task != Task::Detection || rank(output) != Some(3) {
        return None;
    }
    let choices = match postprocess.decoder? {
        Decoder::EndToEnd if !clues.says("yolo") && last(output) == Some(6) => {
            finished_boxes(package)
        }
        Decoder::YoloV8 => columns(clues, package)?,
        Decoder::YoloX | Decoder::YoloV5 if last(output) > Some(5) => cells(clues, package)?,
        _ => return None,
    };
    Some(Question {
        title: "Which boxes are right?".to_owned(),
        why: format!(
            "{output} can be read in {} ways, and the model doesn't say which.",
            choices.len()
        ),
        choices,
    })
}

fn finished_boxes(package: &Package) -> Vec<Choice> {
    let mut stretched = with_decoder(package, Decoder::RtDetr);
    unletterboxed(&mut stretched.preprocess);
    let mut parts = stretched.clone();
    parts.postprocess.box_format = Some(BoxFormat::Xyxy);
    vec![
        choice(
            "In pixels",
            "YOLOv10, YOLO26 and exports with NMS: corners, letterboxed photos",
            package.clone(),
        ),
        choice(
            "Centre and size, 0 to 1",
            "Ultralytics' RT-DETR: stretched photos",
            stretched,
        ),
        choice(
            "Corners, 0 to 1",
            "Other detectors: stretched photos",
            parts,
        ),
    ]
}

/// A column for each cell, whose numbers behind the box may be scores, keypoints or an angle.
fn columns(clues: &Clues, package: &Package) -> Option<Vec<Choice>> {
    let axes = clues.outputs().first()?.shape.as_deref()?;
    let Some(Dimension::Fixed(numbers)) = axes.get(1) else {
        return None;
    };
    if clues.named_classes().is_some() {
        return None;
    }
    let classes = |more: u64| format!("{} classes", numbers - 4 - more);
    let mut choices = vec![choice("Boxes", &classes(0), package.clone())];
    let points = (numbers - 5) / 3;
    if (numbers - 5).is_multiple_of(3) && POSES.contains(&points) {
        let mut pose = package.clone();
        pose.postprocess.task = Task::Pose;
        pose.postprocess.keypoints = Some([usize::try_from(points).ok()?, 3]);
        choices.push(choice(
            "A pose",
            &format!("1 class, {points} keypoints"),
            pose,
        ));
    }
    if *numbers == DOTA {
        let mut turned = package.clone();
        turned.postprocess.task = Task::RotatedDetection;
        choices.push(choice(
            "Rotated boxes",
            &format!("{} and an angle", classes(1)),
            turned,
        ));
    }
    (choices.len() > 1).then_some(choices)
}

/// A row for each cell, decoded in the model or not.
fn cells(clues: &Clues, package: &Package) -> Option<Vec<Choice>> {
    let named = ["yolox", "yolov5", "yolov6", "yolov7"];
    let told = clues
        .outputs()
        .first()
        .is_some_and(|spec| clues.model.output_operators.contains_key(&spec.name));
    if told || named.iter().any(|word| clues.says(word)) {
        return None;
    }
    let picture = clues.inputs().iter().find_map(input::picture)?;
    let with = |decoder: Decoder, family: Family| {
        let mut package = with_decoder(package, decoder);
        package.preprocess = recipes::of(family, clues, &picture)?.preprocess;
        Some(package)
    };
    Some(vec![
        choice(
            "On a grid",
            "YOLOX: blue first, 0 to 255",
            with(Decoder::YoloX, Family::YoloX)?,
        ),
        choice(
            "In pixels",
            "YOLOv6 and others: 0 to 1",
            with(Decoder::YoloV5, Family::Yolo)?,
        ),
    ])
}

fn with_decoder(package: &Package, decoder: Decoder) -> Package {
    let mut package = package.clone();
    package.postprocess.decoder = Some(decoder);
    package.postprocess.score_threshold = Some(decoder.score_threshold());
    package.postprocess.iou_threshold = decoder.iou_threshold();
    package
}

fn unletterboxed(preprocess: &mut Preprocess) {
    *preprocess = Preprocess {
        resize: Resize::Stretch,
        pad: None,
        long_side: None,
        size: None,
        ..preprocess.clone()
    };
}

/// One number a pixel.
fn plane(clues: &Clues, package: &Package) -> Option<Question> {
    let postprocess = &package.postprocess;
    let named = [
        "u2net", "isnet", "rembg", "depth", "ocr", "dbnet", "matting", "matte", "paddle", "segm",
    ];
    let said = clues.ultralytics.is_some() || clues.architecture(&["depth", "segmentation"]);
    let known = said || named.iter().any(|word| clues.says(word));
    if postprocess.task != Task::Matte || postprocess.range != Range::Unit || known {
        return None;
    }
    let matte = |range| Postprocess {
        range,
        ..postprocess.clone()
    };
    let with = |postprocess| Package {
        postprocess,
        ..package.clone()
    };
    let classes = Postprocess {
        task: Task::Segmentation,
        ..postprocess.clone()
    };
    Some(Question {
        title: "What does each pixel say?".to_owned(),
        why: "The model gives one number a pixel, and doesn't say what it means.".to_owned(),
        choices: vec![
            choice(
                "A matte",
                "How much is foreground, from 0 to 1",
                with(matte(Range::Unit)),
            ),
            choice("Two classes", "Foreground from 0.5 on", with(classes)),
            choice(
                "A measure",
                "Such as a distance, from the smallest to the largest",
                with(Postprocess {
                    activation: crate::package::Activation::None,
                    ..matte(Range::MinMax)
                }),
            ),
        ],
    })
}

/// The numbers that pixels become, and the order of their colours.
fn numbers(clues: &Clues, package: &Package) -> Option<Question> {
    let postprocess = &package.postprocess;
    let answers = matches!(postprocess.task, Task::Classification | Task::Segmentation);
    let picture = clues.inputs().iter().find_map(input::picture)?;
    let images = package
        .input
        .iter()
        .filter(|one| one.kind == InputKind::Image);
    let family = task::of_pictures(clues, &picture).family;
    let sure = preparation::is_sure(clues, &picture, family);
    if !answers || sure || images.count() != 1 || picture.dtype == ImageDtype::U8 {
        return None;
    }
    let mut choices: Vec<Choice> = ways(picture.channels)
        .iter()
        .map(|(name, note, preset, blue)| choice(name, note, with_numbers(package, *preset, *blue)))
        .collect();
    // The guess first.
    let same = |one: &Choice| one.package.preprocess == package.preprocess;
    let guess = choices.iter().position(same)?;
    choices[..=guess].rotate_right(1);
    Some(Question {
        title: "Which answer is right?".to_owned(),
        why: "The model doesn't say which numbers its pixels were in training.".to_owned(),
        choices,
    })
}

/// The ways that pixels become numbers: names, who does so, presets, and whether blue comes first.
fn ways(channels: u64) -> &'static [(&'static str, &'static str, Preset, bool)] {
    match channels {
        1 => &[
            (
                "0 to 1",
                "Most models of grey pictures",
                Preset::Unit,
                false,
            ),
            ("-1 to 1", "Keras, MobileNet", Preset::Tf, false),
            (
                "0 to 255",
                "Models that normalise themselves",
                Preset::Raw,
                false,
            ),
        ],
        _ => &[
            (
                "ImageNet's mean",
                "torchvision, timm",
                Preset::Imagenet,
                false,
            ),
            ("0 to 1", "Divided by 255", Preset::Unit, false),
            ("-1 to 1", "Keras, MobileNet", Preset::Tf, false),
            (
                "0 to 255",
                "Models that normalise themselves",
                Preset::Raw,
                false,
            ),
            ("0 to 1, blue first", "Fed by OpenCV", Preset::Unit, true),
            (
                "Minus the mean, blue first",
                "Caffe, Keras' VGG and ResNet",
                Preset::Raw,
                true,
            ),
        ],
    }
}

fn with_numbers(package: &Package, preset: Preset, blue_first: bool) -> Package {
    let mut package = package.clone();
    let preprocess = &mut package.preprocess;
    let channels = preprocess.channels;
    let numbers = preset.with(0, channels);
    (preprocess.mean, preprocess.std) = (numbers.mean, numbers.std);
    preprocess.arithmetic = numbers.arithmetic;
    if blue_first {
        preprocess.channels = Channels::Bgr;
        if preset == Preset::Raw {
            preprocess.mean = CAFFE.to_vec();
        }
    }
    package
}
