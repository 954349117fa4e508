//! torchvision's transforms of Pillow's images, where all of the pipeline is theirs.

use super::number::{Numbers, single};
use super::resize::pillow_filter;
use super::script::{Import, Script};
use crate::package::{
    Arithmetic, Channels, Crop, Decode, Filter, GreyOrder, ImageDtype, Layout, Preprocess, Resize,
    Rounding, Scale,
};
use crate::pipeline::image::ImageInput;

/// The transforms; none where one of the steps has no transform.
pub(super) fn transforms(image: &ImageInput) -> Option<Vec<String>> {
    let preprocess = &image.preprocess;
    let theirs = preprocess.decode == Decode::Pillow
        && preprocess.central_crop.is_none()
        && preprocess.arithmetic == Arithmetic::Torchvision
        && preprocess.scale == Scale::Fixed
        && preprocess.channels != Channels::Bgr
        && image.dtype == ImageDtype::F32
        && image.layout == Layout::Nchw
        && image.stride.is_none();
    if !theirs {
        return None;
    }
    let mut transforms = Vec::new();
    let grey = |order| preprocess.channels == Channels::Grey && preprocess.grey == order;
    if grey(GreyOrder::Before) {
        transforms.push("transforms.Grayscale()".to_owned());
    }
    transforms.extend(resize(image)?);
    match (preprocess.crop, image.size) {
        (Crop::Center, Some((width, height))) => {
            transforms.push(format!("transforms.CenterCrop({})", sides(width, height)));
        }
        (Crop::CenterFloor, _) => return None,
        _ => {}
    }
    if grey(GreyOrder::After) {
        transforms.push("transforms.Grayscale()".to_owned());
    }
    transforms.push("transforms.ToTensor()".to_owned());
    transforms.extend(normalize(preprocess));
    Some(transforms)
}

fn sides(width: usize, height: usize) -> String {
    if width == height {
        return width.to_string();
    }
    format!("({height}, {width})")
}

/// `Resize`, where there is one; `None` where torchvision doesn't resize so.
fn resize(image: &ImageInput) -> Option<Option<String>> {
    let preprocess = &image.preprocess;
    let size = match (preprocess.resize, preprocess.size, image.size) {
        (Resize::None, ..) | (Resize::Stretch, None, None) => return Some(None),
        (Resize::ShortSide, Some(size), _) if preprocess.rounding() == Rounding::Floor => {
            match preprocess.max_size {
                Some(most) => format!("{size}, max_size={most}"),
                None => size.to_string(),
            }
        }
        (Resize::Stretch, Some(size), _) => format!("({size}, {size})"),
        (Resize::Stretch, None, Some((width, height))) => format!("({height}, {width})"),
        _ => return None,
    };
    let mode = match preprocess.filter {
        Filter::Bilinear => String::new(),
        filter => {
            let mode = pillow_filter(filter)?;
            format!(", interpolation=transforms.InterpolationMode.{mode}")
        }
    };
    // `max_size` is written after the filter, by name.
    Some(Some(format!("transforms.Resize({size}{mode})")))
}

fn normalize(preprocess: &Preprocess) -> Option<String> {
    let unit = |values: &[f64]| -> Vec<f64> { values.iter().map(|value| value / 255.0).collect() };
    let (mean, std) = (unit(&preprocess.mean), unit(&preprocess.std));
    if mean.iter().all(|mean| *mean == 0.0) && std.iter().all(|std| *std as f32 == 1.0) {
        return None;
    }
    let count = preprocess.channels.count();
    let list = |values: &[f64]| {
        let values: Vec<f64> = values.iter().copied().cycle().take(count).collect();
        Numbers::list(&values, single)
    };
    Some(format!(
        "transforms.Normalize({}, {})",
        list(&mean),
        list(&std)
    ))
}

/// Writes them, and the end of the function.
pub(super) fn apply(script: &mut Script, transforms: &[String]) {
    script.import(Import::Transforms);
    script.head("transform = transforms.Compose([");
    for transform in transforms {
        script.head(format!("    {transform},"));
    }
    script.head("])");
    script.line("return transform(image).unsqueeze(0).numpy()");
}
