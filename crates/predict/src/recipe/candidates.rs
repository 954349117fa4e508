//! The recipes that are tried: geometries, and filters.

use boxwright_model::package::{
    Align, Crop, Depth, Filter, Preprocess, Resize, Rounding, StrideRounding,
};
use boxwright_model::pipeline::ImageInput;
use boxwright_model::recipe::Recipe;

use super::target::Target;
use crate::stage::geometry::{self, Placement, Size};

/// A geometry: fields of the package that decide where a picture lands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Geometry {
    /// Fields of resizing and cropping; all others at their default.
    pub preprocess: Preprocess,
    pub size: Option<Size>,
    pub stride: Option<(usize, StrideRounding)>,
}

impl Geometry {
    /// The input of a package with this geometry and `preprocess`'s other fields.
    pub fn input(&self, preprocess: Preprocess, target: &Target) -> ImageInput {
        ImageInput {
            name: String::new(),
            layout: target.layout,
            dtype: target.dtype,
            size: self.size,
            stride: self.stride,
            preprocess,
            batch: boxwright_tensor::BatchAxis::Dynamic,
        }
    }

    /// Where a picture of this size lands, where that fills the tensor.
    pub fn place(&self, target: &Target, photo: Size) -> Option<Placement> {
        let input = self.input(self.preprocess.clone(), target);
        let placement = geometry::place(&input, photo).ok()?;
        let sides = [
            placement.resized.0,
            placement.resized.1,
            placement.region.width,
            placement.region.height,
        ];
        let fits = placement.canvas == (target.width, target.height);
        let sensible = sides.iter().all(|side| (1..=16_384).contains(side));
        (fits && sensible).then_some(placement)
    }

    /// A recipe of another geometry of the same kind, by this one.
    pub fn also(&self, recipe: &Recipe) -> Recipe {
        let other = &recipe.preprocess;
        Recipe {
            preprocess: Preprocess {
                filter: other.filter,
                antialias: other.antialias,
                resize_in: other.resize_in,
                pad: other.pad,
                pad_normalised: other.pad_normalised,
                scale: other.scale,
                mean: other.mean.clone(),
                std: other.std.clone(),
                arithmetic: other.arithmetic,
                ..self.over(other)
            },
            size: self.size,
            stride: self.stride,
            ..recipe.clone()
        }
    }

    /// Takes the fields of geometry, and leaves those of decoding.
    pub fn over(&self, base: &Preprocess) -> Preprocess {
        Preprocess {
            decode: base.decode,
            exif: base.exif,
            draft: base.draft,
            jpeg_quality: base.jpeg_quality,
            channels: base.channels,
            grey: base.grey,
            ..self.preprocess.clone()
        }
    }
}

const ROUNDINGS: [Rounding; 3] = [Rounding::Floor, Rounding::Round, Rounding::HalfUp];
const CROPS: [Crop; 2] = [Crop::Center, Crop::CenterFloor];
const STRIDES: [usize; 6] = [32, 14, 16, 64, 8, 128];

fn fixed(target: &Target, preprocess: Preprocess) -> Geometry {
    Geometry {
        preprocess,
        size: Some((target.width, target.height)),
        stride: None,
    }
}

fn free(preprocess: Preprocess) -> Geometry {
    Geometry {
        preprocess,
        size: None,
        stride: None,
    }
}

/// Geometries without a free number, simplest first.
pub(super) fn plain(target: &Target) -> Vec<Geometry> {
    let resize = |resize| Preprocess {
        resize,
        ..Preprocess::default()
    };
    let mut all = vec![fixed(target, resize(Resize::Stretch))];
    all.push(free(resize(Resize::None)));
    for crop in CROPS {
        let none = resize(Resize::None);
        all.push(fixed(target, Preprocess { crop, ..none }));
    }
    all.extend(letterboxes(target));
    for percent in [87.5, 90.0, 95.0, 80.0, 75.0, 85.0, 70.0, 50.0, 60.0] {
        let central_crop = Some(percent / 100.0);
        let stretch = resize(Resize::Stretch);
        all.push(fixed(
            target,
            Preprocess {
                central_crop,
                ..stretch
            },
        ));
    }
    all.push(fixed(target, resize(Resize::Thumbnail)));
    all.extend(of_any_size(target));
    all
}

fn letterboxes(target: &Target) -> Vec<Geometry> {
    let mut all = Vec::new();
    for align in [
        Align::Center,
        Align::TopLeft,
        Align::CenterRound,
        Align::TensorFlow,
    ] {
        for long_side in [
            Rounding::Round,
            Rounding::Floor,
            Rounding::HalfUp,
            Rounding::Ceil,
        ] {
            all.push(fixed(
                target,
                Preprocess {
                    resize: Resize::Letterbox,
                    pad: Some([0; 3]),
                    align,
                    long_side: Some(long_side),
                    ..Preprocess::default()
                },
            ));
        }
    }
    all
}

