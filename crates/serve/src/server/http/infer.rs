//! Inference requests and responses of the Open Inference Protocol: JSON, with the tensors in it or, by
//! the binary tensor data extension, as bytes behind it.

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
use super::json::{from_json, json_response};
use crate::server::limits::MAX_SAMPLES;
use crate::server::models::{InferRequest, InferResponse, Model};
use crate::server::problem::Problem;

/// How long the JSON is, where tensors follow it.
pub const HEADER_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");

/// Reserves memory, or refuses to.
pub type Reserve<'a> = dyn Fn(usize) -> Result<(), Problem> + 'a;

/// A request that has been parsed; the model is named by the path.
#[derive(Debug, Default)]
pub struct ParsedRequest {
    /// To be repeated in the response.
    pub id: Option<String>,
    /// The inputs, and the names of the wanted outputs.
    pub request: InferRequest,
    /// Which outputs are to follow as bytes.
    pub binary: BinaryOutputs,
    /// Samples that are not base64, by their index, and why.
    pub unreadable: Vec<(usize, SampleError)>,
}

/// Which outputs are to follow the JSON as bytes.
#[derive(Debug, Default)]
pub struct BinaryOutputs {
    named: BTreeMap<String, bool>,
    others: bool,
}

#[derive(Deserialize)]
struct RequestJson<'a> {
    id: Option<String>,
    parameters: Option<RequestParameters>,
    #[serde(borrow)]
    inputs: Vec<InputJson<'a>>,
    outputs: Option<Vec<OutputJson>>,
}

#[derive(Deserialize)]
struct RequestParameters {
    binary_data_output: Option<bool>,
}

#[derive(Deserialize)]
struct InputJson<'a> {
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
struct OutputJson {
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

/// Parses a request to `model` whose first `header` bytes are JSON; memory is reserved before it is
/// taken.
///
/// # Errors
/// Where it is not what the protocol asks for; the message names the tensor or the field.
pub fn parse(
    body: &Bytes,
    header: usize,
    model: Model,
    reserve: &Reserve<'_>,
) -> Result<ParsedRequest, Problem> {
    let request: RequestJson<'_> = from_json(&body[..header])?;
    let mut rest = body.slice(header..);
    let mut parsed = ParsedRequest {
        id: request.id,
        ..ParsedRequest::default()
    };
    for input in request.inputs {
        let (tensor, unreadable) = input.parse(&mut rest, model, reserve)?;
        parsed.request.inputs.push(tensor);
        parsed.unreadable.extend(unreadable);
    }
    if !rest.is_empty() {
        return Err(Problem::bad_request(format!(
            "the body has {} bytes more than the inputs' `binary_data_size` say",
            rest.len()
        )));
    }
    parsed.binary.others = request
        .parameters
        .and_then(|parameters| parameters.binary_data_output)
        .unwrap_or(false);
    for output in request.outputs.unwrap_or_default() {
        parsed.add_output(output)?;
    }
    Ok(parsed)
}

impl ParsedRequest {
    fn add_output(&mut self, output: OutputJson) -> Result<(), Problem> {
        let OutputJson { name, parameters } = output;
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
        self.request.outputs.push(name);
        Ok(())
    }
}

/// Puts the errors of samples that could not be read into the predictions.
///
/// # Errors
/// Where the response has no prediction for such a sample.
pub fn insert_errors(
    unreadable: Vec<(usize, SampleError)>,
    response: &mut InferResponse,
) -> Result<(), Problem> {
    if unreadable.is_empty() {
        return Ok(());
    }
    let Some(output) = response.outputs.first_mut() else {
        return Ok(());
    };
    let mut predictions = output.strings().ok_or_else(Problem::internal)?;
    for (index, error) in unreadable {
        let prediction = predictions.get_mut(index).ok_or_else(Problem::internal)?;
        let text = serde_json::to_vec(&Outcome::Error(error));
        *prediction = text.map_err(|_| Problem::internal())?.into();
    }
    let shape = std::mem::take(&mut output.shape);
    let replaced = Tensor::of_strings(&output.name, shape, &predictions);
    *output = replaced.ok_or_else(Problem::internal)?;
    Ok(())
}

/// A tensor, and the samples of it that are not base64.
type ParsedInput = (Tensor, Vec<(usize, SampleError)>);

impl InputJson<'_> {
    fn parse(
        self,
        rest: &mut Bytes,
        model: Model,
        reserve: &Reserve<'_>,
    ) -> Result<ParsedInput, Problem> {
        let Self { name, datatype, .. } = &self;
        let refused = |what: String| Problem::bad_request(format!("input `{name}`: {what}"));
        let datatype = datatype_by_name(datatype)
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
                if model == Model::Pipeline && shape.iter().any(|axis| *axis > MAX_SAMPLES) =>
            {
                return Err(Problem::too_many_samples());
            }
            (Some(data), None) => {
                reserve(elements::room(data, datatype))?;
                parse_data(data, datatype, &shape, model).map_err(refused)?
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

fn parse_data(
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
    let unreadable = unreadable.map(|(place, reason)| (place, not_base64(&reason)));
    Ok((listed.data.into(), unreadable.collect()))
}

/// The error of a sample that is not base64.
pub fn not_base64(reason: &str) -> SampleError {
    SampleError {
        code: "SampleUnreadable".into(),
        message: format!("the sample is not base64: {reason}"),
    }
}

fn datatype_by_name(name: &str) -> Option<DataType> {
    DataType::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(name))
        .ok()
}

#[derive(Serialize)]
struct ResponseJson<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<ResponseOutput<'a>>,
}

#[derive(Serialize)]
struct ResponseOutput<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: &'a [usize],
    #[serde(flatten)]
    data: Data<'a>,
}

