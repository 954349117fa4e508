//! The oracle: what any answer has to be, whatever the input was.

use serde_json::Value;
use tonic::{Code, Status};

use crate::client::{Answer, Fault};
use crate::request::Input;

/// Where gRPC itself asks for INTERNAL: the message never was one
/// (<https://grpc.github.io/grpc/core/md_doc_statuscodes.html>,
/// <https://grpc.github.io/grpc/core/md_doc_compression.html>). How what is told then begins.
const UNREADABLE: [&str; 4] = [
    "protocol error: received message with",
    "Error decompressing",
    "Unexpected EOF decoding stream",
    "Missing request message",
];
/// What gRPC's own services, health and reflection, tell of other messages than theirs.
const UNDECODABLE: &str = "failed to decode Protobuf message";

/// Holds an answer to what every answer has to be.
pub fn judge(input: &Input, answer: &Answer) -> Result<(), Fault> {
    let fault = match input {
        Input::Raw(_) => unfit(answer.status).then(String::new),
        Input::Http(request) | Input::Grpc(request) => {
            match answer.trailers.contains_key("grpc-status") {
                true => grpc(answer, &request.path),
                false => http(answer, &request.method),
            }
        }
    };
    match fault {
        None => Ok(()),
        Some(what) => {
            let body = String::from_utf8_lossy(&answer.body);
            let body: String = body.chars().take(300).collect();
            let what = format!("status {}: {what}: {body}", answer.status);
            Err(Fault::Wrong(what))
        }
    }
}

/// The status as a seed's name has it.
pub fn status(answer: &Answer) -> String {
    match Status::from_header_map(&answer.trailers) {
        Some(status) => format!("{:?}", status.code()),
        None => answer.status.to_string(),
    }
}

fn unfit(status: u16) -> bool {
    matches!(status, 0..200 | 300..400 | 500.. if !matches!(status, 503 | 504))
}

fn http(answer: &Answer, method: &str) -> Option<String> {
    let kind = answer.headers.get("content-type");
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let json = || serde_json::from_slice::<Value>(&answer.body).ok();
    match answer.status {
        status if unfit(status) => Some("there is no reason for it".into()),
        _ if method == "HEAD" => None,
        400.. => match json() {
            Some(Value::Object(map))
                if map
                    .get("error")
                    .is_some_and(|error| error.as_str().is_some_and(|text| !text.is_empty())) =>
            {
                None
            }
            _ => Some("an error is no JSON with an `error`".into()),
        },
        _ if answer
            .headers
            .contains_key("inference-header-content-length") =>
        {
            binary(answer)
        }
        _ if kind == "application/json" && json().is_none() => Some("the answer is no JSON".into()),
        _ => None,
    }
}

/// JSON, and after it exactly the tensors that it tells of.
fn binary(answer: &Answer) -> Option<String> {
    let length = answer.headers["inference-header-content-length"]
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    let (json, tensors) = answer.body.split_at_checked(length)?;
    let json: Value = serde_json::from_slice(json).unwrap_or_default();
    let outputs = json["outputs"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let size = |output: &Value| {
        output["parameters"]["binary_data_size"]
            .as_u64()
            .unwrap_or(0)
    };
    let sizes: u64 = outputs.iter().map(size).sum();
    (sizes != tensors.len() as u64).then(|| format!("{} bytes follow for {sizes}", tensors.len()))
}

fn grpc(answer: &Answer, path: &str) -> Option<String> {
    let Some(status) = Status::from_header_map(&answer.trailers) else {
        return Some("the call has no status".into());
    };
    let told = format!("{:?}: {}", status.code(), status.message());
    let begins = |start: &&str| status.message().starts_with(*start);
    match status.code() {
        Code::Internal if UNREADABLE.iter().any(begins) => None,
        Code::Internal if path.starts_with("/grpc.") && begins(&UNDECODABLE) => None,
        Code::Internal | Code::Unknown | Code::DataLoss => Some(told),
        Code::Ok => None,
        _ => status.message().is_empty().then_some(told),
    }
}
