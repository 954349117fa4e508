//! What is kept of a sample's outputs, so that another threshold, activation or list of labels takes no
//! other run of the model.

use boxwright_model::pipeline::Task;
use boxwright_model::prediction::Outcome;
use boxwright_tensor::Tensor;
use ort::value::DynValue;

use super::boxes::Decoded;
use crate::error::{Error, Result};
use crate::prediction::Want;
use crate::stage::frame::Frame;
use crate::tensor::{Slice, from_bytes};

/// Boxes with lower scores are not kept, unless the package asks for them.
const FLOOR: f32 = 0.01;

/// Bytes that are left for what is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    pub all: usize,
    /// With the prototypes of masks, which are large: they leave room for all else.
    pub prototypes: usize,
}

/// A sample's outputs, as far as they are worth keeping.
pub(crate) enum CachedOutputs {
    /// Of tasks with boxes.
    Boxes(Box<Decoded<'static>>),
    /// Of all others, in the order of the task's: as they are.
    Tensors(Vec<Tensor>),
}

impl CachedOutputs {
    /// Interprets a sample's outputs, and keeps what there is room for.
    pub fn of(
        task: &Task,
        outputs: &[Slice<'_>],
        frame: Option<&Frame>,
        want: &Want,
        room: Room,
    ) -> Result<(Outcome, Option<Self>)> {
        let (Task::Boxes(boxes), Some(frame)) = (task, frame) else {
            let outcome = super::outcome(task, outputs, frame, want)?;
            let length: usize = outputs.iter().map(Slice::byte_length).sum();
            let kept = match length <= room.all {
                true => Some(Self::Tensors(super::tensors(outputs)?)),
                false => None,
            };
            return Ok((outcome, kept));
        };
        let decoded = Decoded::of(boxes, outputs, frame, FLOOR)?;
        let gone = || Error::Run("the masks of boxes are gone".into());
        let outcome = decoded.outcome(boxes, frame)?.ok_or_else(gone)?;
        let small = decoded.bytes() - decoded.prototype_bytes();
        let kept = (small <= room.all).then(|| {
            let prototypes = decoded.bytes() <= room.prototypes;
            Self::Boxes(Box::new(decoded.kept(prototypes)))
        });
        Ok((outcome, kept))
    }

    /// The outcome that `task` makes of them; `None` where that takes more than was kept.
    pub fn outcome(
        &self,
        task: &Task,
        frame: Option<&Frame>,
        want: &Want,
    ) -> Result<Option<Outcome>> {
        match (self, task, frame) {
            (Self::Boxes(decoded), Task::Boxes(task), Some(frame)) => decoded.outcome(task, frame),
            (Self::Boxes(_), ..) => Ok(None),
            (Self::Tensors(tensors), ..) => {
                let value = |tensor: &Tensor| {
                    from_bytes(&tensor.shape, tensor.datatype, [tensor.data.as_ref()])
                };
                let values: Vec<DynValue> = tensors.iter().map(value).collect::<Result<_>>()?;
                let named = tensors.iter().zip(&values);
                let slices: Option<Vec<Slice<'_>>> = named
                    .map(|(tensor, value)| Slice::all(&tensor.name, value))
                    .collect();
                let Some(slices) = slices else {
                    return Ok(None);
                };
                super::outcome(task, &slices, frame, want).map(Some)
            }
        }
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Boxes(decoded) => decoded.bytes(),
            Self::Tensors(tensors) => tensors.iter().map(|tensor| 128 + tensor.data.len()).sum(),
        }
    }
}
