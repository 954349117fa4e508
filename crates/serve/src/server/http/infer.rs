//! Inference requests and answers of the Open Inference Protocol: JSON, with tensors in it or, by
//! the binary tensor extension, behind it.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use boxwright_model::Outcome;
use boxwright_model::prediction::SampleError;
use boxwright_predict::Tensor;
use boxwright_tensor::DataType;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::elements::{self, Elements, Strings};
use super::from_json;
use crate::server::models::{Infer, Inferred, MOST_SAMPLES, Model};
use crate::server::problem::Problem;

/// How long the JSON is, where tensors follow it.
pub const HEADER_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Makes room for bytes, or refuses them.
pub type Hold<'a> = dyn Fn(usize) -> Result<(), Problem> + 'a;

/// What a request says but for the model.
#[derive(Debug, Default)]
pub struct Asked {
    /// To be repeated in the answer.
    pub id: Option<String>,
    /// The inputs, and the names of the wanted outputs.
    pub infer: Infer,
    /// Which outputs are to follow as bytes.
    pub binary: Binary,
    /// Samples that are no base64, by their place, and why.
    pub unreadable: Vec<(usize, SampleError)>,
}

/// Which outputs are to follow the JSON as bytes.
#[derive(Debug, Default)]
pub struct Binary {
    named: BTreeMap<String, bool>,
    others: bool,
}

#[derive(Deserialize)]
struct Request<'a> {
    id: Option<String>,
    parameters: Option<RequestParameters>,
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
    outputs: Option<Vec<Output>>,
}

#[derive(Deserialize)]
struct RequestParameters {
    binary_data_output: Option<bool>,
}

#[derive(Deserialize)]
struct Input<'a> {
    name: String,
    datatype: String,
    shape: Vec<i64>,
    parameters: Option<InputParameters>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct InputParameters {
    binary_data_size: Option<u64>,
    shared_memory_region: Option<String>,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    parameters: Option<OutputParameters>,
}

#[derive(Deserialize)]
struct OutputParameters {
    binary_data: Option<bool>,
    classification: Option<u64>,
    shared_memory_region: Option<String>,
}

/// The length of the JSON that begins a body, where the headers give it.
///
/// # Errors
/// Where it is no length, or longer than the body.
pub fn header_length(headers: &HeaderMap, body: &Bytes) -> Result<usize, Problem> {
    let mut values = headers.get_all(HEADER_LENGTH).iter();
    let length = match (values.next(), values.next()) {
        (None, _) => return Ok(body.len()),
        (Some(value), None) => value
            .to_str()
            .ok()
            .and_then(|text| text.trim().parse().ok()),
        (Some(_), Some(_)) => None,
    };
    match length {
        Some(length) if length <= body.len() => Ok(length),
        Some(length) => Err(Problem::bad_request(format!(
            "Inference-Header-Content-Length is {length}, and the body has {} bytes",
            body.len()
        ))),
        None => Err(Problem::bad_request(
            "Inference-Header-Content-Length is not one number of bytes",
        )),
    }
}

/// Reads a request to `model` whose first `header` bytes are JSON; `hold` is told of memory before
/// it is taken.
///
/// # Errors
/// Where it is not what the protocol asks for; the message names the tensor or the field.
pub fn read(body: &Bytes, header: usize, model: Model, hold: &Hold<'_>) -> Result<Asked, Problem> {
    let request: Request<'_> = from_json(&body[..header])?;
    let mut rest = body.slice(header..);
    let mut asked = Asked {
        id: request.id,
        ..Asked::default()
    };
    for input in request.inputs {
        let (tensor, unreadable) = input.read(&mut rest, model, hold)?;
        asked.infer.inputs.push(tensor);
        asked.unreadable.extend(unreadable);
    }
    if !rest.is_empty() {
        return Err(Problem::bad_request(format!(
            "the body has {} bytes more than the inputs' `binary_data_size` say",
            rest.len()
        )));
    }
    asked.binary.others = request
        .parameters
        .and_then(|parameters| parameters.binary_data_output)
        .unwrap_or(false);
    for output in request.outputs.unwrap_or_default() {
        asked.wants(output)?;
    }
    Ok(asked)
}

