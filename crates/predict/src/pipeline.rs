//! A package's pipeline, ready to run: with the tables and limits that a run needs.

use boxwright_model::LoadedPackage;
use boxwright_model::pipeline::{ImageInput, Samples, Task};
use boxwright_tensor::{BatchAxis, Dimension, Signature, TensorSpec};

use crate::error::{Error, Result};
use crate::stage::normalise::Normaliser;

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
            Samples::Pictures(input) => Kind::Image(Box::new(Image {
                normaliser: Normaliser::new(&input),
                max_pixels: usize::try_from(max_pixels).unwrap_or(usize::MAX),
                input: *input,
            })),
            Samples::Tensors => Kind::Tensors(BatchAxis::of_signature(signature, false)),
        };
        Ok(Self {
            kind,
            task: resolved.task,
        })
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

    /// Whether the length of the inputs' first axis is up to the caller.
    pub fn takes_batches(&self) -> bool {
        let axis = match &self.kind {
            Kind::Image(image) => image.input.batch,
            Kind::Tensors(axis) => *axis,
        };
        axis == BatchAxis::Dynamic
    }

    /// The inputs' shapes for so many samples, where they are known without one.
    pub fn resting_shapes(&self, samples: usize, signature: &Signature) -> Option<Vec<Vec<usize>>> {
        match &self.kind {
            Kind::Image(image) => {
                let (width, height) = image.input.fixed_size()?;
                let axis = image.input.batch.length(samples);
                Some(vec![image.input.shape(axis, width, height)])
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
}
