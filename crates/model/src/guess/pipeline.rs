//! How pictures were probably prepared when the model was trained.

use super::clues::{Clues, Reasons};
use super::config::{self, Configured};
use super::input::{self, Picture};
use super::preset::Preset;
use super::preset::USUAL_SIDE;
use crate::package::{Channels, Crop, ImageDtype, Layout, Preprocess, Resize};

/// Width, height and preprocessing.
pub(crate) fn preprocess(
    clues: &Clues,
    picture: &Picture,
    reasons: &mut Reasons,
) -> (u32, u32, Preprocess) {
    let (preprocess, width, height) = match configured(clues, picture.channels == 1) {
        Some((found, file)) => {
            let why = format!("from {file} beside the model");
            size_reasons(picture, &why, reasons);
            let width = picture.width.unwrap_or(found.width);
            let height = picture.height.unwrap_or(found.height);
            pipeline_reasons(&found.preprocess, &why, reasons);
            (rescaled(&found, width.max(height)), width, height)
        }
        None => preset(clues, picture, reasons),
    };
    (width, height, preprocess)
}

fn configured(clues: &Clues, grey: bool) -> Option<(Configured, &'static str)> {
    let processor = clues
        .processor
        .as_ref()
        .and_then(|config| config::processor(config, grey));
    processor
        .map(|found| (found, "preprocessor_config.json"))
        .or_else(|| {
            let found = config::timm(clues.config.as_ref()?, grey)?;
            Some((found, "config.json"))
        })
}

/// A configuration may be for another size than the model was exported with.
fn rescaled(found: &Configured, longest: u32) -> Preprocess {
    let mut preprocess = found.preprocess.clone();
    let was = found.width.max(found.height);
    if let Some(size) = preprocess.size.filter(|_| longest != was) {
        let scaled = u64::from(size) * u64::from(longest) / u64::from(was);
        preprocess.size = u32::try_from(scaled).ok().map(|size| size.max(longest));
    }
    preprocess
}

/// A preset, and the size that the model fixes or that its name tells.
fn preset(clues: &Clues, picture: &Picture, reasons: &mut Reasons) -> (Preprocess, u32, u32) {
    let (width, height, why) = usual_size(clues, picture);
    size_reasons(picture, &why, reasons);
    let (width, height) = (
        picture.width.unwrap_or(width),
        picture.height.unwrap_or(height),
    );
    let channels = if picture.channels == 1 {
        Channels::Grey
    } else {
        Channels::Rgb
    };
    let (preset, why) = choose(clues, picture);
    let mut preprocess = preset.with(width.max(height), channels);
    if let Some(classify) = ultralytics_classifier(clues, width.max(height)) {
        preprocess = Preprocess { ..classify };
    }
    let why = format!("{why}: the preset `{preset}`");
    pipeline_reasons(&preprocess, &why, reasons);
    (preprocess, width, height)
}

/// Width and height for a model that does not fix both, and why.
fn usual_size(clues: &Clues, picture: &Picture) -> (u32, u32, String) {
    if let Some((width, height)) = size_in_metadata(clues) {
        let why = format!("the model's metadata says {width} × {height}");
        return (width, height, why);
    }
    if let Some(side) = picture.width.or(picture.height) {
        let why = format!("the model fixes the other side at {side}, and most take squares");
        return (side, side, why);
    }
    if let Some(side) = size_in_name(&clues.words) {
        return (side, side, format!("the model's name says {side}"));
    }
    if clues.says("ultralytics") && !classifies(clues) {
        let why = "the model takes any size, and Ultralytics' models are mostly trained on 640";
        return (640, 640, why.to_owned());
    }
    let why = format!("the model takes any size, and most were trained on {USUAL_SIDE}");
    (USUAL_SIDE, USUAL_SIDE, why)
}

/// `imgsz` of Ultralytics' exports: `[height, width]`, or one number.
fn size_in_metadata(clues: &Clues) -> Option<(u32, u32)> {
    let text = clues.model.metadata.get("imgsz")?;
    let (height, width) = match serde_json::from_str(text).ok()? {
        Sides::Both(height, width) => (height, width),
        Sides::One(side) => (side, side),
    };
    let is_side = |side| (1..=input::LONGEST_SIDE).contains(&side);
    (is_side(width) && is_side(height)).then_some((width, height))
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Sides {
    Both(u32, u32),
    One(u32),
}

fn choose(clues: &Clues, picture: &Picture) -> (Preset, String) {
    let says = |word: &str| clues.says(word);
    if says("efficientnet") && says("lite") {
        return (
            Preset::EfficientnetLite,
            "the model calls itself EfficientNet-Lite".to_owned(),
        );
    }
    if picture.dtype == ImageDtype::U8 {
        return (
            Preset::Raw,
            "the model takes bytes, so it normalises them itself".to_owned(),
        );
    }
    if says("ultralytics") {
        return (Preset::Unit, "Ultralytics' models take 0 to 1".to_owned());
    }
    if picture.channels == 1 {
        return (
            Preset::Unit,
            "models of grey pictures mostly take 0 to 1".to_owned(),
        );
    }
    let tensorflow = ["tf2onnx", "keras", "tensorflow"]
        .into_iter()
        .find(|word| says(word));
    if let Some(word) = tensorflow {
        return (
            Preset::Tf,
            format!("the model comes from {word}, whose models mostly take -1 to 1"),
        );
    }
    if picture.layout == Layout::Nhwc {
        let why = "models with channels last mostly come from TensorFlow and take -1 to 1";
        return (Preset::Tf, why.to_owned());
    }
    let from = match says("pytorch") {
        true => "the model comes from PyTorch, whose models mostly follow torchvision",
        false => "most models of this shape follow torchvision",
    };
    (Preset::Imagenet, from.to_owned())
}

/// Ultralytics' classifiers cut out the centre; its detectors take the whole picture.
fn ultralytics_classifier(clues: &Clues, longest: u32) -> Option<Preprocess> {
    (clues.says("ultralytics") && classifies(clues)).then(|| Preprocess {
        resize: Resize::ShortSide,
        size: Some(longest),
        crop: Crop::Center,
        ..Preset::Unit.with(longest, Channels::Rgb)
    })
}

fn classifies(clues: &Clues) -> bool {
    let task = clues.model.metadata.get("task");
    task.is_some_and(|task| task == "classify")
}

fn size_reasons(picture: &Picture, why: &str, reasons: &mut Reasons) {
    for (field, fixed) in [("width", picture.width), ("height", picture.height)] {
        let why = if fixed.is_some() {
            "the model fixes it"
        } else {
            why
        };
        reasons.add(format!("input.0.{field}"), why);
    }
}

fn pipeline_reasons(preprocess: &Preprocess, why: &str, reasons: &mut Reasons) {
    for field in [
        "resize", "size", "filter", "crop", "channels", "mean", "std",
    ] {
        if field != "size" || preprocess.size.is_some() {
            reasons.add(format!("preprocess.{field}"), why);
        }
    }
}

/// The size in a name such as `vit_base_patch16_384`.
fn size_in_name(words: &str) -> Option<u32> {
    const SIDES: [u32; 27] = [
        96, 112, 128, 160, 192, 224, 240, 256, 260, 288, 299, 300, 320, 331, 336, 380, 384, 416,
        448, 456, 480, 512, 518, 528, 600, 640, 768,
    ];
    let numbers = words.split(|c: char| !c.is_ascii_digit()).rev();
    let named = numbers
        .filter_map(|digits| digits.parse().ok())
        .find(|side| SIDES.contains(side));
    named.or_else(|| (words.contains("inception") || words.contains("xception")).then_some(299))
}
