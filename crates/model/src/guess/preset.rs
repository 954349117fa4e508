//! Named preprocessing.

use std::fmt;
use std::str::FromStr;

use boxwright_tensor::{Signature, TensorSpec};

use super::input;
use crate::package::{
    Activation, Arithmetic, Channels, Crop, Decode, Filter, Input, InputKind, Package, Postprocess,
    Preprocess, Resize, Rounding, Task,
};

/// The side of the pictures that most models were trained on, in pixels.
pub(crate) const USUAL_SIDE: u32 = 224;

/// A preprocessing with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Preset {
    /// `imagenet`, as torchvision: shorter side to 8/7 of the input's, bilinear, centre crop,
    /// ImageNet's mean and standard deviation.
    Imagenet,
    /// `tf`, as Keras' `mode="tf"`: stretched, bilinear, -1 to 1.
    Tf,
    /// `efficientnet-lite`: as `imagenet`, but bicubic, with mean 127 and standard deviation 128.
    EfficientnetLite,
    /// `unit`: stretched, bilinear, 0 to 1.
    Unit,
    /// `raw`: stretched, bilinear, 0 to 255.
    Raw,
    /// `opencv-imagenet`, the recipe of Chassis' examples: decoded by `cv2.imdecode(…, -1)`,
    /// stretched by `cv2.resize`, blue first, and yet normalised by ImageNet's mean and standard
    /// deviation in the order of red, green and blue.
    OpenCvImagenet,
}

impl Preset {
    /// All presets.
    pub const ALL: [Self; 6] = [
        Self::Imagenet,
        Self::Tf,
        Self::EfficientnetLite,
        Self::Unit,
        Self::Raw,
        Self::OpenCvImagenet,
    ];