#[derive(Serialize)]
enum Data<'a> {
    #[serde(rename = "data")]
    Json(Elements<'a>),
    #[serde(rename = "parameters")]
    Binary { binary_data_size: usize },
}

impl<'a> ResponseOutput<'a> {
    fn of(output: &'a Tensor, binary: bool) -> Self {
        let data = match binary {
            true => Data::Binary {
                binary_data_size: output.data.len(),
            },
            false => Data::Json(Elements::flat(output)),
        };
        Self {
            name: &output.name,
            datatype: output.datatype.name(),
            shape: &output.shape,
            data,
        }
    }
}

/// The body of a response, and the length of its JSON where tensors follow it.
#[derive(Debug)]
pub struct EncodedResponse {
    body: Vec<u8>,
    header: Option<usize>,
}

/// Writes a response.
///
/// # Errors
/// Where JSON can't say what an output holds; the message names it.
pub fn write(
    response: &InferResponse,
    id: Option<&str>,
    binary: &BinaryOutputs,
) -> Result<EncodedResponse, Problem> {
    let is_binary = |output: &&Tensor| *binary.named.get(&output.name).unwrap_or(&binary.others);
    let outputs = response.outputs.iter();
    let response_json = ResponseJson {
        model_name: &response.model,
        model_version: &response.version,
        id,
        outputs: outputs
            .map(|output| ResponseOutput::of(output, is_binary(&output)))
            .collect(),
    };
    let mut body = serde_json::to_vec(&response_json)
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    let following: Vec<&Tensor> = response.outputs.iter().filter(is_binary).collect();
    let header = (!following.is_empty()).then_some(body.len());
    body.reserve_exact(following.iter().map(|output| output.data.len()).sum());
    for output in following {
        body.extend_from_slice(&output.data);
    }
    Ok(EncodedResponse { body, header })
}

impl IntoResponse for EncodedResponse {
    fn into_response(self) -> Response {
        match self.header {
            None => json_response(self.body),
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
mod tests;
