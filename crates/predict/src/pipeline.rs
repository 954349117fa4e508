//! A package's pipeline, ready to run: with the tables and limits that a run needs.

use boxwright_model::LoadedPackage;
use boxwright_model::pipeline::{ImageInput, OtherInput, Samples, Task};
use boxwright_tensor::{BatchAxis, Dimension, Signature, TensorSpec};
use ort::value::DynValue;

use crate::error::{Error, Result};
use crate::other;
use crate::stage::frame::Frame;
use crate::stage::normalise::Normaliser;
use crate::tensor;

/// Everything around the model.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub kind: Kind,
    pub task: Task,
}

/// What a sample is.
#[derive(Debug)]
pub(crate) enum Kind {
    Image(Box<Image>),
    /// The model's own tensors.
    Tensors(BatchAxis),
}

/// The stages before a model of pictures.
#[derive(Debug)]
pub(crate) struct Image {
    pub input: ImageInput,
    /// The place of the picture's input in the signature.
    pub place: usize,
    /// The other inputs.
    pub others: Vec<OtherInput>,
    pub normaliser: Normaliser,
    /// Most pixels of a picture, before and after resizing.
    pub max_pixels: usize,
}

impl Pipeline {
    /// Checks that the package's pipeline fits the model.
    pub fn new(package: &LoadedPackage, signature: &Signature, max_pixels: u64) -> Result<Self> {
        let resolved = package.pipeline(signature).map_err(|problems| {
            let mut problems = problems.into_iter();
            let (field, message) = problems.next().unwrap_or_default();
            Error::Package {
                reason: format!("{field}: {message}"),
                hint: "`boxwright inspect` shows what the model has.".into(),
            }
        })?;
        let kind = match resolved.samples {
            Samples::Pictures(pictures) => Kind::Image(Box::new(Image {
                normaliser: Normaliser::new(&pictures.image),
                max_pixels: usize::try_from(max_pixels).unwrap_or(usize::MAX),
                input: pictures.image,
                place: pictures.place,
                others: pictures.others,
            })),
            Samples::Tensors => Kind::Tensors(BatchAxis::of_signature(signature, false)),
        };
        Ok(Self {
            kind,
            task: resolved.task,
        })
    }

    /// Whether both give the model the same inputs, and read the same from its outputs.
    pub fn runs_like(&self, other: &Self) -> bool {
        let samples = match (&self.kind, &other.kind) {
            (Kind::Image(one), Kind::Image(other)) => {
                (&one.input, one.place, &one.others) == (&other.input, other.place, &other.others)
            }
            (Kind::Tensors(one), Kind::Tensors(other)) => one == other,
            _ => false,
        };
        samples && self.task.reads_like(&other.task)
    }

    /// The most samples to run together where `wanted` would be; `alone` where the model has
    /// turned out to take no batches.
    pub fn most_together(&self, wanted: usize, alone: bool) -> usize {
        match &self.kind {
            Kind::Image(image) if !alone && image.input.fixed_size().is_some() => {
                image.input.batch.max_batch(wanted)
            }
            _ => 1,
        }
    }

    /// Whether the model gives boxes as rows without an axis for the batch.
    pub fn has_rows_alone(&self, signature: &Signature) -> bool {
        let Task::Boxes(boxes) = &self.task else {
            return false;
        };
        let place = boxes.outputs.get(boxes.roles.boxes);
        let spec = place.and_then(|place| signature.outputs.get(*place));
        spec.and_then(|spec| spec.shape.as_deref())
            .is_some_and(|axes| axes.len() == 2)
    }

    /// Whether the length of the inputs' first axis is up to the caller.
    pub fn takes_batches(&self) -> bool {
        let axis = match &self.kind {
            Kind::Image(image) => image.input.batch,
            Kind::Tensors(axis) => *axis,
        };
        axis == BatchAxis::Dynamic
    }

    /// Inputs for so many samples that hold nothing, where their sizes are known without a sample.
    pub fn resting_inputs(
        &self,
        samples: usize,
        signature: &Signature,
    ) -> Option<Result<Vec<DynValue>>> {
        let inputs = &signature.inputs;
        match &self.kind {
            Kind::Image(image) => {
                let (width, height) = image.input.fixed_size()?;
                let count = image.input.batch.length(samples);
                let shape = image.input.shape(count, width, height);
                let picture = || tensor::from_bytes(&shape, inputs[image.place].datatype, []);
                let frames = vec![Frame::whole(width, height); count];
                Some(picture().and_then(|picture| image.all_inputs(picture, &frames)))
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
                let shapes: Vec<_> = inputs.iter().map(shape).collect::<Option<_>>()?;
                let zeros = |(shape, input): (&Vec<usize>, &TensorSpec)| {
                    tensor::from_bytes(shape, input.datatype, [])
                };
                Some(shapes.iter().zip(inputs).map(zeros).collect())
            }
        }
    }
}

impl Image {
    /// The inputs beside the picture, with their places in the signature, for pictures that lie so.
    pub fn other_inputs(&self, frames: &[Frame]) -> Result<Vec<(usize, DynValue)>> {
        let value = |input: &OtherInput| Ok((input.place, other::value(input, frames)?));
        self.others.iter().map(value).collect()
    }

    /// All inputs in the order of the signature.
    fn all_inputs(&self, picture: DynValue, frames: &[Frame]) -> Result<Vec<DynValue>> {
        let mut inputs = self.other_inputs(frames)?;
        inputs.push((self.place, picture));
        inputs.sort_by_key(|(place, _)| *place);
        Ok(inputs.into_iter().map(|(_, value)| value).collect())
    }
}
