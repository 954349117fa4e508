//! What Hugging Face's libraries write beside a model: `preprocessor_config.json`, and the
//! `config.json` of Transformers and timm.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::Value;

use crate::package::{Arithmetic, Channels, Crop, Filter, Preprocess, Resize, Rounding};
use crate::paths;

/// Most bytes of a configuration: those with thousands of labels are the largest.
const LARGEST: u64 = 8 << 20;

/// The JSON object in the file `name` of the canonical folder, if there is one.
pub(crate) fn beside(folder: &Path, name: &str) -> Option<Value> {
    json(&paths::resolve(folder, name).ok()?.0)
}

/// The JSON object in a file, if it holds one.
pub(crate) fn json(path: &Path) -> Option<Value> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path)
        .ok()?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .ok()?;
    let value: Value = serde_json::from_slice(&bytes).ok()?;
    value.is_object().then_some(value)
}

/// A preprocessing with the size of what comes out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Configured {
    pub(crate) preprocess: Preprocess,
    /// Width and height, in pixels; `None` where the picture keeps its shape.
    pub(crate) size: Option<(u32, u32)>,
}

/// What Transformers' `preprocessor_config.json` says, if it is of a kind that is known.
pub(crate) fn processor(config: &Value, grey: bool) -> Option<Configured> {
    let flag = |key: &str, default| config.get(key).and_then(Value::as_bool).unwrap_or(default);
    let mut preprocess = Preprocess {
        filter: resample(config)?,
        ..Preprocess::default()
    };
    let size = match short_and_long(config, &mut preprocess) {
        Some(()) => None,
        None => Some(geometry(config, &mut preprocess)?),
    };
    if flag("do_flip_channel_order", false) {
        preprocess.channels = Channels::Bgr;
    }
    if grey {
        preprocess.channels = Channels::Grey;
    }
    let count = if grey { 1 } else { 3 };
    let factor = match flag("do_rescale", true) {
        true => config
            .get("rescale_factor")
            .and_then(Value::as_f64)
            .unwrap_or(1.0 / 255.0),
        false => 1.0,
    };
    // EfficientNet's processor moves the pixels to -1..1 before it normalises.
    let offset = f64::from(u8::from(flag("rescale_offset", false)));
    let (mut mean, mut std) = (vec![0.0; count], vec![1.0; count]);
    if flag("do_normalize", config.get("image_mean").is_some()) {
        mean = numbers(config.get("image_mean"), count)?;
        std = numbers(config.get("image_std"), count)?;
    }
    normalise(&mut preprocess, &mean, &std, factor, offset)?;
    Some(Configured { preprocess, size })
}

/// DETR's: the shorter side at one size, the longer one at another at most, and nothing is cut.
fn short_and_long(config: &Value, preprocess: &mut Preprocess) -> Option<()> {
    let size = config.get("size")?;
    let (short, long) = match size {
        // Older processors have the longer side beside it.
        Value::Number(_) => (side(size)?, side(config.get("max_size")?)?),
        _ => (
            side(size.get("shortest_edge")?)?,
            side(size.get("longest_edge")?)?,
        ),
    };
    let cut = config.get("do_center_crop").and_then(Value::as_bool);
    if short > long || cut == Some(true) {
        return None;
    }
    preprocess.resize = Resize::ShortSide;
    (preprocess.size, preprocess.max_size) = (Some(short), Some(long));
    preprocess.long_side = Some(Rounding::Detr);
    preprocess.crop = Crop::None;
    Some(())
}

/// Resizing and cropping; gives the size of what comes out.
fn geometry(config: &Value, preprocess: &mut Preprocess) -> Option<(u32, u32)> {
    let flag = |key: &str| config.get(key).and_then(Value::as_bool);
    let size = config
        .get("size")
        .filter(|_| flag("do_resize") != Some(false));
    let crop = flag("do_center_crop").unwrap_or(false);
    preprocess.crop = if crop { Crop::Center } else { Crop::None };
    let cut = config
        .get("crop_size")
        .filter(|_| crop)
        .and_then(width_height);
    let Some(size) = size else {
        preprocess.resize = Resize::None;
        return cut;
    };
    let shortest = match size {
        Value::Number(_) if crop => side(size),
        Value::Object(size) => size.get("shortest_edge").and_then(side),
        _ => None,
    };
    // ConvNeXt's processor: cut out of a larger picture, but for the largest sizes.
    if let (Some(edge), Some(part)) = (shortest, config.get("crop_pct").and_then(Value::as_f64))
        && !crop
    {
        let small = edge < 384;
        preprocess.resize = if small {
            Resize::ShortSide
        } else {
            Resize::Stretch
        };
        preprocess.size = small.then(|| scaled(edge, part)).flatten();
        preprocess.crop = if small { Crop::Center } else { Crop::None };
        return Some((edge, edge));
    }
    match shortest {
        Some(edge) => {
            (preprocess.resize, preprocess.size) = (Resize::ShortSide, Some(edge));
            // Not cut, it keeps the picture's own shape; models with a fixed input can't have it.
            preprocess.crop = Crop::Center;
            Some(cut.unwrap_or((edge, edge)))
        }
        None => {
            preprocess.resize = Resize::Stretch;
            let whole = width_height(size)?;
            match cut.filter(|cut| *cut != whole) {
                // Stretched to a square first, and cut out of that.
                Some(cut) if whole.0 == whole.1 => {
                    preprocess.size = Some(whole.0);
                    Some(cut)
                }
                // More than a package file says.
                Some(_) => None,
                None => {
                    preprocess.crop = Crop::None;
                    Some(whole)
                }
            }
        }
    }
}

