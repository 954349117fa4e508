//! The `[preprocess]` table: how a picture becomes the image input's tensor.

use serde::{Deserialize, Serialize};

use super::named::named;

named! {
    /// What turns a file's bytes into pixels.
    Decode {
        /// Pillow's `Image.open(…).convert("RGB")`.
        #[default] Pillow = "pillow",
        /// OpenCV's `cv2.imdecode(…, cv2.IMREAD_COLOR)`.
        OpenCv = "opencv",
        /// OpenCV's `cv2.imdecode(…, cv2.IMREAD_GRAYSCALE)`: one channel.
        OpenCvGrey = "opencv-grey",
        /// OpenCV's `cv2.imdecode(…, cv2.IMREAD_UNCHANGED)`: a picture that hasn't three channels
        /// of 8 bits is refused.
        OpenCvUnchanged = "opencv-unchanged",
        /// TensorFlow's `tf.io.decode_image`: as Pillow, but for JPEG, which it reads by
        /// libjpeg's fast and less exact transform. It never turns a picture.
        TensorFlow = "tensorflow",
    }
}
named! {
    /// How a picture is brought to size.
    Resize {
        /// The shorter side to `size`, keeping the aspect ratio; with `max_size`, the longer one
        /// to that at most.
        ShortSide = "short-side",
        /// The longer side to `size`, keeping the aspect ratio.
        LongSide = "long-side",
        /// To width and height, whatever the aspect ratio; with `size`, to a square of that.
        #[default] Stretch = "stretch",
        /// Into width and height, keeping the aspect ratio, on `pad`.
        Letterbox = "letterbox",
        /// Pillow's `Image.thumbnail`: into width and height, keeping the aspect ratio, never
        /// enlarged.
        Thumbnail = "thumbnail",
        /// Left as it is: the picture must have the input's size, unless it is cropped to it.
        None = "none",
    }
}
named! {
    /// How the length of a side that follows from the aspect ratio becomes a whole number.
    Rounding {
        /// Truncated: torchvision, timm, transformers, YOLOX.
        #[default] Floor = "floor",
        /// To nearest, half to even: Python's `round`, Ultralytics, albumentations.
        Round = "round",
        /// To nearest, half up: `int(x + 0.5)`, as mmdetection and C++ do.
        HalfUp = "half-up",
        /// Rounded up: PaddleOCR's recogniser.
        Ceil = "ceil",
        /// Transformers' `get_size_with_aspect_ratio`, for DETR: the shorter side is rounded where
        /// `max_size` limits the longer one, and the other follows from the exact length.
        Detr = "detr",
    }
}
named! {
    /// The resampling filter, by the library that has it.
    Filter {
        /// Pillow's `NEAREST`.
        Nearest = "nearest",
        /// Pillow's `BOX`.
        Box = "box",
        /// Pillow's `BILINEAR`: a triangle, antialiased.
        #[default] Bilinear = "bilinear",
        /// Pillow's `HAMMING`.
        Hamming = "hamming",
        /// Pillow's `BICUBIC`: Catmull-Rom (a = -0.5), antialiased.
        Bicubic = "bicubic",
        /// Pillow's `LANCZOS`: three lobes, antialiased.
        Lanczos = "lanczos",
        /// OpenCV's `INTER_NEAREST`.
        OpenCvNearest = "opencv-nearest",
        /// OpenCV's `INTER_NEAREST_EXACT`.
        OpenCvNearestExact = "opencv-nearest-exact",
        /// OpenCV's `INTER_LINEAR`: two taps an axis, not antialiased.
        OpenCvLinear = "opencv-linear",
        /// OpenCV's `INTER_LINEAR_EXACT`.
        OpenCvLinearExact = "opencv-linear-exact",
        /// OpenCV's `INTER_CUBIC` (a = -0.75), not antialiased.
        OpenCvCubic = "opencv-cubic",
        /// OpenCV's `INTER_AREA`.
        OpenCvArea = "opencv-area",
        /// OpenCV's `INTER_LANCZOS4`.
        OpenCvLanczos4 = "opencv-lanczos4",
        /// PyTorch's `nearest`, on tensors.
        TorchvisionNearest = "torchvision-nearest",
        /// PyTorch's `nearest-exact`, on tensors.
        TorchvisionNearestExact = "torchvision-nearest-exact",
        /// PyTorch's `bilinear`, on tensors.
        TorchvisionBilinear = "torchvision-bilinear",
        /// PyTorch's `bicubic`, on tensors.
        TorchvisionBicubic = "torchvision-bicubic",
        /// `tf.image.resize(…, "nearest")`.
        TensorFlowNearest = "tensorflow-nearest",
        /// `tf.image.resize(…, "bilinear")`.
        TensorFlowBilinear = "tensorflow-bilinear",
        /// `tf.image.resize(…, "bicubic")`.
        TensorFlowBicubic = "tensorflow-bicubic",
        /// `tf.image.resize(…, "area")`.
        TensorFlowArea = "tensorflow-area",
        /// `tf.image.resize(…, "lanczos3")`.
        TensorFlowLanczos3 = "tensorflow-lanczos3",
        /// `tf.image.resize(…, "lanczos5")`.
        TensorFlowLanczos5 = "tensorflow-lanczos5",
        /// What packages of format 1 call `opencv-linear`: up to one level off OpenCV's.
        Format1Linear = "format1-opencv-linear",
        /// What packages of format 1 call `opencv-area`.
        Format1Area = "format1-opencv-area",
    }
}
named! {
    /// The numbers in which the library resizes.
    Depth {
        /// Bytes: the result is rounded to 0..=255.
        #[default] U8 = "u8",
        /// 32-bit floats from 0 to 255: the result keeps its fractions.
        F32 = "f32",
        /// 32-bit floats from 0 to 1, as behind `ToTensor`: other roundings than `f32`.
        Unit = "unit",
        /// 32-bit floats that are then rounded to bytes: torchvision's first `Resize`, on tensors
        /// of bytes.
        Rounded = "rounded",
    }
}
named! {
    /// What is cut out after resizing.
    Crop {
        /// The centre, by torchvision's `CenterCrop` offsets: round half to even of (h - H) / 2.
        #[default] Center = "center",
        /// The centre, with offsets rounded down: OpenCV, albumentations, transformers, Keras.
        CenterFloor = "center-floor",
        /// Nothing.
        None = "none",
    }
}
named! {
    /// Where a letterboxed picture lies on its canvas.
    Align {
        /// In the middle; an odd pixel of padding goes right and below.
        #[default] Center = "center",
        /// In the middle; half a pixel is rounded to even, as Pillow's `ImageOps.pad` does.
        CenterRound = "center-round",
        /// Top left: all padding is right and below.
        TopLeft = "top-left",
        /// `tf.image.resize_with_pad`: half of what the picture's exact length, not yet a whole
        /// number, leaves, rounded down.
        TensorFlow = "tensorflow",
    }
}
named! {
    /// Order and number of colour channels.
    Channels {
        /// Red, green, blue.
        #[default] Rgb = "rgb",
        /// Blue, green, red.
        Bgr = "bgr",
        /// One channel, by the grey of the library that decodes.
        Grey = "grey",
    }
}
named! {
    /// When a picture is made grey.
    GreyOrder {
        /// Before it is resized: `Image.open(…).convert("L")`.
        #[default] Before = "before",
        /// After it is resized and cropped: torchvision's `Grayscale` behind `Resize`.
        After = "after",
    }
}
named! {
    /// What the range of the pixels is, before mean and std.
    Scale {
        /// 0..=255.
        #[default] Fixed = "fixed",
        /// Each picture is scaled so that its largest value becomes 255: U²-Net divides by it.
        PhotoMaximum = "photo-maximum",
    }
}
named! {
    /// The order in which y = (x − mean) / std is computed. The results differ in the last digits.
    Arithmetic {
        /// (x − mean) / std, in 32 bits.
        #[default] Fused = "fused",
        /// (x / 255 − mean / 255) / (std / 255), in 32 bits: torchvision's `ToTensor` and
        /// `Normalize`, transformers.
        Torchvision = "torchvision",
        /// x / std − mean / std, in 32 bits: Keras' `mode="tf"`.
        Keras = "keras",
        /// (x − mean) · (1 / std), in 32 bits, with mean / 255 and std / 255 in 32 bits first:
        /// albumentations.
        Reciprocal = "reciprocal",
        /// (x / 255 − mean / 255) / (std / 255), in 64 bits: NumPy without a dtype.
        Float64 = "float64",
    }
}

