//! Outputs with an answer for every pixel.

use boxwright_tensor::{Dimension, TensorSpec};

use super::answer::{Answer, Family};
use super::clues::Clues;
use super::input::Picture;
use super::labels;
use super::shape::{fixed, named, rank, shown};
use crate::package::{Activation, Range, Task, Upsample};

/// Most classes of a segmentation: those of the largest data sets in use.
const MOST_CLASSES: u64 = 1500;

/// Segmentation by Ultralytics.
pub(super) fn semantic(clues: &Clues, family: Family, says: &str) -> Answer {
    match clues.outputs().iter().find(|spec| planes(spec).is_some()) {
        Some(spec) => classes(clues, spec, family, says),
        None => Answer::raw(format!(
            "{says}, and no output holds one class a pixel: set task and output"
        )),
    }
}

/// One distance a pixel.
pub(super) fn depth(clues: &Clues, family: Family, says: &str) -> Answer {
    match clues
        .outputs()
        .iter()
        .find(|spec| planes(spec) == Some(Planes::One))
    {
        Some(spec) => scaled(spec, family, says),
        None => Answer::raw(format!(
            "{says}, and no output holds one number a pixel: set task and output"
        )),
    }
}

/// What the planes of an output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planes {
    /// One number a pixel.
    One,
    /// One number a class and pixel; how many classes, where that is fixed.
    Classes(Option<u64>),
    /// The best class of each pixel.
    Best,
}

fn planes(spec: &TensorSpec) -> Option<Planes> {
    let float = spec.datatype.is_float();
    match (rank(spec)?, float) {
        (4, true) => match fixed(spec, 1) {
            Some(1) => Some(Planes::One),
            Some(count) => (count <= MOST_CLASSES).then_some(Planes::Classes(Some(count))),
            None => Some(Planes::Classes(None)),
        },
        (3, true) => Some(Planes::One),
        (4, false) => (fixed(spec, 1) == Some(1)).then_some(Planes::Best),
        (3, false) => Some(Planes::Best),
        _ => None,
    }
}

/// What an output for every pixel answers, if one is there.
pub(super) fn answer(clues: &Clues, picture: &Picture<'_>) -> Option<Answer> {
    let segments = clues.architecture(&[
        "semanticsegmentation",
        "segformer",
        "upernet",
        "beit",
        "mobilevitv2",
        "dpt",
    ]);
    let distances = clues.architecture(&["depth"]) || clues.says("depth");
    let mut outputs = clues.outputs().iter();
    let spec = outputs.find(|spec| {
        planes(spec).is_some_and(|planes| fits(clues, spec, planes, picture, segments, distances))
    })?;
    let planes = planes(spec)?;
    let shape = format!(
        "{} is {spec}, as large as the picture or a part of it",
        shown(spec)
    );
    if distances || named(spec, &["depth"]) {
        let why = format!("{shape}, and is called depth");
        return (planes == Planes::One).then(|| scaled(spec, Family::Depth, &why));
    }
    Some(match planes {
        Planes::One => matte(clues, spec, &shape),
        Planes::Best => {
            let family = match named(spec, &["semanticpredictions"]) || clues.says("deeplab") {
                true if !picture.batched || picture.is_open() => Family::DeepLab,
                _ => Family::Dense,
            };
            classes(clues, spec, family, &shape)
        }
        Planes::Classes(_) => {
            let torchvision = named(spec, &["out"]) && !named(spec, &["output"])
                || ["torchvision", "fcn_resnet", "lraspp"]
                    .iter()
                    .any(|word| clues.says(word));
            let family = match (segments, torchvision) {
                (true, _) => Family::SegFormer,
                (_, true) => Family::TorchVisionSegmentation,
                _ => Family::Dense,
            };
            classes(clues, spec, family, &shape)
        }
    })
}

