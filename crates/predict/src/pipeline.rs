//! A package checked against its model, ready to run.

use boxwright_model::package::{ImageDtype, Input, InputKind, Layout, Package};
use boxwright_model::{DataType, Dimension, LoadedPackage, Signature, TensorSpec};

use crate::error::{Error, Result};
use crate::postprocess::Interpretation;
use crate::preprocess::ImageInput;

/// Everything around the model.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub kind: Kind,
    pub batch: Batch,
    pub interpretation: Interpretation,
}

/// What a sample is.
#[derive(Debug)]
pub(crate) enum Kind {
    Image(ImageInput),
    Tensor(TensorSpec),
}

/// The first axis of the model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batch {
    /// Always so many.
    Fixed(usize),
    /// As many as there are.
    Any,
}

impl Batch {
    /// The first axis's length for `count` samples.
    pub fn axis(self, count: usize) -> usize {
        match self {
            Self::Fixed(fixed) => fixed,
            Self::Any => count,
        }
    }
}

impl Pipeline {
    /// The most samples to run together where `wanted` would be; `alone` where the model has
    /// turned out to take no batches.
    pub fn most_together(&self, wanted: usize, alone: bool) -> usize {
        let sized = matches!(&self.kind, Kind::Image(image) if image.size.is_some());
        match self.batch {
            _ if alone || !sized => 1,
            Batch::Fixed(count) => count,
            Batch::Any => wanted.max(1),
        }
    }

    /// Whether the length of the input's first axis is up to the caller.
    pub fn takes_batches(&self) -> bool {
        self.batch == Batch::Any
    }

    /// The input's shape for so many samples, where that is known without one.
    pub fn resting_shape(&self, samples: usize) -> Option<Vec<usize>> {
        let axis = self.batch.axis(samples);
        match &self.kind {
            Kind::Image(image) => image
                .size
                .map(|(width, height)| image.shape(axis, width, height)),
            Kind::Tensor(spec) => {
                let length = |(place, dimension): (usize, &Dimension)| match dimension {
                    _ if place == 0 => Some(axis),
                    Dimension::Fixed(length) => usize::try_from(*length).ok(),
                    Dimension::Dynamic(_) => None,
                };
                spec.shape
                    .as_ref()?
                    .iter()
                    .enumerate()
                    .map(length)
                    .collect()
            }
        }
    }

    /// Checks that the package's pipeline fits the model.
    pub fn new(package: &LoadedPackage, signature: &Signature, max_pixels: u64) -> Result<Self> {
        let file = &package.package;
        let input = only_input(file, signature)?;
        let spec = &signature.inputs[0];
        let (kind, batch) = match input.kind {
            InputKind::Image => {
                let (image, batch) = image(file, input, spec, max_pixels)?;
                (Kind::Image(image), batch)
            }
            InputKind::Tensor => {
                let first = spec.shape.as_ref().and_then(|axes| axes.first());
                (
                    Kind::Tensor(spec.clone()),
                    first.map_or(Batch::Any, first_axis),
                )
            }
        };
        let interpretation =
            Interpretation::new(&file.postprocess, package.labels.clone(), signature)?;
        Ok(Self {
            kind,
            batch,
            interpretation,
        })
    }
}

fn only_input<'a>(package: &'a Package, signature: &Signature) -> Result<&'a Input> {
    if signature.inputs.len() > 1 || package.input.len() > 1 {
        let names: Vec<_> = signature
            .inputs
            .iter()
            .map(|i| format!("`{}`", i.name))
            .collect();
        return Err(Error::Unsupported {
            reason: format!(
                "models with more than one input aren't supported yet: {}",
                names.join(", ")
            ),
            hint: "Export the model with its other inputs as constants.".into(),
        });
    }
    let input = package.input.first().ok_or_else(|| Error::Package {
        reason: "there is no [[input]]".into(),
        hint: "Describe the model's input in [[input]].".into(),
    })?;
    if signature.inputs[0].name != input.name {
        return Err(Error::Package {
            reason: format!("the model has no input `{}`", input.name),
            hint: format!("Its input is `{}`.", signature.inputs[0].name),
        });
    }
    Ok(input)
}

