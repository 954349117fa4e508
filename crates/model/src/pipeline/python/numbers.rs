//! From pixels to the model's numbers, in NumPy or on PyTorch's tensors.

use super::number::{Numbers, number, single, unit};
use super::place;
use super::resize::Padding;
use super::script::{Colours, Form, Import, Range, Script};
use crate::package::{Arithmetic, Channels, ImageDtype, Layout, Preprocess, Scale};
use crate::pipeline::image::ImageInput;

/// Writes the arithmetic and the line that returns.
pub(super) fn normalise(script: &mut Script, image: &ImageInput, padding: Option<&Padding>) {
    let preprocess = &image.preprocess;
    let pad = preprocess.pad_normalised.zip(padding);
    if script.form == Form::Torch && pad.is_none() && on_tensors(script, image) {
        return;
    }
    if script.form != Form::Pillow {
        script.ensure_array();
    }
    if preprocess.channels == Channels::Bgr && script.colours == Colours::Rgb {
        script.ensure_array();
        script.image("image[..., ::-1]");
    }
    let mut value = arithmetic(script, image);
    if let Some((fill, padding)) = pad {
        place::canvas(script, padding, &single(fill), "float32", &value);
        value = "canvas".to_owned();
    }
    if image.dtype == ImageDtype::U8 && value != "image" {
        script.import(Import::Numpy);
        script.line(format!(
            "image = np.clip(np.rint({value}), 0, 255).astype(np.uint8)"
        ));
    } else if image.dtype == ImageDtype::F16 {
        script.import(Import::Numpy);
        script.line(format!("image = {}.astype(np.float16)", term(&value)));
    } else if value != "image" {
        script.image(value);
    }
    script.line(format!("return image{}", axes(script, image.layout)));
}

/// The batch axis, and the channels where the model has them.
fn axes(script: &Script, layout: Layout) -> &'static str {
    match (layout, script.is_grey()) {
        (Layout::Nchw, true) => "[None, None]",
        (Layout::Nchw, false) => ".transpose(2, 0, 1)[None]",
        (Layout::Nhwc, true) => "[None, ..., None]",
        (Layout::Nhwc, false) => "[None]",
    }
}

/// torchvision's arithmetic on its tensors.
fn on_tensors(script: &mut Script, image: &ImageInput) -> bool {
    let preprocess = &image.preprocess;
    let bgr = preprocess.channels == Channels::Bgr && script.colours == Colours::Rgb;
    let theirs = preprocess.arithmetic == Arithmetic::Torchvision
        && preprocess.scale == Scale::Fixed
        && image.layout == Layout::Nchw
        && image.dtype == ImageDtype::F32
        && !bgr;
    if !theirs {
        return false;
    }
    match script.range {
        Range::Bytes => script.image("image.float() / 255"),
        Range::Floats => script.image("image / 255"),
        Range::Unit => {}
    }
    let [mean, std] = [&preprocess.mean, &preprocess.std]
        .map(|values| Numbers::new(values, |value| f64::from((value / 255.0) as f32)));
    if !(mean.is(0.0) && std.is(1.0)) {
        let count = preprocess.channels.count();
        let list = |values: &[f64]| {
            let values = values.iter().map(|value| value / 255.0);
            let values: Vec<f64> = values.cycle().take(count).collect();
            Numbers::list(&values, single)
        };
        let (mean, std) = (list(&preprocess.mean), list(&preprocess.std));
        script.image(format!("F.normalize(image, {mean}, {std})"));
    }
    script.line("return image.unsqueeze(0).numpy()");
    true
}

/// The normalised numbers, as an expression: 32-bit floats, or `image` as it is where those are
/// its bytes and the model takes bytes.
fn arithmetic(script: &mut Script, image: &ImageInput) -> String {
    let preprocess = &image.preprocess;
    let Preprocess { mean, std, .. } = preprocess;
    let as_given = |values: &[f64]| Numbers::new(values, f64::from);
    match preprocess.arithmetic {
        Arithmetic::Fused => {
            let (mean, std) = (as_given(mean), as_given(std));
            let plain = mean.is(0.0) && std.is(1.0) && preprocess.scale == Scale::Fixed;
            if plain && script.range == Range::Bytes && image.dtype == ImageDtype::U8 {
                script.ensure_array();
                return "image".to_owned();
            }
            let value = levels(script, preprocess);
            let value = less(script, value, &mean);
            over(script, value, &std)
        }
        Arithmetic::Torchvision => {
            let value = quotient(script, preprocess, false);
            let single = |value: f64| f64::from((value / 255.0) as f32);
            let value = less(script, value, &Numbers::new(mean, single));
            over(script, value, &Numbers::new(std, single))
        }
        Arithmetic::Keras => {
            let value = levels(script, preprocess);
            let value = over(script, value, &as_given(std));
            less(
                script,
                value,
                &Numbers::new(&ratios(mean, std), |ratio| f64::from(ratio as f32)),
            )
        }
        Arithmetic::Reciprocal => reciprocal(script, preprocess),
        Arithmetic::Float64 => {
            let value = quotient(script, preprocess, true);
            let value = double(script, &value, "-", "mean", &Numbers::new(mean, unit));
            let value = double(script, &value, "/", "std", &Numbers::new(std, unit));
            format!("{}.astype(np.float32)", term(&value))
        }
    }
}

