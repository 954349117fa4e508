//! What the notebook feeds its model: the tensor of one photo.

use boxwright_model::package::{ImageDtype, Layout};
use boxwright_tensor::{DataType, Tensor};

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
    pub fn from_tensor(tensor: &Tensor, photos: usize, preferred: Layout) -> Result<Vec<Self>> {
        let values = floats(tensor)?;
        let dtype = match tensor.datatype {
            DataType::Fp16 => ImageDtype::F16,
            DataType::Uint8 => ImageDtype::U8,
            _ => ImageDtype::F32,
        };
        let shape = &tensor.shape;
        let refused = || {
            Error::Shape(format!(
                "The array has the shape {shape:?}, and the tensor of a picture is [3, height, \
                 width] or [height, width, 3], with one more axis in front for {photos} photos."
            ))
        };
        let (count, axes) = match shape[..] {
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

/// The elements as singles.
///
/// # Errors
/// [`Error::Shape`] for elements that no notebook feeds a model with a picture, NaN and infinities
/// among them.
pub(super) fn floats(tensor: &Tensor) -> Result<Vec<f32>> {
    let numbers = match tensor.datatype {
        DataType::Bool | DataType::Bytes | DataType::Bf16 => None,
        DataType::Uint32 | DataType::Uint64 => None,
        _ => tensor.to_f32(),
    };
    let values = numbers.ok_or_else(|| {
        Error::Shape(format!(
            "The array holds {}, and the tensor of a picture holds numbers.",
            tensor.datatype.name()
        ))
    })?;
    match values.iter().find(|value| !value.is_finite()) {
        Some(value) => Err(Error::Shape(format!(
            "The array holds {value}, which no recipe makes of a picture."
        ))),
        None => Ok(values),
    }
}
