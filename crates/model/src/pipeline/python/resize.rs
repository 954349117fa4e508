//! Bringing a picture to size: the lengths, and the library's call.

use super::decode::{functional, is_tensorflow, upright};
use super::script::{Colours, Form, Import, Range, Script};
use crate::package::{Align, Depth, Filter, Preprocess, Resize, Rounding, StrideRounding};
use crate::pipeline::image::ImageInput;

/// What a picture is resized to.
enum Target {
    /// Width and height.
    Fixed(usize, usize),
    /// The variable `size`: width and height.
    Size,
    /// torchvision's own arguments.
    Shorter(String),
}

/// The canvas around a letterboxed picture: the variables `left` and `top` say where it lies.
pub(super) struct Padding {
    /// Width and height, as expressions.
    pub canvas: (String, String),
}

/// Resizes; what is to be padded then.
pub(super) fn resize(script: &mut Script, image: &ImageInput) -> Option<Padding> {
    let preprocess = &image.preprocess;
    let side = |size: Option<u32>| size.and_then(|size| usize::try_from(size).ok());
    prepare(script, preprocess);
    match (preprocess.resize, side(preprocess.size), image.size) {
        (Resize::None, ..) => return None,
        (Resize::Stretch, Some(size), _) => call(script, preprocess, &Target::Fixed(size, size)),
        (Resize::Stretch, None, Some((width, height))) => {
            call(script, preprocess, &Target::Fixed(width, height));
        }
        (Resize::Letterbox, _, Some(size)) => return letterbox(script, image, size),
        (Resize::Thumbnail, _, Some(size)) => thumbnail(script, image, size),
        (Resize::ShortSide, Some(size), _) => short_side(script, image, size),
        (Resize::LongSide, Some(size), _) => {
            script.measure();
            long_side(script, preprocess.rounding(), size);
            to_size(script, image);
        }
        // The photo's own size.
        _ => {
            if image.stride.is_some() {
                script.measure();
                script.line("size = width, height");
                to_size(script, image);
            }
        }
    }
    None
}

/// Makes of `image` what the library resizes.
fn prepare(script: &mut Script, preprocess: &Preprocess) {
    let filter = preprocess.filter;
    let floats = preprocess.resize_in != Depth::U8;
    if is_tensorflow(filter) {
        script.ensure_tensorflow();
    } else if filter.name().starts_with("torchvision-") {
        functional(script, preprocess);
        script.ensure_torch();
        match preprocess.resize_in {
            Depth::F32 => script.image("image.float()"),
            Depth::Unit => script.image("image.float() / 255"),
            Depth::U8 | Depth::Rounded => {}
        }
    } else if pillow_filter(filter).is_some() {
        script.ensure_pillow();
        return;
    } else {
        script.ensure_array();
        if floats {
            script.import(Import::Numpy);
            let unit = if preprocess.resize_in == Depth::Unit {
                " / 255"
            } else {
                ""
            };
            script.image(format!("image.astype(np.float32){unit}"));
        }
    }
    script.range = match preprocess.resize_in {
        Depth::U8 | Depth::Rounded => Range::Bytes,
        Depth::F32 => Range::Floats,
        Depth::Unit => Range::Unit,
    };
}

/// The call that resizes.
fn call(script: &mut Script, preprocess: &Preprocess, target: &Target) {
    let filter = preprocess.filter;
    if is_tensorflow(filter) {
        let method = match filter.name().trim_start_matches("tensorflow-") {
            "bilinear" => String::new(),
            method => format!(", \"{method}\""),
        };
        let antialias = if preprocess.antialias == Some(true) {
            ", antialias=True"
        } else {
            ""
        };
        let size = rows_first(target, ("(", ")"));
        script.image(format!("tf.image.resize(image, {size}{method}{antialias})"));
        if filter != Filter::TensorFlowNearest {
            script.range = Range::Floats;
        }
    } else if let Some(mode) = torchvision_mode(filter) {
        script.import(Import::InterpolationMode);
        let size = rows_first(target, ("[", "]"));
        let antialias = if preprocess.antialias == Some(false) {
            ", antialias=False"
        } else {
            ""
        };
        let mode = format!("interpolation=InterpolationMode.{mode}");
        script.image(format!("F.resize(image, {size}, {mode}{antialias})"));
    } else if let Some(mode) = pillow_filter(filter) {
        script.import(Import::Image);
        let size = columns_first(target);
        script.image(format!("image.resize({size}, Image.Resampling.{mode})"));
    } else {
        opencv(script, preprocess, &columns_first(target));
    }
}