impl Channels {
    /// How many there are.
    pub fn count(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Grey => 1,
        }
    }
}

impl Crop {
    /// Whether anything is cut out.
    pub fn cuts(self) -> bool {
        self != Self::None
    }
}

impl Resize {
    /// Whether `size` is needed.
    pub fn needs_size(self) -> bool {
        matches!(self, Self::ShortSide | Self::LongSide)
    }
}

impl Filter {
    /// Whether the filter can widen with the scale (`antialias`), and whether it does by default.
    pub fn antialias(self) -> Option<bool> {
        match self {
            Self::TorchvisionBilinear | Self::TorchvisionBicubic => Some(true),
            Self::TensorFlowBilinear
            | Self::TensorFlowBicubic
            | Self::TensorFlowLanczos3
            | Self::TensorFlowLanczos5 => Some(false),
            _ => None,
        }
    }

    /// Whether the library resizes floats as well as bytes (`resize_in`).
    pub fn takes_floats(self) -> bool {
        self.name().starts_with("opencv-") || self.name().starts_with("torchvision-")
    }
}

/// How a picture becomes a tensor: decode, resize, crop, order the channels, then
/// y = (x − mean) / std with x in 0..=255.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields, default)]
pub struct Preprocess {
    /// What turns the file's bytes into pixels.
    pub decode: Decode,
    /// Whether the picture is turned upright by its EXIF orientation.
    pub exif: bool,
    /// Whether a JPEG is decoded at a half, a quarter or an eighth of its size where that is still
    /// large enough: Pillow's `Image.draft`.
    pub draft: bool,
    /// The quality, 1 to 100, of a JPEG that the picture is made into and read from again before
    /// it is resized.
    pub jpeg_quality: Option<u8>,
    /// The part of both sides, in the middle, that is kept before resizing:
    /// `tf.image.central_crop`.
    pub central_crop: Option<f64>,
    /// How the picture is brought to size.
    pub resize: Resize,
    /// Pixels of the shorter side ([`Resize::ShortSide`]), the longer one ([`Resize::LongSide`]),
    /// or both ([`Resize::Stretch`], where another size than the input's is cropped to it).
    pub size: Option<u32>,
    /// Most pixels of the longer side; for [`Resize::ShortSide`] only.
    pub max_size: Option<u32>,
    /// How the side that follows from the aspect ratio is rounded; where absent as
    /// [`Preprocess::rounding`] has it.
    pub long_side: Option<Rounding>,
    /// The resampling filter.
    pub filter: Filter,
    /// Whether the filter widens with the scale; for filters that leave it open only
    /// ([`Filter::antialias`], which has their defaults).
    pub antialias: Option<bool>,
    /// The numbers in which the library resizes.
    pub resize_in: Depth,
    /// The colour around the picture, in 0..=255; for [`Resize::Letterbox`] only.
    pub pad: Option<[u8; 3]>,
    /// What the tensor holds around the picture, in place of a normalised `pad`.
    pub pad_normalised: Option<f64>,
    /// Where a letterboxed picture lies.
    pub align: Align,
    /// What is cut out after resizing.
    pub crop: Crop,
    /// Order and number of channels.
    pub channels: Channels,
    /// When the picture is made grey; for [`Channels::Grey`] only.
    pub grey: GreyOrder,
    /// The range of the pixels.
    pub scale: Scale,
    /// One a channel, in the order of `channels`, or one for all.
    pub mean: Vec<f64>,
    /// One a channel, in the order of `channels`, or one for all; never 0.
    pub std: Vec<f64>,
    /// The order of the arithmetic.
    pub arithmetic: Arithmetic,
}

impl Default for Preprocess {
    fn default() -> Self {
        Self {
            decode: Decode::Pillow,
            exif: true,
            draft: false,
            jpeg_quality: None,
            central_crop: None,
            resize: Resize::Stretch,
            size: None,
            max_size: None,
            long_side: None,
            filter: Filter::Bilinear,
            antialias: None,
            resize_in: Depth::U8,
            pad: None,
            pad_normalised: None,
            align: Align::Center,
            crop: Crop::None,
            channels: Channels::Rgb,
            grey: GreyOrder::Before,
            scale: Scale::Fixed,
            mean: vec![0.0],
            std: vec![1.0],
            arithmetic: Arithmetic::Fused,
        }
    }
}

impl Preprocess {
    /// How the side that follows from the aspect ratio is rounded: as `long_side` says, else as
    /// most libraries do: to nearest for a letterbox, truncated elsewhere.
    pub fn rounding(&self) -> Rounding {
        self.long_side.unwrap_or(match self.resize {
            Resize::Letterbox => Rounding::Round,
            _ => Rounding::Floor,
        })
    }
}
