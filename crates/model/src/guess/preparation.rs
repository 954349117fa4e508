//! How pictures were probably prepared when the model was trained.

use super::answer::Family;
use super::clues::{Clues, Reasons};
use super::config::{self, Configured};
use super::facts;
use super::input::Picture;
use super::preset::Preset;
use super::preset::USUAL_SIDE;
use super::recipes::{self, Recipe, Sizing};
use crate::package::{
    Channels, Crop, Decode, ImageDtype, Input, InputKind, Layout, Preprocess, Resize,
};

/// The input that takes the picture, and its preprocessing.
pub(crate) fn prepare(
    clues: &Clues,
    picture: &Picture,
    family: Family,
    index: usize,
    reasons: &mut Reasons,
) -> (Input, Preprocess) {
    let mut input = Input {
        layout: picture.layout,
        dtype: picture.dtype,
        ..Input::new(&picture.spec.name, InputKind::Image)
    };
    reasons.add(format!("input.{index}.kind"), picture.reason.clone());
    reasons.add(format!("input.{index}.layout"), picture.reason.clone());
    let recipe = recipe(clues, picture, family);
    let mut preprocess = recipe.preprocess;
    let why = recipe.why;
    let sized = recipe.sized.unwrap_or_else(|| why.clone());
    let (size, stride) = size(picture, recipe.sizing, &mut preprocess);
    (input.width, input.height) = (size.map(|size| size.0), size.map(|size| size.1));
    for (field, fixed) in [("width", picture.width), ("height", picture.height)] {
        let why = match fixed {
            Some(_) => "the model fixes it",
            None => &sized,
        };
        reasons.add(format!("input.{index}.{field}"), why);
    }
    if let Some((stride, rounding)) = stride {
        (input.stride, input.stride_rounding) = (Some(stride), rounding);
        reasons.add(format!("input.{index}.stride"), sized);
    }
    by_image_metadata(clues, &mut preprocess, &why, reasons);
    (input, preprocess)
}

type Stride = Option<(u32, crate::package::StrideRounding)>;

/// Width and height, and the stride. A model with a fixed size has its pictures stretched to it
/// where its library would keep their shape.
fn size(
    picture: &Picture,
    sizing: Sizing,
    preprocess: &mut Preprocess,
) -> (Option<(u32, u32)>, Stride) {
    let (width, height, stride) = match sizing {
        Sizing::Own(stride) if picture.is_open() => {
            if preprocess.resize == Resize::Stretch && stride.is_none() {
                preprocess.resize = Resize::None;
            }
            return (None, stride);
        }
        Sizing::Own(_) => {
            preprocess.resize = Resize::Stretch;
            (preprocess.size, preprocess.max_size) = (None, None);
            preprocess.long_side = None;
            let side = picture.width.or(picture.height).unwrap_or(USUAL_SIDE);
            (side, side, None)
        }
        Sizing::Given(width, height) => (width, height, None),
        Sizing::AtMost(width, height, stride) => (width, height, stride),
    };
    let size = (
        picture.width.unwrap_or(width),
        picture.height.unwrap_or(height),
    );
    let up = crate::package::StrideRounding::Up;
    let stride = stride
        .filter(|_| picture.is_open())
        .map(|stride| (stride, up));
    (Some(size), stride)
}

/// Whether something says which numbers pixels become; else they are those of most models of its
/// kind.
pub(crate) fn is_sure(clues: &Clues, picture: &Picture, family: Family) -> bool {
    let metadata = facts::image_metadata(&clues.model.metadata);
    configured(clues, picture.channels == 1).is_some()
        || metadata.is_some_and(|image| image.range.is_some())
        || recipes::of(family, clues, picture).is_some()
        || recipes::of_trainer(clues).is_some()
        || clues.says("ultralytics")
        || choose(clues, picture).0 == Preset::EfficientnetLite
}