fn opencv(script: &mut Script, preprocess: &Preprocess, size: &str) {
    script.import(Import::OpenCv);
    let mode = match preprocess.filter {
        Filter::OpenCvNearest => "NEAREST",
        Filter::OpenCvNearestExact => "NEAREST_EXACT",
        Filter::OpenCvLinearExact => "LINEAR_EXACT",
        Filter::OpenCvCubic => "CUBIC",
        Filter::OpenCvArea | Filter::Format1Area => "AREA",
        Filter::OpenCvLanczos4 => "LANCZOS4",
        _ => "LINEAR",
    };
    if matches!(
        preprocess.filter,
        Filter::Format1Linear | Filter::Format1Area
    ) {
        script.line("# A package of format 1: up to one level off OpenCV.");
    }
    script.image(format!(
        "cv2.resize(image, {size}, interpolation=cv2.INTER_{mode})"
    ));
    if preprocess.resize_in == Depth::Rounded {
        script.image("np.clip(np.rint(image), 0, 255).astype(np.uint8)");
    }
}

fn columns_first(target: &Target) -> String {
    match target {
        Target::Fixed(width, height) => format!("({width}, {height})"),
        Target::Size => "size".to_owned(),
        Target::Shorter(size) => size.clone(),
    }
}

fn rows_first(target: &Target, brackets: (&str, &str)) -> String {
    match target {
        Target::Fixed(width, height) => format!("{}{height}, {width}{}", brackets.0, brackets.1),
        Target::Size => "size[::-1]".to_owned(),
        Target::Shorter(size) => size.clone(),
    }
}

/// The name of one of Pillow's filters.
pub(super) fn pillow_filter(filter: Filter) -> Option<&'static str> {
    match filter {
        Filter::Nearest => Some("NEAREST"),
        Filter::Box => Some("BOX"),
        Filter::Bilinear => Some("BILINEAR"),
        Filter::Hamming => Some("HAMMING"),
        Filter::Bicubic => Some("BICUBIC"),
        Filter::Lanczos => Some("LANCZOS"),
        _ => None,
    }
}

fn torchvision_mode(filter: Filter) -> Option<&'static str> {
    match filter {
        Filter::TorchvisionNearest => Some("NEAREST"),
        Filter::TorchvisionNearestExact => Some("NEAREST_EXACT"),
        Filter::TorchvisionBilinear => Some("BILINEAR"),
        Filter::TorchvisionBicubic => Some("BICUBIC"),
        _ => None,
    }
}

/// To the variable `size`, once it is a multiple of the stride.
fn to_size(script: &mut Script, image: &ImageInput) {
    if let Some((stride, rounding)) = image.stride {
        let sides = match rounding {
            StrideRounding::Up => {
                script.import(Import::Math);
                format!("math.ceil(side / {stride}) * {stride}")
            }
            StrideRounding::Nearest => format!("max(round(side / {stride}), 1) * {stride}"),
            StrideRounding::Down => format!("max(side // {stride}, 1) * {stride}"),
        };
        script.line(format!("size = tuple({sides} for side in size)"));
    }
    call(script, &image.preprocess, &Target::Size);
}

fn thumbnail(script: &mut Script, image: &ImageInput, (width, height): (usize, usize)) {
    let preprocess = &image.preprocess;
    script.import(Import::Image);
    let filter = pillow_filter(preprocess.filter).unwrap_or("BICUBIC");
    script.line(format!(
        "image.thumbnail(({width}, {height}), Image.Resampling.{filter})"
    ));
    if image.thumbnail_reads() {
        upright(script, preprocess, "image");
        script.colours = Colours::Rgb;
    }
}