    /// The name that a command line takes, and the title that a window shows.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Imagenet => ("imagenet", "ImageNet (torchvision)"),
            Self::Tf => ("tf", "TensorFlow (−1 to 1)"),
            Self::EfficientnetLite => ("efficientnet-lite", "EfficientNet-Lite"),
            Self::Unit => ("unit", "Unit (0 to 1)"),
            Self::Raw => ("raw", "Raw (0 to 255)"),
            Self::OpenCvImagenet => ("opencv-imagenet", "OpenCV ImageNet (Chassis)"),
        }
    }

    /// The name: `imagenet`.
    pub fn name(self) -> &'static str {
        self.words().0
    }

    /// The title: `ImageNet (torchvision)`.
    pub fn title(self) -> &'static str {
        self.words().1
    }

    /// Makes the package's image input one of this preset, for the size and the channels that its
    /// model, whose `signature` it is, leaves. Whether pictures are turned upright stays, but for
    /// decoders that never turn; so do the fields of the answer that the preset leaves open.
    ///
    /// # Errors
    /// That the package takes no pictures, in words.
    pub fn apply(self, package: &mut Package, signature: &Signature) -> Result<(), String> {
        let mut inputs = package.input.iter_mut();
        let input = inputs.find(|input| input.kind == InputKind::Image);
        let found = input.and_then(|input| {
            let spec = signature.inputs.iter().find(|spec| spec.name == input.name);
            Some((input, spec?))
        });
        let Some((input, spec)) = found else {
            let name = &package.package.name;
            return Err(format!(
                "`{name}` takes no pictures, so that it has no preset"
            ));
        };
        let mut preprocess = self.preprocess(input, spec);
        preprocess.exif &= package.preprocess.exif;
        package.preprocess = preprocess;
        self.answer(&mut package.postprocess);
        Ok(())
    }

    /// The fields of this preset for `input` of the tensor `spec`; a crop needs the input's size,
    /// which is filled in.
    fn preprocess(self, input: &mut Input, spec: &TensorSpec) -> Preprocess {
        let picture = input::picture(spec);
        let channels = match picture.as_ref().map(|picture| picture.channels) {
            Some(1) => Channels::Grey,
            _ => Channels::Rgb,
        };
        // What the model leaves open is in the package alone.
        let (width, height) = picture.map_or((None, None), |found| (found.width, found.height));
        let (width, height) = (input.width.or(width), input.height.or(height));
        let preprocess = self.with(width.max(height).unwrap_or(USUAL_SIDE), channels);
        if preprocess.crop.cuts() {
            input.width = width.or(Some(USUAL_SIDE));
            input.height = height.or(Some(USUAL_SIDE));
        }
        preprocess
    }

    /// What the answers of this preset's examples look like; most leave it open.
    fn answer(self, postprocess: &mut Postprocess) {
        if self == Self::OpenCvImagenet && postprocess.task == Task::Classification {
            postprocess.activation = Activation::Softmax;
            (postprocess.top_k, postprocess.score_digits) = (5, Some(3));
        }
    }

    /// The fields of this preset for a picture that is `longest` pixels on its longer side.
    pub(crate) fn with(self, longest: u32, channels: Channels) -> Preprocess {
        let grey = channels == Channels::Grey;
        let (mean, std) = match self {
            Self::Imagenet | Self::OpenCvImagenet if grey => (vec![114.495], vec![57.63]),
            Self::Imagenet | Self::OpenCvImagenet => {
                (vec![123.675, 116.28, 103.53], vec![58.395, 57.12, 57.375])
            }
            Self::Tf => (vec![127.5], vec![127.5]),
            Self::EfficientnetLite => (vec![127.0], vec![128.0]),
            Self::Unit => (vec![0.0], vec![255.0]),
            Self::Raw => (vec![0.0], vec![1.0]),
        };
        let each = |numbers: Vec<f64>| match (&numbers[..], grey) {
            ([one], false) => vec![*one; 3],
            _ => numbers,
        };
        let plain = Preprocess {
            channels,
            mean: each(mean),
            std: each(std),
            ..Preprocess::default()
        };
        // 256 for 224, as torchvision has it, and in that proportion for other sizes.
        let short_side = Preprocess {
            resize: Resize::ShortSide,
            size: Some(longest.saturating_mul(8).div_ceil(7)),
            long_side: Some(Rounding::Floor),
            crop: Crop::Center,
            ..plain.clone()
        };
        match self {
            Self::Imagenet => Preprocess {
                arithmetic: Arithmetic::Torchvision,
                ..short_side
            },
            Self::EfficientnetLite => Preprocess {
                filter: Filter::Bicubic,
                ..short_side
            },
            Self::Tf => Preprocess {
                arithmetic: Arithmetic::Keras,
                ..plain
            },
            Self::Unit | Self::Raw => plain,
            Self::OpenCvImagenet => Preprocess {
                decode: Decode::OpenCvUnchanged,
                exif: false,
                filter: Filter::OpenCvLinear,
                channels: if grey { channels } else { Channels::Bgr },
                arithmetic: Arithmetic::Torchvision,
                ..plain
            },
        }
    }

    /// The preset that a package of pictures follows; the size, and whether EXIF is followed where
    /// the decoder leaves that open, may be any.
    pub fn of(package: &Package) -> Option<Self> {
        let preprocess = &package.preprocess;
        let grey = preprocess.channels == Channels::Grey;
        let channels = if grey { Channels::Grey } else { Channels::Rgb };
        let fits = |preset: &Self| {
            let mut fields = preset.with(USUAL_SIDE, channels);
            (fields.size, fields.pad) = (preprocess.size, preprocess.pad);
            fields.exif &= preprocess.exif;
            let same_rounding = fields.rounding() == preprocess.rounding();
            fields.long_side = preprocess.long_side;
            let mut answer = package.postprocess.clone();
            preset.answer(&mut answer);
            same_rounding && fields == *preprocess && answer == package.postprocess
        };
        let pictures = package.image_input().is_some();
        Self::ALL.into_iter().filter(|_| pictures).find(fits)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    /// What is wrong, with the names that there are.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|preset| preset.name() == text)
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("`{}` is no preset: {names}", crate::paths::shown(text))
            })
    }
}