/// mean / std of each channel.
fn ratios(mean: &[f64], std: &[f64]) -> Vec<f64> {
    let count = mean.len().max(std.len());
    let means = mean.iter().cycle().zip(std.iter().cycle());
    means.take(count).map(|(mean, std)| mean / std).collect()
}

/// `image` in 32-bit floats.
fn floats(script: &mut Script) -> String {
    match (script.form, script.range) {
        (Form::Pillow, _) => {
            script.import(Import::Numpy);
            "np.asarray(image, np.float32)".to_owned()
        }
        (_, Range::Bytes) => {
            script.import(Import::Numpy);
            "image.astype(np.float32)".to_owned()
        }
        _ => "image".to_owned(),
    }
}

/// `image` in 64-bit floats.
fn doubles(script: &mut Script) -> String {
    script.import(Import::Numpy);
    match script.form {
        Form::Pillow => "np.asarray(image, np.float64)".to_owned(),
        _ => "image.astype(np.float64)".to_owned(),
    }
}

/// The pixels in 0 to 255.
fn levels(script: &mut Script, preprocess: &Preprocess) -> String {
    match (preprocess.scale, script.range) {
        (Scale::PhotoMaximum, _) => {
            let image = doubles(script);
            format!("({image} * (255 / peak)).astype(np.float32)")
        }
        (Scale::Fixed, Range::Unit) => "image * 255".to_owned(),
        (Scale::Fixed, Range::Bytes | Range::Floats) => floats(script),
    }
}

/// The pixels in 0 to 1.
fn quotient(script: &mut Script, preprocess: &Preprocess, double: bool) -> String {
    let image = if double {
        doubles(script)
    } else {
        floats(script)
    };
    match (preprocess.scale, script.range) {
        (Scale::PhotoMaximum, _) => format!("{image} / peak"),
        (Scale::Fixed, Range::Unit) => image,
        (Scale::Fixed, Range::Bytes | Range::Floats) => format!("{image} / 255"),
    }
}

/// In parentheses where it is more than a term.
fn term(value: &str) -> String {
    if value.contains(' ') && !value.ends_with(')') || value.starts_with('(') {
        format!("({value})")
    } else {
        value.to_owned()
    }
}

/// `value` less the means, in 32 bits.
fn less(script: &mut Script, value: String, mean: &Numbers) -> String {
    if mean.is(0.0) {
        return value;
    }
    format!("{value} - {}", operand(script, "mean", mean))
}

/// `value` over the standard deviations, in 32 bits.
fn over(script: &mut Script, value: String, std: &Numbers) -> String {
    if std.is(1.0) {
        return value;
    }
    format!("{} / {}", grouped(&value), operand(script, "std", std))
}

/// In parentheses where it is a difference.
fn grouped(value: &str) -> String {
    if value.contains(" - ") {
        format!("({value})")
    } else {
        value.to_owned()
    }
}

/// A number, or the name of an array of them.
fn operand(script: &mut Script, name: &str, numbers: &Numbers) -> String {
    match numbers {
        Numbers::One(value) => single(*value),
        Numbers::Each(values) => {
            script.import(Import::Numpy);
            let list = Numbers::list(values, single);
            script.line(format!("{name} = np.array({list}, np.float32)"));
            name.to_owned()
        }
    }
}

/// The same in 64 bits.
fn double(script: &mut Script, value: &str, sign: &str, name: &str, numbers: &Numbers) -> String {
    let nothing = if sign == "-" { 0.0 } else { 1.0 };
    match numbers {
        _ if numbers.is(nothing) => value.to_owned(),
        Numbers::One(operand) => format!("{} {sign} {}", grouped(value), number(*operand)),
        Numbers::Each(values) => {
            script.line(format!("{name} = {}", Numbers::list(values, number)));
            format!("{} {sign} {name}", grouped(value))
        }
    }
}

/// albumentations' order: times the reciprocal of what 32 bits make of the numbers.
fn reciprocal(script: &mut Script, preprocess: &Preprocess) -> String {
    let value = levels(script, preprocess);
    let units = |values: &[f64]| Numbers::new(values, |value| f64::from((value / 255.0) as f32));
    let bytes = |script: &mut Script, name: &str, numbers: &Numbers| {
        script.import(Import::Numpy);
        match numbers {
            Numbers::One(unit) => {
                format!("np.float32({})", single(f64::from(*unit as f32 * 255.0)))
            }
            Numbers::Each(units) => {
                let list = Numbers::list(units, single);
                script.line(format!("{name} = np.array({list}, np.float32) * 255"));
                name.to_owned()
            }
        }
    };
    let (mean, std) = (units(&preprocess.mean), units(&preprocess.std));
    let value = if mean.is(0.0) {
        value
    } else {
        format!("({value} - {})", bytes(script, "mean", &mean))
    };
    let std = bytes(script, "std", &std);
    format!("{value} * np.reciprocal({std})")
}