fn short_side(script: &mut Script, image: &ImageInput, size: usize) {
    let preprocess = &image.preprocess;
    let most = preprocess.max_size;
    let rounding = preprocess.rounding();
    if rounding == Rounding::Floor && script.form == Form::Torch && image.stride.is_none() {
        let most = most
            .map(|most| format!(", max_size={most}"))
            .unwrap_or_default();
        return call(
            script,
            preprocess,
            &Target::Shorter(format!("[{size}]{most}")),
        );
    }
    script.measure();
    match (rounding, most) {
        (Rounding::Floor, None) => {
            script.line("short, long = sorted((width, height))");
            script.line(format!("short, long = {size}, int({size} * long / short)"));
            script.line(IN_ORDER);
        }
        (Rounding::Floor, Some(most)) => {
            script.line("short, long = sorted((width, height))");
            script.line(format!("short, long = {size}, int({size} * long / short)"));
            script.line(format!("if long > {most}:"));
            script.line(format!(
                "    short, long = int({most} * {size} / long), {most}"
            ));
            script.line(IN_ORDER);
        }
        (Rounding::Detr, most) => detr(script, size, most),
        (Rounding::Ceil, most) => {
            script.import(Import::Math);
            scale_of_short_side(script, size, most);
            let side = |length: &str| format!("math.ceil({length} * scale)");
            script.line("short, long = sorted((width, height))");
            script.line(format!(
                "short, long = min({}, {size}), {}",
                side("short"),
                side("long")
            ));
            script.line(IN_ORDER);
        }
        (rounding, most) => {
            scale_of_short_side(script, size, most);
            let side = |length: &str| whole(rounding, &format!("{length} * scale"));
            script.line(format!("size = {}, {}", side("width"), side("height")));
        }
    }
    to_size(script, image);
}

const IN_ORDER: &str = "size = (short, long) if width <= height else (long, short)";

fn scale_of_short_side(script: &mut Script, size: usize, most: Option<u32>) {
    script.line(match most {
        Some(most) => {
            format!("scale = min({size} / min(width, height), {most} / max(width, height))")
        }
        None => format!("scale = {size} / min(width, height)"),
    });
}

/// `get_size_with_aspect_ratio`.
fn detr(script: &mut Script, size: usize, most: Option<u32>) {
    script.line("short, long = sorted((width, height))");
    script.line(format!("exact = {size}"));
    if let Some(most) = most {
        script.line(format!("if long / short * {size} > {most}:"));
        script.line(format!("    exact = {most} * short / long"));
    }
    script.line("if round(exact) != short:");
    script.line("    short, long = round(exact), int(exact * long / short)");
    script.line(IN_ORDER);
}

fn long_side(script: &mut Script, rounding: Rounding, size: usize) {
    script.line("short, long = sorted((width, height))");
    let other = match rounding {
        Rounding::Floor | Rounding::Detr => format!("int({size} * short / long)"),
        Rounding::Ceil => {
            script.import(Import::Math);
            format!("math.ceil(short * ({size} / long))")
        }
        rounding => whole(rounding, &format!("short * ({size} / long)")),
    };
    script.line(format!("short, long = {other}, {size}"));
    script.line(IN_ORDER);
}

/// A length as a whole number.
fn whole(rounding: Rounding, length: &str) -> String {
    match rounding {
        Rounding::Floor | Rounding::Detr => format!("int({length})"),
        Rounding::Round => format!("round({length})"),
        Rounding::HalfUp => format!("int({length} + 0.5)"),
        Rounding::Ceil => format!("math.ceil({length})"),
    }
}