/// What timm's `config.json` says in `pretrained_cfg`.
pub(crate) fn timm(config: &Value, grey: bool) -> Option<Configured> {
    let config = config.get("pretrained_cfg")?;
    let [_, height, width] = &config.get("input_size")?.as_array()?[..] else {
        return None;
    };
    let (width, height) = (side(width)?, side(height)?);
    let part = config
        .get("crop_pct")
        .and_then(Value::as_f64)
        .unwrap_or(0.875);
    let mut preprocess = Preprocess {
        filter: match config.get("interpolation").and_then(Value::as_str) {
            Some("nearest") => Filter::Nearest,
            Some("bicubic") => Filter::Bicubic,
            Some("lanczos") => Filter::Lanczos,
            Some("box") => Filter::Box,
            _ => Filter::Bilinear,
        },
        arithmetic: Arithmetic::Torchvision,
        ..Preprocess::default()
    };
    if config.get("crop_mode").and_then(Value::as_str) != Some("squash") {
        preprocess.resize = Resize::ShortSide;
        preprocess.size = Some(scaled(width.max(height), part)?);
        preprocess.crop = Crop::Center;
    } else if part < 1.0 {
        // Stretched to a larger square, and cut out of that.
        preprocess.size = Some(scaled(width.max(height), part)?);
        preprocess.crop = Crop::Center;
    }
    let count = if grey { 1 } else { 3 };
    if grey {
        preprocess.channels = Channels::Grey;
    }
    let mean = numbers(config.get("mean"), count)?;
    let std = numbers(config.get("std"), count)?;
    normalise(&mut preprocess, &mean, &std, 1.0 / 255.0, 0.0)?;
    Some(Configured {
        preprocess,
        size: Some((width, height)),
    })
}

/// From y = (x · factor − offset − mean) / std to y = (x − mean) / std.
fn normalise(
    preprocess: &mut Preprocess,
    mean: &[f64],
    std: &[f64],
    factor: f64,
    offset: f64,
) -> Option<()> {
    if factor == 0.0 || std.contains(&0.0) {
        return None;
    }
    // What remains of dividing by 1/255 is cut off: 123.675, not 123.67500000000001.
    let round = |number: f64| (number * 1e6).round() / 1e6;
    preprocess.mean = mean
        .iter()
        .map(|mean| round((offset + mean) / factor))
        .collect();
    preprocess.std = std.iter().map(|std| round(std / factor)).collect();
    let finite = preprocess
        .mean
        .iter()
        .chain(&preprocess.std)
        .all(|number| number.is_finite());
    (finite && !preprocess.std.contains(&0.0)).then_some(())
}

/// Pillow's number of a filter, as Transformers' processors resize with it: on tensors of bytes, by
/// torchvision. `None` for one that a package can't name.
fn resample(config: &Value) -> Option<Filter> {
    Some(match config.get("resample").and_then(Value::as_u64) {
        Some(0) => Filter::TorchvisionNearest,
        Some(1) => Filter::Lanczos,
        None | Some(2) => Filter::TorchvisionBilinear,
        Some(3) => Filter::TorchvisionBicubic,
        Some(4) => Filter::Box,
        Some(_) => return None,
    })
}

/// A list of `count` numbers, or one number for all.
fn numbers(value: Option<&Value>, count: usize) -> Option<Vec<f64>> {
    match value? {
        Value::Array(list) => {
            let list: Vec<f64> = list.iter().map(Value::as_f64).collect::<Option<_>>()?;
            (list.len() == count).then_some(list)
        }
        number => Some(vec![number.as_f64()?; count]),
    }
}

/// `224` or `{"height": 224, "width": 224}`.
fn width_height(size: &Value) -> Option<(u32, u32)> {
    match size {
        Value::Object(size) => Some((side(size.get("width")?)?, side(size.get("height")?)?)),
        both => side(both).map(|side| (side, side)),
    }
}

fn side(value: &Value) -> Option<u32> {
    let side = u32::try_from(value.as_u64()?).ok()?;
    (1..=16_384).contains(&side).then_some(side)
}

/// The shorter side of which a crop of `edge` pixels is the given part.
fn scaled(edge: u32, part: f64) -> Option<u32> {
    let size = (f64::from(edge) / part).floor();
    (part > 0.0 && size >= f64::from(edge) && size <= 16_384.0).then_some(size as u32)
}