fn image(
    package: &Package,
    input: &Input,
    spec: &TensorSpec,
    max_pixels: u64,
) -> Result<(ImageInput, Batch)> {
    let expected = match input.dtype {
        ImageDtype::F32 => DataType::Fp32,
        ImageDtype::F16 => DataType::Fp16,
        ImageDtype::U8 => DataType::Uint8,
    };
    if spec.datatype != expected {
        return Err(Error::Package {
            reason: format!(
                "input `{}` has dtype {} in the package, and takes {:?} in the model",
                input.name, input.dtype, spec.datatype
            ),
            hint: "Set the input's dtype to the model's.".into(),
        });
    }
    let (batch, axes) = match spec.shape.as_deref() {
        Some([batch, picture @ ..]) if picture.len() == 3 => (first_axis(batch), picture),
        None => (Batch::Any, &[][..]),
        Some(other) => {
            return Err(Error::Package {
                reason: format!(
                    "input `{}` has {} axes, and pictures take 4",
                    input.name,
                    other.len()
                ),
                hint: "Set the input's kind to \"tensor\".".into(),
            });
        }
    };
    let size = size(input, axes)?;
    let image = ImageInput::new(
        &input.name,
        size,
        input.layout,
        input.dtype,
        &package.preprocess,
        max_pixels,
    )?;
    let channel_axis = if input.layout == Layout::Nchw { 0 } else { 2 };
    if let Some(Dimension::Fixed(channels)) = axes.get(channel_axis)
        && *channels != image.channels() as u64
    {
        return Err(Error::Package {
            reason: format!(
                "input `{}` takes {channels} channels as {}, and preprocess.channels = \"{}\" gives {}",
                input.name,
                input.layout,
                package.preprocess.channels,
                image.channels()
            ),
            hint: "Check the input's layout and preprocess.channels.".into(),
        });
    }
    Ok((image, batch))
}

fn first_axis(axis: &Dimension) -> Batch {
    match axis {
        Dimension::Fixed(length) => Batch::Fixed(usize::try_from(*length).unwrap_or(1).max(1)),
        Dimension::Dynamic(_) => Batch::Any,
    }
}

/// Width and height: what the model fixes, else what the package says.
fn size(input: &Input, axes: &[Dimension]) -> Result<Option<(usize, usize)>> {
    let (row_axis, column_axis) = if input.layout == Layout::Nchw {
        (1, 2)
    } else {
        (0, 1)
    };
    let side = |axis: usize, field: &str, said: Option<u32>| -> Result<Option<usize>> {
        let fixed = match axes.get(axis) {
            Some(Dimension::Fixed(length)) => Some(*length),
            _ => None,
        };
        match (fixed, said) {
            (Some(fixed), Some(said)) if fixed != u64::from(said) => Err(Error::Package {
                reason: format!(
                    "input `{}` has {field} = {said} in the package, and {fixed} in the model",
                    input.name
                ),
                hint: format!("Set {field} to {fixed}, or check the layout."),
            }),
            (fixed, said) => Ok(fixed
                .or(said.map(u64::from))
                .and_then(|n| usize::try_from(n).ok())),
        }
    };
    let width = side(column_axis, "width", input.width)?;
    let height = side(row_axis, "height", input.height)?;
    match (width, height) {
        (Some(width), Some(height)) if width > 0 && height > 0 => Ok(Some((width, height))),
        (None, None) => Ok(None),
        _ => Err(Error::Package {
            reason: format!("input `{}` has only one of width and height", input.name),
            hint: "Set both, each at least 1, or neither.".into(),
        }),
    }
}