/// What lies beside the model says it, else its family's library, else the usual presets.
fn recipe(clues: &Clues, picture: &Picture, family: Family) -> Recipe {
    let ultralytics = clues.ultralytics.is_some();
    let configured = configured(clues, picture.channels == 1).filter(|_| !ultralytics);
    if let Some((found, file)) = configured {
        let why = format!("from {file} beside the model");
        return from_configuration(found, picture, why);
    }
    if let Some(recipe) = recipes::of(family, clues, picture) {
        return recipe;
    }
    if let Some(recipe) = recipes::of_trainer(clues).filter(|_| family == Family::Other) {
        return recipe;
    }
    let channels = if picture.channels == 1 {
        Channels::Grey
    } else {
        Channels::Rgb
    };
    let (preset, why) = choose(clues, picture);
    if family == Family::Dense && picture.is_open() && facts::size(&clues.model.metadata).is_none()
    {
        return recipes::dense(preset, &why, channels);
    }
    let (width, height, sized) = usual_size(clues, picture);
    let longest = picture
        .width
        .unwrap_or(width)
        .max(picture.height.unwrap_or(height));
    let mut preprocess = preset.with(longest, channels);
    if family == Family::Dense {
        // What is cut off would have no answer.
        preprocess.resize = Resize::Stretch;
        (preprocess.size, preprocess.long_side) = (None, None);
        preprocess.crop = Crop::None;
    }
    if let Some(classify) = ultralytics_classifier(clues, longest) {
        preprocess = classify;
    }
    Recipe {
        preprocess,
        sizing: Sizing::Given(width, height),
        why: format!("{why}: the preset `{preset}`"),
        sized: Some(sized),
    }
}

fn from_configuration(found: Configured, picture: &Picture, why: String) -> Recipe {
    let Some((width, height)) = found.size else {
        return Recipe {
            preprocess: found.preprocess,
            sizing: Sizing::Own(None),
            why,
            sized: None,
        };
    };
    let (width, height) = (
        picture.width.unwrap_or(width),
        picture.height.unwrap_or(height),
    );
    Recipe {
        preprocess: rescaled(&found, width.max(height)),
        sizing: Sizing::Given(width, height),
        why,
        sized: None,
    }
}

/// Tells the reasons for the preprocessing; ONNX's image metadata overrules all else.
fn by_image_metadata(clues: &Clues, preprocess: &mut Preprocess, why: &str, reasons: &mut Reasons) {
    let image = facts::image_metadata(&clues.model.metadata);
    let grey = preprocess.channels == Channels::Grey;
    let blue_first = image.and_then(|image| image.blue_first).filter(|_| !grey);
    let range = image.and_then(|image| image.range);
    if let Some(blue_first) = blue_first {
        preprocess.channels = if blue_first {
            Channels::Bgr
        } else {
            Channels::Rgb
        };
    }
    if let Some((mean, std)) = range {
        let count = preprocess.channels.count();
        (preprocess.mean, preprocess.std) = (vec![mean; count], vec![std; count]);
        preprocess.arithmetic = crate::package::Arithmetic::Fused;
    }
    for field in [
        "resize", "size", "max_size", "filter", "pad", "crop", "channels", "scale", "mean", "std",
    ] {
        let default = Preprocess::default();
        let shown = match field {
            "size" => preprocess.size.is_some(),
            "max_size" => preprocess.max_size.is_some(),
            "pad" => preprocess.pad.is_some(),
            "scale" => preprocess.scale != default.scale,
            _ => true,
        };
        let said = match field {
            "channels" => blue_first.is_some(),
            "mean" | "std" => range.is_some(),
            _ => false,
        };
        let why = if said {
            "the model's image metadata says so"
        } else {
            why
        };
        if shown {
            reasons.add(format!("preprocess.{field}"), why);
        }
    }
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
    let was = found
        .size
        .map_or(longest, |(width, height)| width.max(height));
    if let Some(size) = preprocess.size.filter(|_| longest != was) {
        let scaled = u64::from(size) * u64::from(longest) / u64::from(was.max(1));
        preprocess.size = u32::try_from(scaled).ok().map(|size| size.max(longest));
    }
    preprocess
}

/// Width and height for a model that does not fix both, and why.
fn usual_size(clues: &Clues, picture: &Picture) -> (u32, u32, String) {
    if let Some((width, height)) = facts::size(&clues.model.metadata) {
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
        // It is Pillow that resizes what OpenCV has read.
        decode: Decode::OpenCv,
        ..Preset::Unit.with(longest, Channels::Rgb)
    })
}

fn classifies(clues: &Clues) -> bool {
    let task = clues.model.metadata.get("task");
    task.is_some_and(|task| task == "classify")
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