impl Asked {
    fn wants(&mut self, output: Output) -> Result<(), Problem> {
        let Output { name, parameters } = output;
        if let Some(parameters) = parameters {
            if parameters.shared_memory_region.is_some() {
                return Err(no_shared_memory("output", &name));
            }
            if parameters.classification.is_some_and(|classes| classes > 0) {
                return Err(Problem::bad_request(format!(
                    "output `{name}`: `classification` is not offered; the model without \
                     `-tensor` behind its name gives classes"
                )));
            }
            if let Some(binary) = parameters.binary_data {
                self.binary.named.insert(name.clone(), binary);
            }
        }
        self.infer.outputs.push(name);
        Ok(())
    }

    /// Puts the reasons of samples that could not be read into their places of the predictions.
    ///
    /// # Errors
    /// Where there are no such places.
    pub fn explain(
        unreadable: Vec<(usize, SampleError)>,
        inferred: &mut Inferred,
    ) -> Result<(), Problem> {
        let Some(output) = inferred
            .outputs
            .first_mut()
            .filter(|_| !unreadable.is_empty())
        else {
            return Ok(());
        };
        let mut predictions = output.strings().ok_or_else(Problem::internal)?;
        for (place, error) in unreadable {
            let place = predictions.get_mut(place).ok_or_else(Problem::internal)?;
            let text = serde_json::to_vec(&Outcome::Error(error));
            *place = text.map_err(|_| Problem::internal())?.into();
        }
        let shape = std::mem::take(&mut output.shape);
        let explained = Tensor::of_strings(&output.name, shape, &predictions);
        *output = explained.ok_or_else(Problem::internal)?;
        Ok(())
    }
}

type Read = (Tensor, Vec<(usize, SampleError)>);

impl Input<'_> {
    fn read(self, rest: &mut Bytes, model: Model, hold: &Hold<'_>) -> Result<Read, Problem> {
        let Self { name, datatype, .. } = &self;
        let refused = |what: String| Problem::bad_request(format!("input `{name}`: {what}"));
        let datatype = by_name(datatype)
            .ok_or_else(|| refused(format!("there is no datatype `{datatype}`; FP32 is one")))?;
        let lengths = self.shape.iter().map(|length| usize::try_from(*length));
        let shape: Vec<usize> = lengths
            .collect::<Result<_, _>>()
            .map_err(|_| refused(format!("the shape {:?} is none", self.shape)))?;
        let parameters = self.parameters.as_ref();
        if parameters.is_some_and(|parameters| parameters.shared_memory_region.is_some()) {
            return Err(no_shared_memory("input", name));
        }
        let size = parameters.and_then(|parameters| parameters.binary_data_size);
        let (data, unreadable) = match (self.data, size) {
            (Some(_), Some(_)) => {
                return Err(refused("it has both `data` and `binary_data_size`".into()));
            }
            (None, None) => {
                return Err(refused(
                    "it has neither `data` nor the parameter `binary_data_size`".into(),
                ));
            }
            (None, Some(size)) => {
                let here = usize::try_from(size)
                    .ok()
                    .filter(|size| *size <= rest.len());
                let here = here.ok_or_else(|| {
                    refused(format!(
                        "`binary_data_size` is {size}, and {} bytes are left after the JSON and \
                         the inputs before; Inference-Header-Content-Length says where the JSON ends",
                        rest.len()
                    ))
                })?;
                (rest.split_to(here), Vec::new())
            }
            (Some(_), None)
                if model == Model::Pipeline && shape.iter().any(|axis| *axis > MOST_SAMPLES) =>
            {
                return Err(Problem::too_many_samples());
            }
            (Some(data), None) => {
                hold(elements::room(data, datatype))?;
                listed(data, datatype, &shape, model).map_err(refused)?
            }
        };
        let name = self.name;
        let tensor = Tensor {
            name,
            datatype,
            shape,
            data,
        };
        Ok((tensor, unreadable))
    }
}

