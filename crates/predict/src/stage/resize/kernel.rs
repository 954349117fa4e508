//! The names of all kernels: whose arithmetic, which filter, bytes or floats.

use super::view::View;

/// What a library resizes, and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Depth {
    /// Bytes.
    U8,
    /// Floats from 0 to 255: the picture was turned into floats before it was resized.
    F32,
    /// Floats from 0 to 1: it was also divided by 255, as `ToTensor` does.
    Unit,
    /// Bytes that are resized as floats from 0 to 255 and rounded in the end: how the first
    /// transforms of torchvision resize tensors of bytes.
    Rounded,
}

/// A way to resize, named by the library that does it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kernel {
    /// `Image.resize`.
    Pillow {
        filter: PillowFilter,
        /// `reducing_gap`: whole blocks of pixels are averaged first, as far as this many times
        /// the size is left. `Image.thumbnail` takes 2.
        reducing_gap: Option<f64>,
        /// Right and lower end of what is resized, if it isn't all of the picture: a JPEG that
        /// was decoded at a part of its size can end within its last pixels.
        extent: Option<(f64, f64)>,
    },
    /// `cv2.resize`.
    OpenCv { filter: OpenCvFilter, depth: Depth },
    /// `torch.nn.functional.interpolate`, which torchvision resizes tensors with.
    Torch {
        filter: TorchFilter,
        antialias: bool,
        depth: Depth,
    },
    /// `tf.image.resize`. All but the nearest neighbours of bytes gives floats.
    TensorFlow {
        filter: TensorFlowFilter,
        antialias: bool,
        depth: Depth,
    },
    /// `opencv-linear` of packages of format 1.
    LegacyLinear,
    /// `opencv-area` of packages of format 1.
    LegacyArea,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PillowFilter {
    Nearest,
    Box,
    Bilinear,
    Hamming,
    Bicubic,
    Lanczos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum OpenCvFilter {
    Nearest,
    NearestExact,
    Linear,
    LinearExact,
    Cubic,
    Area,
    Lanczos4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TorchFilter {
    Nearest,
    NearestExact,
    Bilinear,
    Bicubic,
    /// Always with antialiasing.
    Lanczos,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum TensorFlowFilter {
    Nearest,
    Bilinear,
    Bicubic,
    Area,
    Lanczos3,
    Lanczos5,
}

impl Kernel {
    /// Pillow's filter on all of the picture, in one step.
    pub const fn pillow(filter: PillowFilter) -> Self {
        Self::Pillow {
            filter,
            reducing_gap: None,
            extent: None,
        }
    }

    /// Whether not all of `source` is resized.
    pub(super) fn takes_part(self, source: View<'_>) -> bool {
        let whole = (source.width as f64, source.height as f64);
        matches!(self, Self::Pillow { extent: Some(extent), .. } if extent != whole)
    }

    /// What is resized.
    pub fn depth(self) -> Depth {
        match self {
            Self::TensorFlow { filter, depth, .. } => match (filter, depth) {
                (TensorFlowFilter::Nearest, depth) => depth,
                (_, Depth::U8) => Depth::F32,
                (_, depth) => depth,
            },
            Self::Pillow { .. } | Self::LegacyLinear | Self::LegacyArea => Depth::U8,
            Self::OpenCv { depth, .. } | Self::Torch { depth, .. } => depth,
        }
    }

    /// Whether bytes come out.
    pub fn gives_bytes(self) -> bool {
        matches!(self.depth(), Depth::U8 | Depth::Rounded)
    }

    /// The float that each byte of a picture becomes before it is resized.
    pub(super) fn values(self) -> [f32; 256] {
        let divisor = if self.depth() == Depth::Unit {
            255.0
        } else {
            1.0
        };
        std::array::from_fn(|byte| byte as f32 / divisor)
    }
}
