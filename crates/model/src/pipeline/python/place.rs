//! Putting the resized picture onto the model's canvas: cropping and padding.

use super::decode;
use super::number::single;
use super::resize::Padding;
use super::script::{Colours, Form, Import, Range, Script};
use crate::package::{Crop, GreyOrder, Preprocess, Resize, Scale};
use crate::pipeline::image::ImageInput;

/// Crops and pads, and makes grey what becomes so after resizing.
pub(super) fn place(script: &mut Script, image: &ImageInput, padding: Option<&Padding>) {
    let preprocess = &image.preprocess;
    match (padding, image.size) {
        (Some(padding), _) if preprocess.pad_normalised.is_none() => {
            pad(script, preprocess, padding);
        }
        (None, Some(size)) if preprocess.crop.cuts() && preprocess.resize != Resize::Letterbox => {
            crop(script, image, size);
        }
        _ => {}
    }
    if preprocess.scale == Scale::PhotoMaximum {
        script.ensure_array();
        let least = if script.range == Range::Bytes {
            "1"
        } else {
            "1e-6"
        };
        script.line(format!("peak = max(float(image.max()), {least})"));
    }
    if image.turns_grey(GreyOrder::After) {
        decode::grey(script, preprocess);
    }
}

fn pad(script: &mut Script, preprocess: &Preprocess, padding: &Padding) {
    let [red, green, blue] = preprocess.pad.unwrap_or_default();
    let (width, height) = &padding.canvas;
    let channels = match script.colours {
        Colours::Rgb => vec![red, green, blue],
        Colours::Bgr => vec![blue, green, red],
        Colours::Grey => vec![red],
    };
    if script.form == Form::Pillow {
        let mode = if script.is_grey() { "L" } else { "RGB" };
        let colour = listed(&channels, |byte| byte.to_string());
        script.line(format!(
            "canvas = Image.new(\"{mode}\", ({width}, {height}), {colour})"
        ));
        script.line("canvas.paste(image, (left, top))");
        script.image("canvas");
        return;
    }
    script.ensure_array();
    let colour = if channels.windows(2).all(|pair| pair[0] == pair[1]) {
        &channels[..1]
    } else {
        &channels
    };
    let colour = match script.range {
        Range::Unit => listed(colour, |byte| single(f64::from(byte) / 255.0)),
        Range::Bytes | Range::Floats => listed(colour, |byte| byte.to_string()),
    };
    let dtype = if script.range == Range::Bytes {
        "uint8"
    } else {
        "float32"
    };
    canvas(script, padding, &colour, dtype, "image");
    script.image("canvas");
}

/// One number, or several in parentheses.
fn listed(bytes: &[u8], write: impl Fn(u8) -> String) -> String {
    let texts: Vec<String> = bytes.iter().copied().map(write).collect();
    match texts.as_slice() {
        [one] => one.clone(),
        all => format!("({})", all.join(", ")),
    }
}

/// The array `canvas` with the array `inner` at its place.
pub(super) fn canvas(script: &mut Script, padding: &Padding, fill: &str, dtype: &str, inner: &str) {
    script.import(Import::Numpy);
    let (width, height) = &padding.canvas;
    let channels = if script.is_grey() { "" } else { ", 3" };
    script.line(format!(
        "canvas = np.full(({height}, {width}{channels}), {fill}, np.{dtype})"
    ));
    script.line(format!(
        "canvas[top:top + size[1], left:left + size[0]] = {inner}"
    ));
}

fn crop(script: &mut Script, image: &ImageInput, (width, height): (usize, usize)) {
    let floor = image.preprocess.crop == Crop::CenterFloor;
    let smaller = can_be_smaller(image, (width, height));
    if script.form == Form::Torch && !floor {
        script.image(format!("F.center_crop(image, [{height}, {width}])"));
        return;
    }
    if script.form == Form::Pillow {
        return crop_pillow(script, floor, smaller, (width, height));
    }
    script.ensure_array();
    script.line("height, width = image.shape[:2]");
    let offset = |name: &str, side: usize| {
        let offset = if floor {
            format!("({name} - {side}) // 2")
        } else {
            format!("round(({name} - {side}) / 2)")
        };
        if smaller {
            format!("max({offset}, 0)")
        } else {
            offset
        }
    };
    script.line(format!(
        "top, left = {}, {}",
        offset("height", height),
        offset("width", width)
    ));
    script.image(format!("image[top:top + {height}, left:left + {width}]"));
    if smaller {
        script.import(Import::Numpy);
        script.line("height, width = image.shape[:2]");
        script.line(format!(
            "top, left = ({height} - height) // 2, ({width} - width) // 2"
        ));
        let channels = if script.is_grey() { "" } else { ", (0, 0)" };
        script.image(format!(
            "np.pad(image, ((top, {height} - height - top), (left, {width} - width - left){channels}))"
        ));
    }
}

fn crop_pillow(script: &mut Script, floor: bool, smaller: bool, (width, height): (usize, usize)) {
    if smaller && !floor {
        script.import(Import::CenterCrop);
        script.image(format!("center_crop(image, [{height}, {width}])"));
        return;
    }
    let offset = |name: &str, side: usize| match (floor, smaller) {
        // What lies outside of the picture is black.
        (true, true) => format!("int((image.{name} - {side}) / 2)"),
        (true, false) => format!("(image.{name} - {side}) // 2"),
        (false, _) => format!("round((image.{name} - {side}) / 2)"),
    };
    script.line(format!(
        "left, top = {}, {}",
        offset("width", width),
        offset("height", height)
    ));
    script.image(format!(
        "image.crop((left, top, left + {width}, top + {height}))"
    ));
}

/// Whether a resized picture can be smaller than what is cut out of it.
fn can_be_smaller(image: &ImageInput, (width, height): (usize, usize)) -> bool {
    let preprocess = &image.preprocess;
    let size = preprocess.size.and_then(|size| usize::try_from(size).ok());
    match (preprocess.resize, size) {
        (Resize::ShortSide, Some(size)) => {
            preprocess.max_size.is_some() || size < width.max(height)
        }
        (Resize::Stretch, Some(size)) => size < width.max(height),
        (Resize::Stretch, None) => false,
        _ => true,
    }
}
