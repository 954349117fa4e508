//! Inference requests and responses of the Open Inference Protocol: JSON, with the tensors in it or, by
//! the binary tensor data extension, as bytes behind it.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use boxwright_model::Outcome;
use boxwright_model::prediction::SampleError;
use boxwright_tensor::Tensor;
use boxwright_tensor::json::StringEncoding;
use boxwright_tensor::oip::{RequestInput, ResponseOutput};
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::json::{JSON, from_json, json_response};
use super::pieces::{self, Pieces};
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
    inputs: Vec<RequestInput<'a>>,
    outputs: Option<Vec<OutputJson>>,
}

#[derive(Deserialize)]
struct RequestParameters {
    binary_data_output: Option<bool>,
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
        let (tensor, unreadable) = parse_input(input, &mut rest, model, reserve)?;
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
                let message = format!("output `{name}`: shared memory is not offered");
                return Err(Problem::bad_request(message));
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

fn parse_input(
    input: RequestInput<'_>,
    rest: &mut Bytes,
    model: Model,
    reserve: &Reserve<'_>,
) -> Result<ParsedInput, Problem> {
    let name = input.name.clone();
    let refused = |what: String| Problem::bad_request(format!("input `{name}`: {what}"));
    let tensor = input.check(rest).map_err(refused)?;
    let encoding = match model {
        Model::Pipeline => StringEncoding::Base64,
        Model::Tensors => StringEncoding::Text,
    };
    let is_long = tensor.shape().iter().any(|axis| *axis > MAX_SAMPLES);
    if model == Model::Pipeline && tensor.is_list() && is_long {
        return Err(Problem::too_many_samples());
    }
    reserve(tensor.max_bytes())?;
    let (tensor, invalid) = tensor.read(encoding).map_err(refused)?;
    let unreadable = invalid.into_iter();
    let unreadable = unreadable.map(|(place, reason)| (place, not_base64(&reason)));
    Ok((tensor, unreadable.collect()))
}

/// The error of a sample that is not base64.
pub fn not_base64(reason: &str) -> SampleError {
    SampleError {
        code: "SampleUnreadable".into(),
        message: format!("the sample is not base64: {reason}"),
    }
}

#[derive(Serialize)]
struct ResponseJson<'a> {
    model_name: &'a str,
    model_version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    outputs: Vec<ResponseOutput<'a>>,
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
            .map(|output| ResponseOutput::new(output, is_binary(&output)))
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

/// A response of much data, whose body is written while it is sent.
///
/// # Errors
/// As [`write`].
pub fn stream(
    response: InferResponse,
    id: Option<&str>,
    binary: &BinaryOutputs,
) -> Result<Response, Problem> {
    let is_binary = |output: &Tensor| *binary.named.get(&output.name).unwrap_or(&binary.others);
    let head = ResponseJson {
        model_name: &response.model,
        model_version: &response.version,
        id,
        outputs: Vec::new(),
    };
    let failed = |error: serde_json::Error| Problem::bad_request(error.to_string());
    let mut head = serde_json::to_vec(&head).map_err(failed)?;
    head.truncate(head.len() - 2);
    let mut following = Vec::new();
    let mut outputs: Vec<Pieces> = Vec::new();
    for (place, output) in response.outputs.into_iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        if is_binary(&output) {
            let text =
                serde_json::to_string(&ResponseOutput::new(&output, true)).map_err(failed)?;
            let text = comma.to_owned() + &text;
            outputs.push(Box::new(std::iter::once(Ok(text.into_bytes()))));
            following.push(output.data);
        } else {
            outputs.push(pieces::of_tensor(comma, output)?);
        }
    }
    let end = std::iter::once(Ok(b"]}".to_vec()));
    let all: Pieces = Box::new(
        std::iter::once(Ok(head))
            .chain(outputs.into_iter().flatten())
            .chain(end),
    );
    match following.is_empty() {
        true => Ok(pieces::response(JSON, all)),
        false => followed(all, following),
    }
}

/// A response whose JSON is followed by tensors, of which it gives its own length.
fn followed(json: Pieces, following: Vec<Bytes>) -> Result<Response, Problem> {
    let json = json.collect::<Result<Vec<_>, _>>();
    let json = json.map_err(|_| Problem::internal())?.concat();
    let header = json.len();
    let length = header + following.iter().map(Bytes::len).sum::<usize>();
    let chunks = std::iter::once(Bytes::from(json)).chain(following);
    let chunks = futures_util::stream::iter(chunks.map(Ok::<_, Infallible>));
    let binary = HeaderValue::from_static("application/octet-stream");
    let headers = [
        (header::CONTENT_TYPE, binary),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (HEADER_LENGTH, HeaderValue::from(header)),
    ];
    Ok((headers, Body::from_stream(chunks)).into_response())
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
