//! The JSON of an [Open Inference Protocol](https://github.com/kserve/open-inference-protocol)
//! request, with the tensors in it.

use boxwright_tensor::DataType;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::MAX_UNPACKED;
use crate::elements::{self, Strings};
use crate::error::{Error, Result};
use crate::stage::decode::grouped;
use crate::tensors::Tensor;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
}

#[derive(Deserialize)]
struct Input<'a> {
    name: String,
    datatype: DataType,
    shape: Vec<usize>,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// Reads the inputs of a request.
pub(super) fn read(file: &[u8]) -> Result<Vec<Tensor>> {
    let request: Request<'_> = serde_json::from_slice(file).map_err(|error| {
        Error::Sample(format!(
            "The JSON is no request of the Open Inference Protocol, {{\"inputs\": [{{\"name\": …, \
             \"datatype\": …, \"shape\": […], \"data\": […]}}]}}: {error}."
        ))
    })?;
    request.inputs.into_iter().map(Input::read).collect()
}

impl Input<'_> {
    fn read(self) -> Result<Tensor> {
        let Self {
            name,
            datatype,
            shape,
            data,
        } = self;
        let refused = |what: String| Error::Sample(format!("The sample's `{name}`: {what}."));
        if elements::room(data, datatype) > MAX_UNPACKED {
            return Err(refused(format!(
                "it would take more than {} bytes. Save it as .npy",
                grouped(MAX_UNPACKED as u64)
            )));
        }
        let count = shape
            .iter()
            .try_fold(1_usize, |all, axis| all.checked_mul(*axis));
        let listed = elements::read(data, datatype, Strings::Text, count.unwrap_or(usize::MAX))
            .map_err(refused)?;
        if !listed.fits(&shape) {
            return Err(refused(format!(
                "`data` is a list of the shape {:?}, and `shape` says {shape:?}",
                listed.lengths
            )));
        }
        Ok(Tensor {
            name,
            datatype,
            shape,
            data: listed.data.into(),
        })
    }
}