/// Geometries for models that take any size.
fn of_any_size(target: &Target) -> Vec<Geometry> {
    let (short, long) = (
        target.width.min(target.height) as u32,
        target.width.max(target.height) as u32,
    );
    let side = |resize, size, max_size, rounding| Preprocess {
        resize,
        size: Some(size),
        max_size,
        long_side: Some(rounding),
        ..Preprocess::default()
    };
    let mut all = Vec::new();
    for rounding in ROUNDINGS {
        all.push(free(side(Resize::ShortSide, short, None, rounding)));
        all.push(free(side(Resize::LongSide, long, None, rounding)));
    }
    for size in [800, 640, 600, 480, 512, 400, 1024, 720] {
        for rounding in [Rounding::Detr, Rounding::Floor, Rounding::HalfUp] {
            for most in [long, 1333, 1000, 1024, 640] {
                if size <= most {
                    all.push(free(side(Resize::ShortSide, size, Some(most), rounding)));
                }
            }
        }
    }
    for stride in STRIDES.into_iter().filter(|stride| {
        target.width.is_multiple_of(*stride) && target.height.is_multiple_of(*stride)
    }) {
        for rounding in [
            StrideRounding::Up,
            StrideRounding::Nearest,
            StrideRounding::Down,
        ] {
            all.push(Geometry {
                stride: Some((stride, rounding)),
                ..free(Preprocess::default())
            });
        }
        for most in [640, 1280, 416, 512, 1024, long as usize] {
            all.push(Geometry {
                size: Some((most, most)),
                stride: Some((stride, StrideRounding::Up)),
                preprocess: Preprocess {
                    resize: Resize::Letterbox,
                    pad: Some([0; 3]),
                    ..Preprocess::default()
                },
            });
        }
    }
    all
}

/// Geometries by the shorter and the longer side, both of which some tensors tell: of one the shorter
/// side came to its size, of another the longer side to its limit.
pub(super) fn limited(targets: &[Target]) -> Vec<Geometry> {
    let short = targets.iter().map(|target| target.width.min(target.height));
    let long = targets.iter().map(|target| target.width.max(target.height));
    let (Some(size), Some(most)) = (short.max(), long.max()) else {
        return Vec::new();
    };
    let by = |rounding| Preprocess {
        resize: Resize::ShortSide,
        size: Some(size as u32),
        max_size: Some(most as u32),
        long_side: Some(rounding),
        ..Preprocess::default()
    };
    [Rounding::Floor, Rounding::HalfUp, Rounding::Detr]
        .into_iter()
        .map(|rounding| free(by(rounding)))
        .collect()
}

/// Centre crops of a picture whose shorter side, longer side or sides were brought to `size`.
pub(super) fn cropped(target: &Target, resize: Resize, size: u32) -> Vec<Geometry> {
    let roundings: &[Rounding] = match resize {
        Resize::Stretch => &[Rounding::Floor],
        _ => &ROUNDINGS,
    };
    let mut all = Vec::new();
    for crop in CROPS {
        for rounding in roundings {
            all.push(fixed(
                target,
                Preprocess {
                    resize,
                    size: Some(size),
                    long_side: (resize != Resize::Stretch).then_some(*rounding),
                    crop,
                    ..Preprocess::default()
                },
            ));
        }
    }
    all
}

/// The sizes that are tried for such crops, in pixels.
pub(super) fn sizes(target: &Target, photo: Size) -> std::ops::RangeInclusive<u32> {
    let (short, long) = (
        target.width.min(target.height) as u32,
        target.width.max(target.height) as u32,
    );
    let most = (long * 4).max(photo.0.max(photo.1).min(4096) as u32 / 2);
    (short / 2).max(1)..=most.min(4096)
}

/// How usual a size is that is cropped to `side`; less is more usual.
pub(super) fn oddness(size: u32, side: u32) -> u32 {
    let ratios = [
        0.875,
        1.0,
        0.9,
        0.95,
        0.96,
        0.93,
        0.94,
        224.0 / 232.0,
        0.955,
    ];
    let usual = ratios
        .iter()
        .any(|ratio| (f64::from(side) / ratio).floor() as u32 == size);
    match size {
        _ if size == side => 0,
        _ if size == side.saturating_mul(8).div_ceil(7) => 0,
        _ if usual => 1,
        _ if size.is_multiple_of(8) => 2,
        _ => 3,
    }
}

/// A filter with its choices.
pub(super) type Resampling = (Filter, Option<bool>, Depth);

/// All resamplings, most usual first.
pub(super) fn resamplings() -> Vec<Resampling> {
    use Filter as F;
    let mut all: Vec<Resampling> = Vec::new();
    for filter in [
        F::Bilinear,
        F::Bicubic,
        F::Lanczos,
        F::Nearest,
        F::Box,
        F::Hamming,
    ] {
        all.push((filter, None, Depth::U8));
    }
    for filter in [F::TorchvisionBilinear, F::TorchvisionBicubic] {
        for antialias in [None, Some(false)] {
            for depth in [Depth::U8, Depth::Unit, Depth::F32, Depth::Rounded] {
                all.push((filter, antialias, depth));
            }
        }
    }
    all.push((F::TorchvisionNearest, None, Depth::U8));
    all.push((F::TorchvisionNearestExact, None, Depth::U8));
    for filter in [
        F::OpenCvLinear,
        F::OpenCvArea,
        F::OpenCvCubic,
        F::OpenCvLanczos4,
    ] {
        for depth in [Depth::U8, Depth::F32, Depth::Unit] {
            all.push((filter, None, depth));
        }
    }
    for filter in [
        F::OpenCvNearest,
        F::OpenCvNearestExact,
        F::OpenCvLinearExact,
    ] {
        all.push((filter, None, Depth::U8));
    }
    for filter in [
        F::TensorFlowBilinear,
        F::TensorFlowBicubic,
        F::TensorFlowLanczos3,
        F::TensorFlowLanczos5,
    ] {
        for antialias in [None, Some(true)] {
            all.push((filter, antialias, Depth::U8));
        }
    }
    all.push((F::TensorFlowArea, None, Depth::U8));
    all.push((F::TensorFlowNearest, None, Depth::U8));
    all.push((F::Format1Linear, None, Depth::U8));
    all.push((F::Format1Area, None, Depth::U8));
    all
}

/// A preprocessing with this resampling.
pub(super) fn with(
    preprocess: &Preprocess,
    (filter, antialias, resize_in): Resampling,
) -> Preprocess {
    Preprocess {
        filter,
        antialias,
        resize_in,
        ..preprocess.clone()
    }
}
