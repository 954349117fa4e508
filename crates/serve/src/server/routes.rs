//! The paths and their answers.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use boxwright_model::Outcome;
use boxwright_model::prediction::SampleError;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::life::Life;
use super::problem::Problem;
use super::{body, guard, page};

/// What every handler knows.
#[derive(Clone)]
struct Server {
    life: Arc<Life>,
    max_body: usize,
}

/// All paths. `only_local` refuses requests that name another host than this machine.
pub fn router(life: Arc<Life>, max_body: usize, only_local: bool) -> Router {
    let mut router = Router::new()
        .route("/", get(root))
        .route("/predict", post(predict))
        .route("/v1/models", get(models))
        // A colon can't be matched in the middle of a segment: NAME:predict is told apart below.
        .route("/v1/models/{model}", get(model).post(predict_instances))
        .route("/v2/health/live", get(live))
        .route("/v2/health/ready", get(ready))
        .fallback(|| async { Problem::not_found("nothing is served at this path") })
        .method_not_allowed_fallback(|| async { Problem::wrong_method() })
        // Every handler that takes a body bounds it by itself.
        .layer(DefaultBodyLimit::disable())
        .with_state(Server { life, max_body });
    if only_local {
        router = router.layer(middleware::from_fn(guard::only_local));
    }
    router.layer(middleware::from_fn(guard::watch))
}

async fn root(headers: HeaderMap) -> Response {
    let accepts = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if accepts.is_some_and(|accept| accept.contains("text/html")) {
        page::answer()
    } else {
        (
            [(header::VARY, "Accept")],
            Json(json!({ "status": "alive" })),
        )
            .into_response()
    }
}

async fn live(State(server): State<Server>) -> Json<Value> {
    Json(json!({ "live": true, "ready": server.life.hindrance().is_none() }))
}

async fn ready(State(server): State<Server>) -> Response {
    match server.life.hindrance() {
        None => Json(json!({ "live": true, "ready": true })).into_response(),
        Some(error) => {
            let answer = json!({ "live": true, "ready": false, "error": error });
            (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
        }
    }
}

async fn models(State(server): State<Server>) -> Json<Value> {
    Json(json!({ "models": Vec::from_iter(server.life.name()) }))
}

async fn model(State(server): State<Server>, Path(segment): Path<String>) -> Response {
    if segment.ends_with(":predict") {
        return ([(header::ALLOW, "POST")], Problem::wrong_method()).into_response();
    }
    if let Err(problem) = is_served(&server.life, &segment) {
        return problem.into_response();
    }
    match server.life.hindrance() {
        None => Json(json!({ "name": segment, "ready": true })).into_response(),
        Some(error) => {
            let answer = json!({ "name": segment, "ready": false, "error": error });
            (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
        }
    }
}

async fn predict(State(server): State<Server>, request: Request) -> Result<Response, Problem> {
    let (engine, _in_flight) = server.life.engine()?;
    let pictures = body::pictures(request, server.max_body).await?;
    let predictions = engine.predict(pictures).await?;
    Ok(Json(json!({ "predictions": predictions })).into_response())
}

async fn predict_instances(
    State(server): State<Server>,
    Path(segment): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let Some((name, verb)) = segment.split_once(':') else {
        let response = ([(header::ALLOW, "GET, HEAD")], Problem::wrong_method()).into_response();
        return Ok(response);
    };
    if verb != "predict" {
        return Err(Problem::not_found("a model answers to `:predict` only"));
    }
    is_served(&server.life, name)?;
    let (engine, _in_flight) = server.life.engine()?;
    let (parts, body) = request.into_parts();
    let bytes = body::read(&parts.headers, body, server.max_body).await?;
    // Megabytes of base64 would hold up the threads that answer the health checks.
    let instances = tokio::task::spawn_blocking(move || instances(&bytes))
        .await
        .map_err(|_| Problem::internal())??;
    let readable = instances.iter().flatten().cloned().collect();
    let mut predicted = engine.predict(readable).await?.into_iter();
    let predictions: Vec<Outcome> = instances
        .into_iter()
        .filter_map(|instance| match instance {
            Ok(_) => predicted.next(),
            Err(error) => Some(Outcome::Error(error)),
        })
        .collect();
    Ok(Json(json!({ "predictions": predictions })).into_response())
}

/// Whether `name` is the model's. While the package is not read, no name is wrong.
fn is_served(life: &Life, name: &str) -> Result<(), Problem> {
    match life.name() {
        Some(ours) if ours != name => Err(Problem::not_found(format!(
            "no model is called `{name}`; this one is `{ours}`"
        ))),
        _ => Ok(()),
    }
}

/// A request of KServe's V1 protocol.
#[derive(Deserialize)]
struct Instances {
    instances: Vec<Instance>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Instance {
    Text(String),
    Encoded { b64: String },
    Other(IgnoredAny),
}

/// The instances' bytes; one that is not base64 is an error in its place.
fn instances(body: &[u8]) -> Result<Vec<Result<Bytes, SampleError>>, Problem> {
    let request: Instances = serde_json::from_slice(body).map_err(|error| {
        Problem::bad_request(format!(
            "the body is not {{\"instances\": [\"<base64>\", …]}}: {error}"
        ))
    })?;
    let unreadable = |message: String| SampleError {
        code: "SampleUnreadable".into(),
        message,
    };
    Ok(request
        .instances
        .into_iter()
        .map(|instance| match instance {
            Instance::Text(text) | Instance::Encoded { b64: text } => STANDARD
                .decode(text)
                .map(Bytes::from)
                .map_err(|error| unreadable(format!("the instance is not base64: {error}"))),
            Instance::Other(_) => Err(unreadable(
                "an instance is a picture in base64, or {\"b64\": \"<base64>\"}".into(),
            )),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::instances;

    #[test]
    fn a_bad_instance_is_an_error_in_its_place() {
        let body = br#"{"instances": ["aGk=", {"b64": "aG8="}, "!", 3, {"tensor": [1]}]}"#;
        let instances = instances(body).ok().unwrap();
        let texts: Vec<_> = instances
            .iter()
            .map(|i| i.as_deref().map_err(|e| &e.code))
            .collect();
        let code = "SampleUnreadable".to_owned();
        assert_eq!(texts[..2], [Ok(&b"hi"[..]), Ok(&b"ho"[..])]);
        assert_eq!(texts[2..], [Err(&code), Err(&code), Err(&code)]);
    }

    #[test]
    fn a_body_without_instances_is_refused() {
        for body in [
            "",
            "{}",
            "[]",
            r#"{"instances": "aGk="}"#,
            r#"{"instances": null}"#,
        ] {
            assert!(instances(body.as_bytes()).is_err(), "{body}");
        }
    }
}
