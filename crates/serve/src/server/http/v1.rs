//! KServe's V1 protocol.

mod tensors;

use std::borrow::Cow;

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use boxwright_model::Outcome;
use boxwright_model::prediction::SampleError;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::infer::not_base64;
use super::json::{JSON, SampleList, from_json, predictions_response};
use super::openapi::{MODEL_PREDICTION_ERRORS, NAME_ERRORS, Operation};
use super::request::{ModelPath, ModelRequest};
use super::v2;
use crate::server::blocking::run_blocking;
use crate::server::context::Context;
use crate::server::models::Model;
use crate::server::problem::Problem;

/// The verb of predictions, behind the model's name.
const VERB: &str = ":predict";

/// `GET /v1/models`.
pub const MODELS: Operation = Operation::new(
    "v1Models",
    "The names of the models; none as long as the package is not read",
)
.responses(&[(200, "The names", &[(JSON, "Models")])]);

/// The path of a model.
pub const MODEL_PATH: &str = "/v1/models/{model}";

/// `GET /v1/models/{model}`.
pub const MODEL: Operation = Operation::new("v1Model", "Whether the model is loaded and warm")
    .responses(&[
        (200, "Ready", &[(JSON, "ModelReady")]),
        (503, "Not ready, and why", &[(JSON, "ModelReady")]),
    ])
    .errors(NAME_ERRORS);

/// `POST /v1/models/{model}:predict`.
pub const PREDICT: Operation = Operation::new(
    "v1Predict",
    "Predicts. `NAME` takes encoded samples in base64, and a bad one is an error in its \
              place; `NAME-tensor` takes tensors: `instances` a row a sample, `inputs` a tensor \
              an input",
)
.request_body(&[(JSON, "V1Request")])
.responses(&[(200, "The predictions", &[(JSON, "V1Response")])])
.errors(MODEL_PREDICTION_ERRORS);

/// The names of the models.
pub async fn models(State(context): State<Context>) -> Json<Value> {
    Json(json!({ "models": context.model_names() }))
}

/// Whether a model is loaded and warm.
pub async fn model(State(context): State<Context>, path: ModelPath) -> Result<Response, Problem> {
    if path.model.ends_with(VERB) {
        return Ok(not_allowed(&path.model));
    }
    let not_ready = context.not_ready_reason(&path.model, None)?;
    Ok(v2::readiness(json!({ "name": path.model }), not_ready))
}

/// Predicts, at `NAME:predict`: a path can't be matched in the middle of a segment.
pub async fn predict(
    State(context): State<Context>,
    path: ModelPath,
    request: Request,
) -> Result<Response, Problem> {
    let Some(model) = path.model.strip_suffix(VERB).map(str::to_owned) else {
        return match path.model.contains(':') {
            true => Err(Problem::not_found("a model answers to `:predict` only")),
            false => Ok(not_allowed(&path.model)),
        };
    };
    let version = None;
    let path = ModelPath { model, version };
    let request = ModelRequest::read(&context, &path, request).await?;
    match request.engine.find(&path.model, None)? {
        Model::Pipeline => predict_samples(request).await,
        Model::Tensors => tensors::predict(request, path.model).await,
    }
}

/// Refuses a method. The router knows which are allowed, but for the one pattern that a model's
/// path shares with its predictions.
pub async fn wrong_method(route: MatchedPath, path: Result<ModelPath, Problem>) -> Response {
    match path {
        Ok(path) if route.as_str() == MODEL_PATH => not_allowed(&path.model),
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

async fn predict_samples(request: ModelRequest) -> Result<Response, Problem> {
    let (engine, _in_flight) = (request.engine, request.in_flight);
    let (body, reservation) = (request.body, request.reservation);
    let length = body.len();
    let results = reservation.clone();
    let read = move || {
        // As text, and decoded.
        reservation.reserve(length.saturating_mul(2))?;
        instances(&body)
    };
    let instances = run_blocking(length, read).await?;
    let readable = instances.iter().flatten().cloned().collect();
    let mut outcomes = engine.predict(readable, &results).await?.into_iter();
    let predictions: Vec<Outcome> = instances
        .into_iter()
        .filter_map(|instance| match instance {
            Ok(_) => outcomes.next(),
            Err(error) => Some(Outcome::Error(error)),
        })
        .collect();
    predictions_response(predictions).await
}

#[derive(Deserialize)]
struct Instances<'a> {
    #[serde(borrow)]
    instances: SampleList<'a>,
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
        .map_err(|error| not_base64(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::instances;
    use crate::server::limits::MAX_SAMPLES;

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
        assert!(instances(body(MAX_SAMPLES).as_bytes()).is_ok());
        let problem = instances(body(MAX_SAMPLES + 1).as_bytes()).unwrap_err();
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
