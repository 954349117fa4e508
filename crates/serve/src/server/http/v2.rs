//! The Open Inference Protocol (V2), and the paths that Triton's clients ask besides.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::body;
use super::infer::{self, header_length};
use super::json::{JSON, STREAMED, from_json};
use super::openapi::{MODEL_PREDICTION_ERRORS, NAME_ERRORS, Operation, READY_ERRORS};
use super::request::{ModelPath, ModelRequest};
use crate::server::blocking::run_blocking;
use crate::server::context::{Context, ModelStatus};
use crate::server::models::{self, ModelMetadata, TensorMetadata};
use crate::server::problem::Problem;

/// Errors of loading and unloading.
const LOAD_ERRORS: &[u16] = &[403, 404];

/// `GET /v2`.
pub const SERVER: Operation = Operation::new(
    "serverMetadata",
    "The server's name, version and protocol extensions",
)
.responses(&[(200, "The server", &[(JSON, "ServerMetadata")])]);

/// `GET /v2/health/live`.
pub const LIVE: Operation = Operation::new("serverLive", "Whether the server answers")
    .responses(&[(200, "Live", &[(JSON, "Health")])]);

/// `GET /v2/health/ready`.
pub const READY: Operation = Operation::new("serverReady", "Whether the model is loaded and warm")
    .responses(&[
        (200, "Ready", &[(JSON, "Health")]),
        (503, "Not ready, and why", &[(JSON, "Health")]),
    ]);

/// `GET /v2/models`.
pub const MODELS: Operation = Operation::new(
    "models",
    "The names of the models; none as long as the package is not read",
)
.responses(&[(200, "The names", &[(JSON, "Models")])]);

/// `POST /v2/repository/index`.
pub const INDEX: Operation = Operation::new(
    "repositoryIndex",
    "The models and their states, as Triton lists them",
)
.request_body(&[(JSON, "IndexRequest")])
.body_optional()
.responses(&[(200, "The models", &[(JSON, "Index")])])
.errors(&[400, 413]);

/// `POST /v2/repository/models/{model}/load`.
pub const LOAD: Operation = Operation::new(
    "loadModel",
    "Refused: the repository is the package, and fixed",
)
.errors(LOAD_ERRORS);

/// `POST /v2/repository/models/{model}/unload`.
pub const UNLOAD: Operation = Operation::new(
    "unloadModel",
    "Refused: the repository is the package, and fixed",
)
.errors(LOAD_ERRORS);

/// `GET /v2/models/{model}`.
pub const MODEL: Operation = Operation::new("modelMetadata", "The model's inputs and outputs")
    .responses(&[(200, "The model", &[(JSON, "ModelMetadata")])])
    .errors(READY_ERRORS);

/// `GET /v2/models/{model}/ready`.
pub const MODEL_READY: Operation =
    Operation::new("modelReady", "Whether the model is loaded and warm")
        .responses(&[
            (200, "Ready", &[(JSON, "ModelReady")]),
            (503, "Not ready, and why", &[(JSON, "ModelReady")]),
        ])
        .errors(NAME_ERRORS);

/// `GET /v2/models/{model}/config`.
pub const CONFIG: Operation = Operation::new("modelConfig", "The model as Triton's ModelConfig")
    .responses(&[(200, "The configuration", &[(JSON, "ModelConfig")])])
    .errors(READY_ERRORS);

/// `POST /v2/models/{model}/infer`.
pub const INFER: Operation = Operation::new(
    "modelInfer",
    "Runs the model. `NAME` takes encoded samples (in JSON as base64), `NAME-tensor` the \
              model's own tensors. Tensors are in the JSON, or follow it as bytes: \
              Inference-Header-Content-Length then tells where the JSON ends",
)
.request_body(&[
    (JSON, "InferRequest"),
    ("application/octet-stream", "Binary"),
])
.responses(&[(
    200,
    "The outputs",
    &[
        (JSON, "InferResponse"),
        ("application/octet-stream", "Binary"),
    ],
)])
.request_headers(&[(
    "Inference-Header-Content-Length",
    "How many bytes of the body are JSON, where tensors follow it",
)])
.errors(MODEL_PREDICTION_ERRORS);

/// The server's metadata.
pub async fn server() -> Json<Value> {
    Json(json!({
        "name": models::SERVER_NAME,
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": models::EXTENSIONS,
    }))
}

/// Whether the server answers.
pub async fn live(State(context): State<Context>) -> Json<Value> {
    Json(json!({ "live": true, "ready": context.state.is_ready() }))
}

/// Whether the model is loaded and warm.
pub async fn ready(State(context): State<Context>) -> Response {
    readiness(json!({ "live": true }), context.state.not_ready_reason())
}

