//! A package checked against its model, ready to run.

use boxwright_model::LoadedPackage;
use boxwright_model::package::{ImageDtype, Input, InputKind, Layout, Package};
use boxwright_tensor::{DataType, Dimension, Signature, TensorSpec};

use crate::error::{Error, Result};
use crate::postprocess::Interpretation;
use crate::stage::preprocess::ImageInput;
use crate::tensors::Rows;

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
    /// The model's own tensors.
    Tensors(Rows),
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

    /// Whether the length of the inputs' first axis is up to the caller.
    pub fn takes_batches(&self) -> bool {
        match self.kind {
            Kind::Image(_) => self.batch == Batch::Any,
            Kind::Tensors(rows) => rows == Rows::Any,
        }
    }

    /// The inputs' shapes for so many samples, where they are known without one.
    pub fn resting_shapes(&self, samples: usize, signature: &Signature) -> Option<Vec<Vec<usize>>> {
        match &self.kind {
            Kind::Image(image) => {
                let (width, height) = image.size?;
                let axis = self.batch.axis(samples);
                Some(vec![image.shape(axis, width, height)])
            }
            Kind::Tensors(_) => {
                let length = |(place, dimension): (usize, &Dimension)| match dimension {
                    Dimension::Fixed(length) => usize::try_from(*length).ok(),
                    Dimension::Dynamic(_) => (place == 0).then_some(samples),
                };
                let shape = |spec: &TensorSpec| {
                    let axes = spec.shape.as_ref()?;
                    axes.iter().enumerate().map(length).collect()
                };
                signature.inputs.iter().map(shape).collect()
            }
        }
    }

    /// Checks that the package's pipeline fits the model.
    pub fn new(package: &LoadedPackage, signature: &Signature, max_pixels: u64) -> Result<Self> {
        let file = &package.package;
        check_names(file, signature)?;
        let picture = file
            .input
            .iter()
            .find(|input| input.kind == InputKind::Image);
        let (kind, batch) = match (picture, &signature.inputs[..]) {
            (Some(input), [spec]) => {
                let (image, batch) = image(file, input, spec, max_pixels)?;
                (Kind::Image(image), batch)
            }
            (Some(input), _) => return Err(picture_and_more(input)),
            (None, _) => (Kind::Tensors(Rows::of(signature, false)), Batch::Any),
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

/// Every input of the model is there, once, and no other.
fn check_names(package: &Package, signature: &Signature) -> Result<()> {
    let names = || signature.inputs.iter().map(|input| input.name.as_str());
    let listed = || -> Vec<String> { names().map(|name| format!("`{name}`")).collect() };
    let refused = |reason: String| {
        Err(Error::Package {
            reason,
            hint: format!("The model takes {}.", listed().join(", ")),
        })
    };
    let count = |name: &str| {
        package
            .input
            .iter()
            .filter(|input| input.name == name)
            .count()
    };
    if let Some(other) = package
        .input
        .iter()
        .find(|input| !names().any(|name| name == input.name))
    {
        return refused(format!("the model has no input `{}`", other.name));
    }
    match names().find(|name| count(name) != 1) {
        Some(name) if count(name) == 0 => refused(format!("there is no [[input]] for `{name}`")),
        Some(name) => refused(format!("there are several [[input]] for `{name}`")),
        None => Ok(()),
    }
}

fn picture_and_more(input: &Input) -> Error {
    Error::Unsupported {
        reason: format!(
            "input `{}` takes a picture, and the model has other inputs beside it",
            input.name
        ),
        hint:
            "Set the kind of every input to \"tensor\", or export the model with its other inputs \
               as constants."
                .into(),
    }
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
