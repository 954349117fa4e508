//! Named preprocessing.

use std::fmt;
use std::str::FromStr;

use boxwright_tensor::TensorSpec;

use super::input;
use crate::package::{
    Activation, Arithmetic, Channels, Crop, Decode, Filter, Input, Postprocess, Preprocess, Resize,
    Rounding, Task,
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

    /// The name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Imagenet => "imagenet",
            Self::Tf => "tf",
            Self::EfficientnetLite => "efficientnet-lite",
            Self::Unit => "unit",
            Self::Raw => "raw",
            Self::OpenCvImagenet => "opencv-imagenet",
        }
    }

    /// The fields of this preset for a package's input whose tensor is `spec`: its size and number
    /// of channels count.
    pub fn preprocess(self, input: &Input, spec: &TensorSpec) -> Preprocess {
        let picture = input::picture(spec);
        let channels = match picture.as_ref().map(|picture| picture.channels) {
            Some(1) => Channels::Grey,
            _ => Channels::Rgb,
        };
        // What the model leaves open is in the package alone.
        let longest = input.width.max(input.height);
        let longest = longest.or(picture.and_then(|picture| picture.width.max(picture.height)));
        self.with(longest.unwrap_or(USUAL_SIDE), channels)
    }

    /// What the answers of this preset's examples look like; most leave it open.
    pub fn answer(self, postprocess: &mut Postprocess) {
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

    /// The preset that `preprocess` is; the size, and whether EXIF is followed, are left open.
    pub fn of(preprocess: &Preprocess) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| {
            let grey = preprocess.channels == Channels::Grey;
            let channels = if grey { Channels::Grey } else { Channels::Rgb };
            let mut fields = preset.with(USUAL_SIDE, channels);
            (fields.size, fields.pad) = (preprocess.size, preprocess.pad);
            fields.exif = preprocess.exif;
            let same_rounding = fields.rounding() == preprocess.rounding();
            fields.long_side = preprocess.long_side;
            same_rounding && fields == *preprocess
        })
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