/// `answer` with the key `ready`, and the reason where it is false.
pub fn readiness(mut answer: Value, not_ready: Option<String>) -> Response {
    answer["ready"] = not_ready.is_none().into();
    match not_ready {
        None => Json(answer).into_response(),
        Some(reason) => {
            answer["error"] = reason.into();
            (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
        }
    }
}

/// The names of the models.
pub async fn models(State(context): State<Context>) -> Json<Value> {
    Json(json!({ "models": context.model_names() }))
}

#[derive(Deserialize, Default)]
struct IndexRequest {
    ready: Option<bool>,
}

/// The models and their states.
pub async fn index(State(context): State<Context>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts, body, context.max_body).await?;
    let only_ready = match body.trim_ascii() {
        [] => false,
        body => from_json::<IndexRequest>(body)?.ready.unwrap_or(false),
    };
    let describe = |model: ModelStatus| {
        json!({
            "name": model.name,
            "version": model.version,
            "state": model.state,
            "reason": model.reason,
        })
    };
    let models = context.repository_index(only_ready);
    let described: Value = models.into_iter().map(describe).collect();
    Ok(Json(described).into_response())
}

/// Refuses to load or unload.
pub async fn fixed_repository(State(context): State<Context>, path: ModelPath) -> Problem {
    let unknown = context.state.check_name(&path.model).err();
    unknown.unwrap_or_else(|| models::fixed_repository(&path.model))
}

/// The model's inputs and outputs.
pub async fn model(
    State(context): State<Context>,
    path: ModelPath,
) -> Result<Json<Value>, Problem> {
    let (engine, _in_flight) = context.engine_for(&path.model, path.version.as_deref())?;
    let model = engine.metadata(&path.model, path.version.as_deref())?;
    let describe = |tensors: &[TensorMetadata]| {
        let described = tensors.iter().map(|tensor| {
            json!({
                "name": tensor.name,
                "datatype": tensor.datatype.name(),
                "shape": tensor.shape,
            })
        });
        described.collect::<Value>()
    };
    Ok(Json(json!({
        "name": model.name,
        "versions": [model.version],
        "platform": model.platform,
        "inputs": describe(&model.inputs),
        "outputs": describe(&model.outputs),
    })))
}

/// Whether the model is loaded and warm.
pub async fn model_ready(
    State(context): State<Context>,
    path: ModelPath,
) -> Result<Response, Problem> {
    let not_ready = context.not_ready_reason(&path.model, path.version.as_deref())?;
    Ok(readiness(json!({ "name": path.model }), not_ready))
}

/// Triton's ModelConfig.
pub async fn config(
    State(context): State<Context>,
    path: ModelPath,
) -> Result<Json<Value>, Problem> {
    let (engine, _in_flight) = context.engine_for(&path.model, path.version.as_deref())?;
    let model = engine.metadata(&path.model, path.version.as_deref())?;
    let package = engine.package();
    let max_delay_us = package.batch.max_delay_ms.saturating_mul(1000);
    let mut config = model_config(&model, max_delay_us);
    // Triton's ModelConfig has no field for it, but takes parameters of any name.
    let description = &package.package.description;
    if !description.is_empty() {
        config["parameters"] = json!({ "description": { "string_value": description } });
    }
    Ok(Json(config))
}

fn model_config(model: &ModelMetadata, max_delay_us: u64) -> Value {
    let describe = |tensors: &[TensorMetadata]| {
        let described = tensors.iter().map(|tensor| {
            json!({
                "name": tensor.name,
                "data_type": models::config_type(tensor.datatype),
                "dims": model.dims(tensor),
            })
        });
        described.collect::<Value>()
    };
    let mut config = json!({
        "name": model.name,
        "platform": model.platform,
        "backend": model.backend(),
        "version_policy": { "latest": { "num_versions": 1 } },
        "max_batch_size": model.max_batch_size,
        "input": describe(&model.inputs),
        "output": describe(&model.outputs),
    });
    if model.max_batch_size > 0 {
        config["dynamic_batching"] = json!({
            "preferred_batch_size": [model.max_batch_size],
            "max_queue_delay_microseconds": max_delay_us,
        });
    }
    config
}

/// Runs the model.
pub async fn infer(
    State(context): State<Context>,
    path: ModelPath,
    request: Request,
) -> Result<Response, Problem> {
    let request = ModelRequest::read(&context, &path, request).await?;
    let (engine, _in_flight) = (request.engine, request.in_flight);
    let (body, reservation) = (request.body, request.reservation);
    let model = engine.find(&path.model, path.version.as_deref())?;
    let header = header_length(&request.headers, &body)?;
    let results = reservation.clone();
    let parse = move || infer::parse(&body, header, model, &|bytes| reservation.reserve(bytes));
    let mut parsed = run_blocking(header, parse).await?;
    parsed.request.model = path.model;
    parsed.request.version = path.version;
    let mut response = engine.answer(parsed.request, &results).await?;
    infer::insert_errors(parsed.unreadable, &mut response)?;
    let outputs = response.outputs.iter();
    let bytes = outputs.map(|output| output.data.len()).sum();
    if bytes > STREAMED {
        return infer::stream(response, parsed.id.as_deref(), &parsed.binary);
    }
    let write = move || infer::write(&response, parsed.id.as_deref(), &parsed.binary);
    Ok(run_blocking(bytes, write).await?.into_response())
}
