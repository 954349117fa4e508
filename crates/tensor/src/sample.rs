//! A sample's tensors in a file: `.npy`, `.npz`, or the JSON of a request of the Open Inference
//! Protocol.

use bytes::Bytes;
use serde::Deserialize;

use crate::error::quoted;
use crate::json::StringEncoding;
use crate::npz::MAX_BYTES;
use crate::oip::RequestInput;
use crate::{Dimension, Error, Result, Tensor, TensorSpec, npy, npz};

#[cfg(test)]
mod tests;

/// The tensors in a sample's file, by the names of the model's `inputs`, each with the batch axis
/// that the file may leave out.
///
/// # Errors
/// [`Error::Unreadable`] where the file can't be read, [`Error::Mismatch`] where its tensors are others
/// than the model takes.
pub fn read(file: &[u8], inputs: &[TensorSpec]) -> Result<Vec<Tensor>> {
    let tensors = match file.trim_ascii_start() {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => npz::read(file, inputs)?,
        [b'{', ..] => read_request(file)?,
        _ => vec![only_input(npy::Array::parse(file)?, inputs)?],
    };
    let spec = |tensor: &Tensor| inputs.iter().find(|spec| spec.name == tensor.name);
    tensors
        .into_iter()
        .map(|tensor| match spec(&tensor) {
            Some(spec) => with_batch_axis(tensor, spec),
            None => Ok(tensor),
        })
        .collect()
}

/// The array of a file that names none.
fn only_input(array: npy::Array<'_>, inputs: &[TensorSpec]) -> Result<Tensor> {
    match inputs {
        [input] => Ok(array.to_tensor(&input.name)),
        _ => Err(Error::Mismatch(format!(
            "The file holds one array, and the model takes {}: {}. Save them together, with \
             numpy.savez(file, **{{name: array, …}}).",
            inputs.len(),
            quoted(inputs.iter().map(|input| input.name.as_str()))
        ))),
    }
}

/// The tensor with the batch axis, which is added where it is missing.
fn with_batch_axis(mut tensor: Tensor, spec: &TensorSpec) -> Result<Tensor> {
    if tensor.datatype != spec.datatype {
        return Err(Error::Mismatch(format!(
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

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    inputs: Vec<RequestInput<'a>>,
}

/// The inputs of a request of the Open Inference Protocol.
fn read_request(file: &[u8]) -> Result<Vec<Tensor>> {
    let request: Request<'_> = serde_json::from_slice(file).map_err(|error| {
        Error::Unreadable(format!(
            "The JSON is no request of the Open Inference Protocol, {{\"inputs\": [{{\"name\": …, \
             \"datatype\": …, \"shape\": […], \"data\": […]}}]}}: {error}."
        ))
    })?;
    request.inputs.into_iter().map(read_input).collect()
}

fn read_input(input: RequestInput<'_>) -> Result<Tensor> {
    let name = input.name.clone();
    let refused = |what: String| Error::Unreadable(format!("The sample's `{name}`: {what}."));
    let tensor = input.check(&mut Bytes::new()).map_err(refused)?;
    if tensor.max_bytes() > MAX_BYTES {
        return Err(refused(format!(
            "it would take more than {} MiB. Save it as .npy",
            MAX_BYTES >> 20
        )));
    }
    let (tensor, _) = tensor.read(StringEncoding::Text).map_err(refused)?;
    Ok(tensor)
}
