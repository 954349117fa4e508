//! How each family of models prepares pictures, as its own library does.

use super::answer::Family;
use super::clues::Clues;
use super::facts;
use super::input::Picture;
use super::preset::Preset;
use crate::package::{
    Align, Arithmetic, Channels, Crop, Decode, Filter, ImageDtype, Preprocess, Resize, Rounding,
    Scale, StrideRounding,
};

const IMAGENET: ([f64; 3], [f64; 3]) = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]);
const BLUE_FIRST: ([f64; 3], [f64; 3]) = ([103.53, 116.28, 123.675], [57.375, 57.12, 58.395]);
const CLIP: ([f64; 3], [f64; 3]) = (
    [122.770_938, 116.746_013, 104.093_736],
    [68.500_533, 66.632_158, 70.323_163],
);
const HALF: ([f64; 3], [f64; 3]) = ([127.5; 3], [127.5; 3]);
const UNIT: ([f64; 3], [f64; 3]) = ([0.0; 3], [255.0; 3]);
const BYTES: ([f64; 3], [f64; 3]) = ([0.0; 3], [1.0; 3]);

/// The size of the tensor, where the model leaves it open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sizing {
    /// So many pixels across and down.
    Given(u32, u32),
    /// At most so many, and padded to the next multiple of the stride where that is known.
    AtMost(u32, u32, Option<u32>),
    /// The picture's own after resizing, both sides a multiple of the stride.
    Own(Option<(u32, StrideRounding)>),
}

/// How pictures are prepared, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) preprocess: Preprocess,
    pub(crate) sizing: Sizing,
    pub(crate) why: String,
    /// Why it has that size, where that is another reason.
    pub(crate) sized: Option<String>,
}

/// What a family does; `None` where nothing is known of it.
pub(crate) fn of(family: Family, clues: &Clues, picture: &Picture<'_>) -> Option<Recipe> {
    let (mut preprocess, sizing, why) = match family {
        Family::Yolo | Family::YoloStretched | Family::YoloX => yolo(family, clues),
        Family::TextDetector | Family::TextRecogniser | Family::TextDirection => {
            paddle_ocr(family, picture)
        }
        Family::DFine
        | Family::TensorFlowDetector
        | Family::TorchVisionDetector
        | Family::PicoDet
        | Family::Detr => detector(family, clues),
        Family::CustomVision | Family::MmDetection | Family::RtmDet | Family::YoloNas => {
            exports(family, picture)
        }
        Family::TorchVisionSegmentation
        | Family::SegFormer
        | Family::DeepLab
        | Family::U2Net
        | Family::Depth => pixels(family, clues),
        Family::ArcFace | Family::Clip => vector(family),
        Family::Dense | Family::Other => return None,
    };
    if picture.channels == 1 {
        grey(&mut preprocess);
    }
    if picture.dtype == ImageDtype::U8 {
        // A model of bytes brings them to its own range.
        preprocess.mean.fill(0.0);
        preprocess.std.fill(1.0);
    }
    Some(Recipe {
        preprocess,
        sizing,
        why: why.to_owned(),
        sized: None,
    })
}

/// Every pixel has an answer, and nothing else is known: the normalisation of a preset, at the
/// picture's own size.
pub(crate) fn dense(preset: Preset, why: &str, channels: Channels) -> Recipe {
    let normalised = preset.with(0, channels);
    Recipe {
        preprocess: Preprocess {
            channels,
            mean: normalised.mean,
            std: normalised.std,
            arithmetic: normalised.arithmetic,
            ..Preprocess::default()
        },
        sizing: Sizing::Own(Some((32, StrideRounding::Nearest))),
        why: format!("{why}; a model with an answer for every pixel takes the picture's own size"),
        sized: None,
    }
}

/// Teachable Machine's and Lobe's exports, which say so beside the model.
pub(crate) fn of_trainer(clues: &Clues) -> Option<Recipe> {
    let beside = |name| super::config::beside(clues.folder, name);
    let machine = beside("metadata.json").filter(|value| {
        let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
        value.get("tmVersion").is_some()
            || text("packageName").is_some_and(|name| name.contains("teachablemachine"))
    });
    let squared = |side, normalised, filter| Preprocess {
        resize: Resize::ShortSide,
        size: Some(side),
        crop: Crop::Center,
        ..plain(filter, normalised)
    };
    if let Some(value) = machine {
        let side = value.get("imageSize").and_then(serde_json::Value::as_u64);
        let side = side.and_then(|side| u32::try_from(side).ok());
        let side = side.filter(|side| (1..=4096).contains(side)).unwrap_or(224);
        return Some(Recipe {
            preprocess: squared(side, HALF, Filter::Lanczos),
            sizing: Sizing::Given(side, side),
            why: "metadata.json beside the model is Teachable Machine's".to_owned(),
            sized: None,
        });
    }
    let lobe = beside("signature.json").filter(|value| value.get("classes").is_some());
    lobe.map(|_| Recipe {
        preprocess: squared(224, UNIT, Filter::Bilinear),
        sizing: Sizing::Given(224, 224),
        why: "signature.json beside the model is Lobe's".to_owned(),
        sized: None,
    })
}

