//! Samples that are tensors: `.npy` and `.npz` files, and the JSON of requests of the Open Inference
//! Protocol.

mod npy;
mod npz;
mod request;
#[cfg(test)]
mod tests;

use boxwright_tensor::{Dimension, TensorSpec};
use bytes::Bytes;

use crate::error::{Error, Result};
use crate::tensors::Tensor;

/// An array that is not as long in its file may have as many bytes in memory.
const MAX_UNPACKED: usize = 256 << 20;

/// The tensors in a sample's file, by the names of the model's `inputs`, each with the batch axis
/// that the file may leave out.
///
/// # Errors
/// [`Error::Sample`] where the file can't be read, [`Error::Shape`] where its tensors are others
/// than the model takes.
pub(crate) fn tensors(file: &[u8], inputs: &[TensorSpec]) -> Result<Vec<Tensor>> {
    let tensors = match file.trim_ascii_start() {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => npz::read(file, inputs)?,
        [b'{', ..] => request::read(file)?,
        _ => vec![alone(npy::Array::parse(file)?, inputs)?],
    };
    let spec = |tensor: &Tensor| inputs.iter().find(|spec| spec.name == tensor.name);
    tensors
        .into_iter()
        .map(|tensor| match spec(&tensor) {
            Some(spec) => fitted(tensor, spec),
            None => Ok(tensor),
        })
        .collect()
}

/// The array of a file that names none.
fn alone(array: npy::Array<'_>, inputs: &[TensorSpec]) -> Result<Tensor> {
    match inputs {
        [input] => Ok(array.named(&input.name)),
        _ => Err(Error::Shape(format!(
            "The file holds one array, and the model takes {}: {}. Save them together, with \
             numpy.savez(file, **{{name: array, …}}).",
            inputs.len(),
            names(inputs.iter().map(|input| input.name.as_str()))
        ))),
    }
}

/// Adds the batch axis where it is missing; what NumPy makes by default is named.
fn fitted(mut tensor: Tensor, spec: &TensorSpec) -> Result<Tensor> {
    if tensor.datatype != spec.datatype {
        return Err(Error::Shape(format!(
            "The sample's `{}` is {}, and the model takes {}. Convert it with NumPy's astype.",
            spec.name,
            tensor.datatype.name(),
            spec.datatype.name()
        )));
    }
    if let Some([first, rest @ ..]) = spec.shape.as_deref()
        && rest.len() == tensor.shape.len()
        && matches!(first, Dimension::Fixed(1) | Dimension::Dynamic(_))
    {
        tensor.shape.insert(0, 1);
    }
    Ok(tensor)
}

impl npy::Array<'_> {
    fn named(self, name: &str) -> Tensor {
        Tensor {
            name: name.into(),
            datatype: self.datatype,
            shape: self.shape,
            data: Bytes::copy_from_slice(self.bytes),
        }
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
