//! What the notebook feeds its model: the tensor of one photo.

use boxwright_model::package::{ImageDtype, Layout};
use boxwright_tensor::DataType;
use half::f16;

use crate::error::{Error, Result};

/// The tensor of one photo, as planes of rows, whatever its layout was.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// 1 or 3.
    pub channels: usize,
    /// The order of its axes.
    pub layout: Layout,
    /// Its element type, as a model would take it.
    pub dtype: ImageDtype,
    /// Plane by plane, row by row.
    pub planes: Vec<f32>,
}

impl Target {
    /// The tensors of `photos` photos in one array: `[C, H, W]` or `[H, W, C]` for one, with a
    /// first axis for several (or for one). Where both layouts fit, `preferred` decides.
    ///
    /// # Errors
    /// [`Error::Shape`] for an array of another shape or type, or for one with NaN or infinities.
    pub fn from_array(
        shape: &[usize],
        datatype: DataType,
        bytes: &[u8],
        photos: usize,
        preferred: Layout,
    ) -> Result<Vec<Self>> {
        let (values, dtype) = values(datatype, bytes)?;
        let refused = || {
            Error::Shape(format!(
                "The array has the shape {shape:?}, and the tensor of a picture is [3, height, \
                 width] or [height, width, 3], with one more axis in front for {photos} photos."
            ))
        };
        let (count, axes) = match *shape {
            [height, width] => (1, [1, height, width]),
            [a, b, c] if photos > 1 && a == photos && b > 3 && c > 3 => (photos, [1, b, c]),
            [a, b, c] => (1, [a, b, c]),
            [count, a, b, c] => (count, [a, b, c]),
            _ => return Err(refused()),
        };
        if count != photos || shape.iter().product::<usize>() != values.len() {
            return Err(refused());
        }
        let is_channels = |length: usize| length == 1 || length == 3;
        let layout = match (is_channels(axes[0]), is_channels(axes[2])) {
            (true, true) => preferred,
            (true, false) => Layout::Nchw,
            (false, true) => Layout::Nhwc,
            (false, false) => return Err(refused()),
        };
        let one = |values: &[f32]| Self::new(axes, layout, dtype, values);
        let length = axes.iter().product::<usize>();
        if length == 0 {
            return Err(refused());
        }
        Ok(values.chunks_exact(length).map(one).collect())
    }

    fn new(axes: [usize; 3], layout: Layout, dtype: ImageDtype, values: &[f32]) -> Self {
        let (channels, height, width) = match layout {
            Layout::Nchw => (axes[0], axes[1], axes[2]),
            Layout::Nhwc => (axes[2], axes[0], axes[1]),
        };
        let planes = match layout {
            Layout::Nchw => values.to_vec(),
            Layout::Nhwc => (0..channels)
                .flat_map(|channel| values[channel..].iter().step_by(channels).copied())
                .collect(),
        };
        Self {
            width,
            height,
            channels,
            layout,
            dtype,
            planes,
        }
    }

    /// One channel, row by row.
    pub(super) fn plane(&self, channel: usize) -> &[f32] {
        let length = self.width * self.height;
        &self.planes[channel * length..(channel + 1) * length]
    }
}

/// The elements as 32-bit floats.
pub(super) fn floats(datatype: DataType, bytes: &[u8]) -> Result<Vec<f32>> {
    Ok(values(datatype, bytes)?.0)
}

/// The elements as 32-bit floats, and the element type of a tensor that holds them.
fn values(datatype: DataType, bytes: &[u8]) -> Result<(Vec<f32>, ImageDtype)> {
    macro_rules! read {
        ($type:ty, $to:expr) => {
            bytes
                .as_chunks::<{ size_of::<$type>() }>()
                .0
                .iter()
                .map(|bytes| $to(<$type>::from_le_bytes(*bytes)))
                .collect::<Vec<f32>>()
        };
    }
    let values = match datatype {
        DataType::Fp32 => read!(f32, |v: f32| v),
        DataType::Fp64 => read!(f64, |v: f64| v as f32),
        DataType::Fp16 => read!(f16, f16::to_f32),
        DataType::Uint8 => read!(u8, f32::from),
        DataType::Int8 => read!(i8, f32::from),
        DataType::Uint16 => read!(u16, f32::from),
        DataType::Int16 => read!(i16, f32::from),
        DataType::Int32 => read!(i32, |v: i32| v as f32),
        DataType::Int64 => read!(i64, |v: i64| v as f32),
        other => {
            return Err(Error::Shape(format!(
                "The array holds {}, and the tensor of a picture holds numbers.",
                other.name()
            )));
        }
    };
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(Error::Shape(format!(
            "The array holds {value}, which no recipe makes of a picture."
        )));
    }
    let dtype = match datatype {
        DataType::Fp16 => ImageDtype::F16,
        DataType::Uint8 => ImageDtype::U8,
        _ => ImageDtype::F32,
    };
    Ok((values, dtype))
}