/// Whether the output has a place for each pixel of the picture, or for each few.
fn fits(
    clues: &Clues,
    spec: &TensorSpec,
    planes: Planes,
    picture: &Picture<'_>,
    segments: bool,
    distances: bool,
) -> bool {
    let axes = spec.shape.as_deref().unwrap_or_default();
    let [.., height, width] = axes else {
        return false;
    };
    let side = |axis: &Dimension, side: Option<u32>| match (axis, side) {
        (Dimension::Fixed(length), Some(side)) => {
            let side = u64::from(side);
            // A vector for each of a few patches is no answer for pixels.
            *length > 1 && side.is_multiple_of(*length) && side / length <= 8
        }
        (Dimension::Fixed(length), None) => *length > 1 && segments,
        (Dimension::Dynamic(_), _) => true,
    };
    let sized = side(height, picture.height) && side(width, picture.width);
    let open = matches!(
        (height, width),
        (Dimension::Dynamic(_), Dimension::Dynamic(_))
    );
    let sure = !open || segments || distances || spelled(height, width) || picture.is_open();
    sized
        && match planes {
            // As many channels as the picture has are rather a picture that comes out.
            Planes::Classes(Some(count)) if count == picture.channels => {
                sure && (segments || clues.named_classes() == Some(count) || clues.says("seg"))
            }
            Planes::Classes(None) => {
                segments || spelled(height, width) && clues.named_classes().is_some()
            }
            // Rows of vectors, such as tokens, have three axes too.
            Planes::One if axes.len() == 3 => {
                !open || distances || spelled(height, width) && !named(spec, &["hidden"])
            }
            _ => sure,
        }
}

/// Whether the axes are called as a picture's are.
fn spelled(height: &Dimension, width: &Dimension) -> bool {
    let has = |axis: &Dimension, word: &str| match axis {
        Dimension::Dynamic(name) => name.to_lowercase().contains(word),
        Dimension::Fixed(_) => true,
    };
    has(height, "h") && has(width, "w")
}

/// One class a pixel.
fn classes(clues: &Clues, spec: &TensorSpec, family: Family, why: &str) -> Answer {
    let count = match planes(spec) {
        Some(Planes::Classes(count)) => count,
        _ => None,
    };
    let mut answer = Answer::new(Task::Segmentation, family, why)
        .output(&spec.name, why)
        .classes(count);
    if family == Family::TorchVisionSegmentation {
        answer.postprocess.upsample = Upsample::Classes;
        answer.because(
            "upsample",
            "torchvision takes the best class at the input's size",
        );
    } else if count.is_none() && !spec.datatype.is_float() {
        answer.postprocess.upsample = Upsample::Classes;
        answer.because(
            "upsample",
            "the model gives the best class of each pixel itself",
        );
    }
    if labels::reduces(clues) {
        answer.postprocess.reduce_labels = true;
        answer.because("reduce_labels", "preprocessor_config.json says so");
    }
    answer
}

/// How much of each pixel belongs to the foreground.
fn matte(clues: &Clues, spec: &TensorSpec, why: &str) -> Answer {
    let says = |words: &[&str]| words.iter().any(|word| clues.says(word));
    // U²-Net has a map of each of its stages beside the whole one.
    let maps = clues
        .outputs()
        .iter()
        .filter(|spec| planes(spec) == Some(Planes::One))
        .count();
    if maps == 7 || says(&["u2net", "u-2-net", "isnet", "is-net", "silueta", "rembg"]) {
        let why = format!("{why}; its {maps} maps or its name are U²-Net's");
        return scaled(spec, Family::U2Net, &why);
    }
    let text = says(&["ppocr", "pp-ocr", "dbnet", "text_det", "textdet"])
        || clues.words.contains("paddle")
            && spec.shape.as_deref().is_some_and(|axes| axes.len() == 4);
    let family = if text {
        Family::TextDetector
    } else {
        Family::Dense
    };
    let answer = Answer::new(Task::Matte, family, why).output(&spec.name, why);
    match clues.last_operator(spec) {
        Some(last @ ("Sigmoid" | "HardSigmoid" | "Clip" | "Softmax")) => answer.activation(
            Activation::None,
            format!("the model ends with {last} itself"),
        ),
        Some("Conv" | "ConvTranspose" | "Resize" | "Upsample") => {
            let why = "the model ends without a sigmoid, so its numbers are logits";
            answer.activation(Activation::Sigmoid, why)
        }
        _ => answer.activation(Activation::None, "most models of mattes give 0 to 1"),
    }
}

/// One number a pixel, shown from the smallest of a picture to its largest.
fn scaled(spec: &TensorSpec, family: Family, why: &str) -> Answer {
    let mut answer = Answer::new(Task::Matte, family, why).output(&spec.name, why);
    answer.postprocess.range = Range::MinMax;
    answer.because(
        "range",
        "its numbers have no range of their own: a picture's smallest is black",
    );
    answer
}
