//! The kernel that a package names.

use boxwright_model::package::{self, Filter, Preprocess, Resize};

use super::kernel::{Depth, Kernel, OpenCvFilter, PillowFilter, TensorFlowFilter, TorchFilter};

impl Kernel {
    /// The kernel that a package names.
    pub fn of(preprocess: &Preprocess) -> Self {
        let depth = match preprocess.resize_in {
            package::Depth::U8 => Depth::U8,
            package::Depth::Rounded => Depth::Rounded,
            package::Depth::F32 => Depth::F32,
            package::Depth::Unit => Depth::Unit,
        };
        let pillow = |filter| Self::Pillow {
            filter,
            reducing_gap: (preprocess.resize == Resize::Thumbnail).then_some(2.0),
            extent: None,
        };
        let opencv = |filter| Self::OpenCv { filter, depth };
        let antialias = preprocess
            .antialias
            .or(preprocess.filter.antialias())
            .unwrap_or(false);
        let torch = |filter| Self::Torch {
            filter,
            antialias,
            depth,
        };
        let tensorflow = |filter| Self::TensorFlow {
            filter,
            antialias,
            depth,
        };
        match preprocess.filter {
            Filter::Nearest => pillow(PillowFilter::Nearest),
            Filter::Box => pillow(PillowFilter::Box),
            Filter::Bilinear => pillow(PillowFilter::Bilinear),
            Filter::Hamming => pillow(PillowFilter::Hamming),
            Filter::Bicubic => pillow(PillowFilter::Bicubic),
            Filter::Lanczos => pillow(PillowFilter::Lanczos),
            Filter::OpenCvNearest => opencv(OpenCvFilter::Nearest),
            Filter::OpenCvNearestExact => opencv(OpenCvFilter::NearestExact),
            Filter::OpenCvLinear => opencv(OpenCvFilter::Linear),
            Filter::OpenCvLinearExact => opencv(OpenCvFilter::LinearExact),
            Filter::OpenCvCubic => opencv(OpenCvFilter::Cubic),
            Filter::OpenCvArea => opencv(OpenCvFilter::Area),
            Filter::OpenCvLanczos4 => opencv(OpenCvFilter::Lanczos4),
            Filter::TorchvisionNearest => torch(TorchFilter::Nearest),
            Filter::TorchvisionNearestExact => torch(TorchFilter::NearestExact),
            Filter::TorchvisionBilinear => torch(TorchFilter::Bilinear),
            Filter::TorchvisionBicubic => torch(TorchFilter::Bicubic),
            Filter::TensorFlowNearest => tensorflow(TensorFlowFilter::Nearest),
            Filter::TensorFlowBilinear => tensorflow(TensorFlowFilter::Bilinear),
            Filter::TensorFlowBicubic => tensorflow(TensorFlowFilter::Bicubic),
            Filter::TensorFlowArea => tensorflow(TensorFlowFilter::Area),
            Filter::TensorFlowLanczos3 => tensorflow(TensorFlowFilter::Lanczos3),
            Filter::TensorFlowLanczos5 => tensorflow(TensorFlowFilter::Lanczos5),
            Filter::Format1Linear => Self::LegacyLinear,
            Filter::Format1Area => Self::LegacyArea,
        }
    }

    /// The kernel on a picture that ends within its last pixels.
    pub fn up_to(self, extent: Option<(f64, f64)>) -> Self {
        match self {
            Self::Pillow {
                filter,
                reducing_gap: Some(gap),
                ..
            } => Self::Pillow {
                filter,
                reducing_gap: Some(gap),
                extent,
            },
            other => other,
        }
    }
}
