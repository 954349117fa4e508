//! Whether an input takes pictures, and how their axes lie.

use boxwright_tensor::{DataType, Dimension, TensorSpec};

use crate::package::{ImageDtype, Layout};

/// The longest side that a picture for a model has, in pixels.
pub(crate) const LONGEST_SIDE: u32 = 16_384;

/// An input that looks like a batch of pictures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picture<'a> {
    pub(crate) spec: &'a TensorSpec,
    pub(crate) layout: Layout,
    pub(crate) dtype: ImageDtype,
    /// 1 or 3.
    pub(crate) channels: u64,
    /// Whether the first axis is a batch; else it is one of the picture's.
    pub(crate) batched: bool,
    /// Pixels across and down, where the model fixes them.
    pub(crate) width: Option<u32>,
    pub(crate) height: Option<u32>,
    pub(crate) reason: String,
}

/// The input as pictures, if it can take them: four axes, one of them with one or three channels, or
/// three axes, the first or the last with three, for a single picture.
pub(crate) fn picture(spec: &TensorSpec) -> Option<Picture<'_>> {
    let dtype = match spec.datatype {
        DataType::Fp32 => ImageDtype::F32,
        DataType::Fp16 => ImageDtype::F16,
        DataType::Uint8 => ImageDtype::U8,
        _ => return None,
    };
    let (batched, axes) = match spec.shape.as_deref()? {
        [_, axes @ ..] if axes.len() == 3 => (true, axes),
        axes if axes.len() == 3 => (false, axes),
        _ => return None,
    };
    let [first, second, third] = axes else {
        return None;
    };
    // Without a batch, one is no number of channels but a batch of something else.
    let channels = |axis| channels(axis).filter(|count| batched || *count == 3);
    let (layout, channels, height, width) = match (channels(first), channels(third)) {
        (Some(count), _) => (Layout::Nchw, count, second, third),
        (None, Some(count)) => (Layout::Nhwc, count, first, second),
        // Nothing is fixed: the name must say that it is a picture.
        (None, None) if is_dynamic(first) && is_dynamic(third) && is_named(&spec.name) => {
            (Layout::Nchw, 3, second, third)
        }
        _ => return None,
    };
    let what = match batched {
        true => "a batch of pictures",
        false => "one picture, without a batch,",
    };
    let reason = format!("{spec} is {what} with {channels} channels in layout {layout}");
    let (width, height) = (side(width)?, side(height)?);
    Some(Picture {
        spec,
        layout,
        dtype,
        channels,
        batched,
        width,
        height,
        reason,
    })
}

impl Picture<'_> {
    /// Whether both sides are open.
    pub(crate) fn is_open(&self) -> bool {
        self.width.is_none() && self.height.is_none()
    }
}

fn channels(axis: &Dimension) -> Option<u64> {
    match axis {
        Dimension::Fixed(count @ (1 | 3)) => Some(*count),
        _ => None,
    }
}

fn is_dynamic(axis: &Dimension) -> bool {
    matches!(axis, Dimension::Dynamic(_))
}

fn is_named(name: &str) -> bool {
    let name = name.to_lowercase();
    ["image", "pixel", "img", "picture", "photo"]
        .iter()
        .any(|word| name.contains(word))
}

/// A side's fixed length; `None` for one that no picture has.
fn side(axis: &Dimension) -> Option<Option<u32>> {
    match axis {
        Dimension::Dynamic(_) => Some(None),
        Dimension::Fixed(length) if (1..=u64::from(LONGEST_SIDE)).contains(length) => {
            Some(u32::try_from(*length).ok())
        }
        Dimension::Fixed(_) => None,
    }
}