fn no_shared_memory(side: &str, name: &str) -> Problem {
    Problem::bad_request(format!("{side} `{name}`: shared memory is not offered"))
}

fn listed(
    data: &RawValue,
    datatype: DataType,
    shape: &[usize],
    model: Model,
) -> Result<(Bytes, Vec<(usize, SampleError)>), String> {
    let strings = match model {
        Model::Pipeline => Strings::Base64,
        Model::Tensors => Strings::Text,
    };
    let elements = shape
        .iter()
        .try_fold(1_usize, |all, axis| all.checked_mul(*axis));
    let most = elements.unwrap_or(usize::MAX);
    let listed = elements::read(data, datatype, strings, most)?;
    if !listed.fits(shape) {
        return Err(format!(
            "`data` is a list of the shape {:?}, and `shape` says {shape:?}",
            listed.lengths
        ));
    }
    let unreadable = listed.unreadable.into_iter();
    let unreadable = unreadable.map(|(place, reason)| (place, no_base64(&reason)));
    Ok((listed.data.into(), unreadable.collect()))
}

/// What becomes of a sample that is not base64.
pub fn no_base64(reason: &str) -> SampleError {
    SampleError {
        code: "SampleUnreadable".into(),
        message: format!("the sample is not base64: {reason}"),
    }
}

fn by_name(name: &str) -> Option<DataType> {
    DataType::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name))
        .ok()
}

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<AnswerOutput<'a>>,
}

#[derive(Serialize)]
struct AnswerOutput<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: &'a [usize],
    #[serde(flatten)]
    data: Data<'a>,
}

#[derive(Serialize)]
enum Data<'a> {
    #[serde(rename = "data")]
    Listed(Elements<'a>),
    #[serde(rename = "parameters")]
    Follows { binary_data_size: usize },
}

impl<'a> AnswerOutput<'a> {
    fn of(output: &'a Tensor, follows: bool) -> Self {
        let data = match follows {
            true => Data::Follows {
                binary_data_size: output.data.len(),
            },
            false => Data::Listed(Elements::flat(output)),
        };
        Self {
            name: &output.name,
            datatype: output.datatype.name(),
            shape: &output.shape,
            data,
        }
    }
}

/// An answer's body, and where its JSON ends if tensors follow it.
#[derive(Debug)]
pub struct Written {
    body: Vec<u8>,
    header: Option<usize>,
}

/// Writes an answer.
///
/// # Errors
/// Where JSON can't say what an output holds; the message names it.
pub fn write(inferred: &Inferred, id: Option<&str>, binary: &Binary) -> Result<Written, Problem> {
    let follows = |output: &&Tensor| *binary.named.get(&output.name).unwrap_or(&binary.others);
    let outputs = inferred.outputs.iter();
    let answer = Answer {
        model_name: &inferred.model,
        model_version: &inferred.version,
        id,
        outputs: outputs
            .map(|output| AnswerOutput::of(output, follows(&output)))
            .collect(),
    };
    let mut body =
        serde_json::to_vec(&answer).map_err(|error| Problem::bad_request(error.to_string()))?;
    let following: Vec<&Tensor> = inferred.outputs.iter().filter(follows).collect();
    let header = (!following.is_empty()).then_some(body.len());
    body.reserve_exact(following.iter().map(|output| output.data.len()).sum());
    for output in following {
        body.extend_from_slice(&output.data);
    }
    Ok(Written { body, header })
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        match self.header {
            None => super::json(self.body),
            Some(length) => {
                let binary = HeaderValue::from_static("application/octet-stream");
                let headers = [
                    (header::CONTENT_TYPE, binary),
                    (HEADER_LENGTH, HeaderValue::from(length)),
                ];
                (headers, self.body).into_response()
            }
        }
    }
}

#[cfg(test)]
#[path = "infer_tests.rs"]
mod tests;
