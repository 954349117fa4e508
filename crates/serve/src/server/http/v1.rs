//! KServe's V1 protocol.

mod tensors;

use std::borrow::Cow;
use std::fmt;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boxwright_model::Outcome;
use boxwright_model::prediction::SampleError;
use bytes::Bytes;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::infer::no_base64;
use super::openapi::{NAMED, Operation, RUNS};
use super::{Asked, Sent, Server, apart, from_json, predicted, v2};
use crate::server::models::{self, MOST_SAMPLES, Model};
use crate::server::problem::Problem;

const JSON: &str = "application/json";
/// What stands behind a model's name to predict.
const VERB: &str = ":predict";

/// `GET /v1/models`.
pub const MODELS: Operation = Operation::new(
    "v1Models",
    "The names of the models; none as long as the package is not read",
)
.gives(&[(200, "The names", &[(JSON, "Models")])]);

/// Where a model is.
pub const MODEL_PATH: &str = "/v1/models/{model}";

/// `GET /v1/models/{model}`.
pub const MODEL: Operation = Operation::new("v1Model", "Whether the model is loaded and warm")
    .gives(&[
        (200, "Ready", &[(JSON, "ModelReady")]),
        (503, "Not ready, and why", &[(JSON, "ModelReady")]),
    ])
    .fails(NAMED);

/// `POST /v1/models/{model}:predict`.
pub const PREDICT: Operation = Operation::new(
    "v1Predict",
    "Predicts. `NAME` takes encoded samples in base64, and a bad one is an error in its \
              place; `NAME-tensor` takes tensors: `instances` a row a sample, `inputs` a tensor \
              an input",
)
.takes(&[(JSON, "V1Request")])
.gives(&[(200, "The predictions", &[(JSON, "V1Response")])])
.fails(RUNS);

/// The names of the models.
pub async fn models(State(server): State<Server>) -> Json<Value> {
    let names: Vec<String> = server
        .life
        .name()
        .into_iter()
        .flat_map(models::names)
        .collect();
    Json(json!({ "models": names }))
}

/// Whether a model is loaded and warm.
pub async fn model(State(server): State<Server>, asked: Asked) -> Result<Response, Problem> {
    if asked.model.ends_with(VERB) {
        return Ok(not_allowed(&asked.model));
    }
    server.knows(&asked.model)?;
    let answer = json!({ "name": asked.model });
    Ok(v2::readiness(answer, server.life.hindrance()))
}

/// Predicts, at `NAME:predict`: a path can't be matched in the middle of a segment.
pub async fn predict(
    State(server): State<Server>,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    let named = asked.model.strip_suffix(VERB).map(str::to_owned);
    let Some(model) = named else {
        return match asked.model.contains(':') {
            true => Err(Problem::not_found("a model answers to `:predict` only")),
            false => Ok(not_allowed(&asked.model)),
        };
    };
    let version = None;
    let asked = Asked { model, version };
    let sent = Sent::read(&server, &asked, request).await?;
    match sent.engine.find(&asked.model, None)? {
        Model::Pipeline => samples(sent).await,
        Model::Tensors => tensors::predict(sent, asked.model).await,
    }
}

/// Refuses a method. The router says which are allowed, but where a model and its verb share a
/// pattern.
pub async fn wrong_method(path: MatchedPath, asked: Result<Asked, Problem>) -> Response {
    match asked {
        Ok(asked) if path.as_str() == MODEL_PATH => not_allowed(&asked.model),
        _ => Problem::wrong_method().into_response(),
    }
}

fn not_allowed(model: &str) -> Response {
    let allowed = match model.ends_with(VERB) {
        true => "POST",
        false => "GET,HEAD",
    };
    ([(header::ALLOW, allowed)], Problem::wrong_method()).into_response()
}

async fn samples(sent: Sent) -> Result<Response, Problem> {
    let (engine, _in_flight) = (sent.engine, sent.in_flight);
    let (body, share) = (sent.body, sent.share);
    let length = body.len();
    let read = move || {
        // As text, and decoded.
        share.add(length.saturating_mul(2))?;
        instances(&body)
    };
    let instances = apart(length, read).await?;
    let readable = instances.iter().flatten().cloned().collect();
    let mut outcomes = engine.predict(readable).await?.into_iter();
    let predictions: Vec<Outcome> = instances
        .into_iter()
        .filter_map(|instance| match instance {
            Ok(_) => outcomes.next(),
            Err(error) => Some(Outcome::Error(error)),
        })
        .collect();
    predicted(predictions).await
}

#[derive(Deserialize)]
struct Instances<'a> {
    #[serde(borrow)]
    instances: Listed<'a>,
}

/// At most as many as a request may have, so that a body of commas does not take a multiple of its
/// length in memory.
struct Listed<'a>(Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for Listed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MOST_SAMPLES} samples")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut listed = Vec::new();
                while let Some(sample) = list.next_element()? {
                    if listed.len() == MOST_SAMPLES {
                        return Err(A::Error::invalid_length(MOST_SAMPLES + 1, &self));
                    }
                    listed.push(sample);
                }
                Ok(listed)
            }
        }
        deserializer.deserialize_seq(List).map(Self)
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct Encoded<'a> {
    #[serde(borrow)]
    b64: Cow<'a, str>,
}

/// The instances' bytes; one that is not base64 is an error in its place.
fn instances(body: &[u8]) -> Result<Vec<Result<Bytes, SampleError>>, Problem> {
    let request: Instances<'_> = from_json(body)?;
    Ok(request.instances.0.into_iter().map(instance).collect())
}

fn instance(json: &RawValue) -> Result<Bytes, SampleError> {
    let text = match json.get().as_bytes().first() {
        Some(b'"') => serde_json::from_str(json.get()).map(|Text(text)| text),
        _ => serde_json::from_str(json.get()).map(|Encoded { b64 }| b64),
    };
    let text = text.map_err(|_| SampleError {
        code: "SampleUnreadable".into(),
        message: "an instance is a sample in base64, or {\"b64\": \"<base64>\"}".into(),
    })?;
    let bytes = STANDARD.decode(text.as_bytes());
    bytes
        .map(Bytes::from)
        .map_err(|error| no_base64(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{MOST_SAMPLES, instances};

    #[test]
    fn a_bad_instance_is_an_error_in_its_place() {
        let body =
            br#"{"instances": ["aGk=", {"b64": "a\u0047\u0038="}, "!", 3, {"tensor": [1]}]}"#;
        let instances = instances(body).unwrap();
        let texts: Vec<_> = instances
            .iter()
            .map(|i| i.as_deref().map_err(|e| &e.code))
            .collect();
        let code = "SampleUnreadable".to_owned();
        assert_eq!(texts[..2], [Ok(&b"hi"[..]), Ok(&b"ho"[..])]);
        assert_eq!(texts[2..], [Err(&code), Err(&code), Err(&code)]);
    }

    #[test]
    fn more_samples_than_a_request_may_have_are_refused() {
        let body = |count: usize| format!("{{\"instances\": [{}]}}", vec!["0"; count].join(","));
        assert!(instances(body(MOST_SAMPLES).as_bytes()).is_ok());
        let problem = instances(body(MOST_SAMPLES + 1).as_bytes()).unwrap_err();
        assert!(problem.message.contains("16384"), "{problem:?}");
    }

    #[test]
    fn a_body_without_instances_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"instances": "aGk="}"#,
            r#"{"instances": null}"#,
            r#"{"instances": []} and more"#,
        ] {
            assert!(instances(body.as_bytes()).is_err(), "{body}");
        }
    }
}