fn letterbox(
    script: &mut Script,
    image: &ImageInput,
    (width, height): (usize, usize),
) -> Option<Padding> {
    let preprocess = &image.preprocess;
    if preprocess.size.is_none() && with_library(script, image, (width, height)) {
        return None;
    }
    script.measure();
    let rounding = preprocess.rounding();
    if rounding == Rounding::Ceil {
        script.import(Import::Math);
    }
    let tensorflow = preprocess.align == Align::TensorFlow;
    let side = |name: &str, most: usize| {
        let length = if tensorflow {
            format!("{name} / ratio")
        } else {
            format!("{name} * scale")
        };
        match rounding {
            Rounding::Ceil => format!("min({}, {most})", whole(rounding, &length)),
            rounding => whole(rounding, &length),
        }
    };
    let sides = format!(
        "size = {}, {}",
        side("width", width),
        side("height", height)
    );
    if tensorflow {
        script.import(Import::Numpy);
        script.line("width, height = np.float32(width), np.float32(height)");
        script.line(format!("ratio = max(width / {width}, height / {height})"));
    } else {
        let most = preprocess.size.map_or(usize::MAX, |size| size as usize);
        let (across, down) = (width.min(most), height.min(most));
        script.line(format!("scale = min({across} / width, {down} / height)"));
    }
    script.line(sides);
    call(script, preprocess, &Target::Size);
    let canvas = match image.stride {
        Some((stride, _)) => {
            script.line(format!(
                "canvas_size = size[0] + ({width} - size[0]) % {stride}, size[1] + ({height} - size[1]) % {stride}"
            ));
            ("canvas_size[0]".to_owned(), "canvas_size[1]".to_owned())
        }
        None => (width.to_string(), height.to_string()),
    };
    script.line(left_top(preprocess.align, &canvas));
    Some(Padding { canvas })
}

/// Where the picture lies on its canvas.
fn left_top(align: Align, canvas: &(String, String)) -> String {
    match align {
        Align::TopLeft => "left, top = 0, 0".to_owned(),
        Align::Center => format!(
            "left, top = ({} - size[0]) // 2, ({} - size[1]) // 2",
            canvas.0, canvas.1
        ),
        Align::CenterRound => format!(
            "left, top = round(({} - size[0]) / 2), round(({} - size[1]) / 2)",
            canvas.0, canvas.1
        ),
        Align::TensorFlow => format!(
            "left, top = int(max({} - width / ratio, 0) / 2), int(max({} - height / ratio, 0) / 2)",
            canvas.0, canvas.1
        ),
    }
}

/// The one call with which Pillow or TensorFlow resizes and pads; false where there is none.
fn with_library(script: &mut Script, image: &ImageInput, (width, height): (usize, usize)) -> bool {
    let preprocess = &image.preprocess;
    if image.stride.is_some() || preprocess.pad_normalised.is_some() {
        return false;
    }
    let pad = preprocess.pad.unwrap_or_default();
    match (preprocess.align, preprocess.rounding()) {
        (Align::CenterRound, Rounding::Round) => {
            let Some(filter) = pillow_filter(preprocess.filter) else {
                return false;
            };
            script.import(Import::Image);
            script.import(Import::ImageOps);
            let [red, green, blue] = pad;
            let colour = match script.colours {
                Colours::Rgb => format!("({red}, {green}, {blue})"),
                Colours::Bgr => format!("({blue}, {green}, {red})"),
                Colours::Grey => red.to_string(),
            };
            script.image(format!(
                "ImageOps.pad(image, ({width}, {height}), Image.Resampling.{filter}, color={colour})"
            ));
            true
        }
        (Align::TensorFlow, Rounding::Floor)
            if is_tensorflow(preprocess.filter) && pad == [0; 3] =>
        {
            let method = match preprocess.filter.name().trim_start_matches("tensorflow-") {
                "bilinear" => String::new(),
                method => format!(", \"{method}\""),
            };
            let antialias = if preprocess.antialias == Some(true) {
                ", antialias=True"
            } else {
                ""
            };
            script.image(format!(
                "tf.image.resize_with_pad(image, {height}, {width}{method}{antialias})"
            ));
            if preprocess.filter != Filter::TensorFlowNearest {
                script.range = Range::Floats;
            }
            true
        }
        _ => false,
    }
}