type Parts = (Preprocess, Sizing, &'static str);

fn plain(filter: Filter, (mean, std): ([f64; 3], [f64; 3])) -> Preprocess {
    let decode = match filter {
        Filter::OpenCvLinear => Decode::OpenCv,
        _ => Decode::Pillow,
    };
    Preprocess {
        decode,
        filter,
        mean: mean.to_vec(),
        std: std.to_vec(),
        ..Preprocess::default()
    }
}

fn grey(preprocess: &mut Preprocess) {
    preprocess.channels = Channels::Grey;
    for numbers in [&mut preprocess.mean, &mut preprocess.std] {
        *numbers = numbers
            .get(1)
            .or(numbers.first())
            .copied()
            .into_iter()
            .collect();
    }
}

fn yolo(family: Family, clues: &Clues) -> Parts {
    let metadata = &clues.model.metadata;
    let small = family == Family::YoloX && (clues.says("nano") || clues.says("tiny"));
    let usual = if small { (416, 416) } else { (640, 640) };
    let (width, height) = facts::size(metadata).unwrap_or(usual);
    let letterbox = Preprocess {
        resize: Resize::Letterbox,
        pad: Some([114; 3]),
        long_side: Some(Rounding::Round),
        ..plain(Filter::OpenCvLinear, UNIT)
    };
    match family {
        Family::YoloStretched => (
            plain(Filter::OpenCvLinear, UNIT),
            Sizing::Given(width, height),
            "Ultralytics stretches pictures for RT-DETR",
        ),
        Family::YoloX => (
            Preprocess {
                align: Align::TopLeft,
                long_side: Some(Rounding::Floor),
                channels: Channels::Bgr,
                mean: BYTES.0.to_vec(),
                std: BYTES.1.to_vec(),
                ..letterbox
            },
            Sizing::Given(width, height),
            "YOLOX takes blue first, 0 to 255, padded right and below",
        ),
        _ => (
            letterbox,
            Sizing::AtMost(width, height, facts::stride(metadata)),
            "YOLO letterboxes pictures in grey, and takes 0 to 1",
        ),
    }
}

fn detector(family: Family, clues: &Clues) -> Parts {
    match family {
        Family::DFine => (
            plain(Filter::Bilinear, UNIT),
            Sizing::Given(640, 640),
            "RT-DETR's and D-FINE's authors stretch pictures, and take 0 to 1",
        ),
        Family::TensorFlowDetector => (
            plain(Filter::Bilinear, BYTES),
            Sizing::Own(None),
            "TensorFlow's detectors take bytes, and normalise them themselves",
        ),
        Family::TorchVisionDetector => (
            plain(Filter::Bilinear, UNIT),
            Sizing::Own(None),
            "torchvision's detectors take 0 to 1, and resize and normalise themselves",
        ),
        // Layout models of RapidAI are fed as OpenCV reads a picture.
        Family::PicoDet if clues.model.metadata.contains_key("character") => (
            Preprocess {
                channels: Channels::Bgr,
                arithmetic: Arithmetic::Float64,
                ..plain(Filter::OpenCvLinear, IMAGENET)
            },
            Sizing::Given(608, 800),
            "RapidAI's layout models are stretched, blue first, by ImageNet's mean",
        ),
        Family::PicoDet => (
            Preprocess {
                arithmetic: Arithmetic::Torchvision,
                ..plain(Filter::OpenCvLinear, IMAGENET)
            },
            Sizing::Given(416, 416),
            "PaddleDetection stretches pictures for PicoDet",
        ),
        _ => (
            Preprocess {
                resize: Resize::ShortSide,
                size: Some(800),
                max_size: Some(1333),
                long_side: Some(Rounding::Detr),
                ..plain(Filter::TorchvisionBilinear, IMAGENET)
            },
            Sizing::Own(None),
            "DETR takes the shorter side at 800, and the longer one at 1333 at most",
        ),
    }
}

fn exports(family: Family, picture: &Picture<'_>) -> Parts {
    let square = |side: u32| {
        (
            picture.width.unwrap_or(side),
            picture.height.unwrap_or(side),
        )
    };
    match family {
        Family::CustomVision => (
            plain(Filter::Bicubic, UNIT),
            Sizing::Given(320, 320),
            "Custom Vision's own code stretches pictures as Pillow does, and takes 0 to 1 unless the \
             model's metadata says otherwise",
        ),
        Family::YoloNas => {
            let (width, height) = square(640);
            (
                Preprocess {
                    resize: Resize::Letterbox,
                    // Four pixels are always padding.
                    size: width.min(height).checked_sub(4).filter(|side| *side > 0),
                    pad: Some([114; 3]),
                    long_side: Some(Rounding::Round),
                    ..plain(Filter::OpenCvLinear, UNIT)
                },
                Sizing::Given(width, height),
                "SuperGradients fits pictures into 636 of 640 pixels for YOLO-NAS, pads them in grey, \
                 and takes 0 to 1",
            )
        }
        Family::RtmDet => (
            Preprocess {
                channels: Channels::Bgr,
                ..padded(114, BLUE_FIRST)
            },
            Sizing::Given(640, 640),
            "RTMDet takes blue first, padded right and below, by ImageNet's mean",
        ),
        _ => mmdetection(picture),
    }
}

/// A picture that is padded right and below.
fn padded(pad: u8, normalised: ([f64; 3], [f64; 3])) -> Preprocess {
    Preprocess {
        resize: Resize::Letterbox,
        align: Align::TopLeft,
        pad: Some([pad; 3]),
        long_side: Some(Rounding::HalfUp),
        ..plain(Filter::OpenCvLinear, normalised)
    }
}

fn mmdetection(picture: &Picture<'_>) -> Parts {
    if picture.is_open() {
        return (
            Preprocess {
                resize: Resize::ShortSide,
                size: Some(800),
                max_size: Some(1333),
                long_side: Some(Rounding::HalfUp),
                ..plain(Filter::OpenCvLinear, IMAGENET)
            },
            Sizing::Own(None),
            "MMDetection takes the shorter side at 800, and the longer one at 1333 at most, by \
             ImageNet's mean",
        );
    }
    (
        Preprocess {
            pad_normalised: Some(0.0),
            ..padded(0, IMAGENET)
        },
        Sizing::Given(1344, 800),
        "MMDetection keeps the shape of pictures, pads them right and below after normalising, \
             and takes ImageNet's mean",
    )
}

fn pixels(family: Family, clues: &Clues) -> Parts {
    match family {
        Family::TorchVisionSegmentation => (
            Preprocess {
                resize: Resize::ShortSide,
                size: Some(520),
                long_side: Some(Rounding::Floor),
                arithmetic: Arithmetic::Torchvision,
                ..plain(Filter::Bilinear, IMAGENET)
            },
            Sizing::Own(None),
            "torchvision's segmentation models take the shorter side at 520",
        ),
        Family::DeepLab => (
            Preprocess {
                resize: Resize::LongSide,
                size: Some(513),
                long_side: Some(Rounding::Floor),
                ..plain(Filter::Lanczos, BYTES)
            },
            Sizing::Own(None),
            "DeepLab takes the longer side at 513",
        ),
        Family::U2Net => {
            let large = clues.says("isnet") || clues.says("is-net");
            let normalised = if large {
                ([127.5; 3], [255.0; 3])
            } else {
                IMAGENET
            };
            let side = if large { 1024 } else { 320 };
            (
                Preprocess {
                    scale: Scale::PhotoMaximum,
                    arithmetic: Arithmetic::Float64,
                    ..plain(Filter::Lanczos, normalised)
                },
                Sizing::Given(side, side),
                "U²-Net is fed stretched pictures, divided by their own maximum",
            )
        }
        Family::Depth => (
            plain(Filter::TorchvisionBicubic, IMAGENET),
            Sizing::Given(518, 518),
            "models of depth on DINOv2 take 518 pixels",
        ),
        _ => (
            plain(Filter::TorchvisionBilinear, IMAGENET),
            Sizing::Given(512, 512),
            "SegFormer is fed stretched pictures of 512 pixels",
        ),
    }
}

fn vector(family: Family) -> Parts {
    match family {
        Family::ArcFace => (
            plain(Filter::OpenCvLinear, HALF),
            Sizing::Given(112, 112),
            "ArcFace takes 112 pixels, -1 to 1",
        ),
        _ => (
            Preprocess {
                resize: Resize::ShortSide,
                size: Some(224),
                long_side: Some(Rounding::Floor),
                crop: Crop::Center,
                arithmetic: Arithmetic::Torchvision,
                ..plain(Filter::Bicubic, CLIP)
            },
            Sizing::Given(224, 224),
            "CLIP takes the centre of the picture, by its own mean",
        ),
    }
}

fn paddle_ocr(family: Family, picture: &Picture<'_>) -> Parts {
    let blue_first = Preprocess {
        channels: Channels::Bgr,
        ..plain(Filter::OpenCvLinear, HALF)
    };
    let line = Preprocess {
        resize: Resize::Letterbox,
        long_side: Some(Rounding::Ceil),
        align: Align::TopLeft,
        pad_normalised: Some(0.0),
        arithmetic: Arithmetic::Torchvision,
        ..blue_first.clone()
    };
    let height = picture.height.unwrap_or(48);
    match family {
        Family::TextDetector => (
            Preprocess {
                arithmetic: Arithmetic::Float64,
                ..blue_first
            },
            Sizing::Own(Some((32, StrideRounding::Nearest))),
            "PP-OCR's detector takes the picture's own size, to the nearest multiple of 32",
        ),
        Family::TextDirection => (
            line,
            Sizing::Given(192, height),
            "PP-OCR's classifier takes 48 × 192 pixels, padded on the right after normalising",
        ),
        _ => (
            line,
            Sizing::Given(320, height),
            "PP-OCR's reader takes lines of 48 pixels, padded on the right after normalising; raise \
             the width for longer ones",
        ),
    }
}
