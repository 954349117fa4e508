//! The Open Inference Protocol, and what Triton's clients ask beside it.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::infer::{self, header_length};
use super::openapi::{NAMED, NEEDED, Operation, RUNS};
use super::{Asked, Sent, Server, apart, from_json};
use crate::server::body;
use crate::server::models::{self, ModelMetadata, TensorMetadata};
use crate::server::problem::Problem;

const JSON: &str = "application/json";
/// Why loading and unloading fail.
const REFUSES: &[u16] = &[403, 404];

/// `GET /v2`.
pub const SERVER: Operation = Operation::new(
    "serverMetadata",
    "The server's name, version and protocol extensions",
)
.gives(&[(200, "The server", &[(JSON, "ServerMetadata")])]);

/// `GET /v2/health/live`.
pub const LIVE: Operation = Operation::new("serverLive", "Whether the server answers").gives(&[(
    200,
    "Live",
    &[(JSON, "Health")],
)]);

/// `GET /v2/health/ready`.
pub const READY: Operation = Operation::new("serverReady", "Whether the model is loaded and warm")
    .gives(&[
        (200, "Ready", &[(JSON, "Health")]),
        (503, "Not ready, and why", &[(JSON, "Health")]),
    ]);

/// `GET /v2/models`.
pub const MODELS: Operation = Operation::new(
    "models",
    "The names of the models; none as long as the package is not read",
)
.gives(&[(200, "The names", &[(JSON, "Models")])]);

/// `POST /v2/repository/index`.
pub const INDEX: Operation = Operation::new(
    "repositoryIndex",
    "The models and their states, as Triton lists them",
)
.takes(&[(JSON, "IndexRequest")])
.or_nothing()
.gives(&[(200, "The models", &[(JSON, "Index")])])
.fails(&[400, 413]);

/// `POST /v2/repository/models/{model}/load`.
pub const LOAD: Operation = Operation::new(
    "loadModel",
    "Refused: the repository is the package, and fixed",
)
.fails(REFUSES);

/// `POST /v2/repository/models/{model}/unload`.
pub const UNLOAD: Operation = Operation::new(
    "unloadModel",
    "Refused: the repository is the package, and fixed",
)
.fails(REFUSES);

/// `GET /v2/models/{model}`.
pub const MODEL: Operation = Operation::new("modelMetadata", "The model's inputs and outputs")
    .gives(&[(200, "The model", &[(JSON, "ModelMetadata")])])
    .fails(NEEDED);

/// `GET /v2/models/{model}/ready`.
pub const MODEL_READY: Operation =
    Operation::new("modelReady", "Whether the model is loaded and warm")
        .gives(&[
            (200, "Ready", &[(JSON, "ModelReady")]),
            (503, "Not ready, and why", &[(JSON, "ModelReady")]),
        ])
        .fails(NAMED);

/// `GET /v2/models/{model}/config`.
pub const CONFIG: Operation = Operation::new("modelConfig", "The model as Triton's ModelConfig")
    .gives(&[(200, "The configuration", &[(JSON, "ModelConfig")])])
    .fails(NEEDED);

/// `POST /v2/models/{model}/infer`.
pub const INFER: Operation = Operation::new(
    "modelInfer",
    "Runs the model. `NAME` takes encoded samples (in JSON as base64), `NAME-tensor` the \
              model's own tensors. Tensors are in the JSON, or follow it as bytes: \
              Inference-Header-Content-Length then tells where the JSON ends",
)
.takes(&[
    (JSON, "InferRequest"),
    ("application/octet-stream", "Binary"),
])
.gives(&[(
    200,
    "The outputs",
    &[
        (JSON, "InferResponse"),
        ("application/octet-stream", "Binary"),
    ],
)])
.headers(&[(
    "Inference-Header-Content-Length",
    "How many bytes of the body are JSON, where tensors follow it",
)])
.fails(RUNS);

/// The server's metadata.
pub async fn server() -> Json<Value> {
    Json(json!({
        "name": models::SERVER,
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": models::EXTENSIONS,
    }))
}

/// Whether the server answers.
pub async fn live(State(server): State<Server>) -> Json<Value> {
    Json(json!({ "live": true, "ready": server.life.hindrance().is_none() }))
}

/// Whether the model is loaded and warm.
pub async fn ready(State(server): State<Server>) -> Response {
    let hindrance = server.life.hindrance();
    readiness(json!({ "live": true }), hindrance)
}

/// `answer` with the key `ready`, and why not.
pub fn readiness(mut answer: Value, hindrance: Option<String>) -> Response {
    answer["ready"] = hindrance.is_none().into();
    match hindrance {
        None => Json(answer).into_response(),
        Some(error) => {
            answer["error"] = error.into();
            (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
        }
    }
}

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

#[derive(Deserialize, Default)]
struct IndexRequest {
    ready: Option<bool>,
}

/// The models and their states.
pub async fn index(State(server): State<Server>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = body::read(&parts, body, server.max_body).await?;
    let only_ready = match body.trim_ascii() {
        [] => false,
        body => from_json::<IndexRequest>(body)?.ready.unwrap_or(false),
    };
    let engine = server.life.engine();
    let version = match &engine {
        Ok((engine, _)) => engine.package().package.version.clone(),
        Err(_) => String::new(),
    };
    let (state, reason) = match server.life.hindrance() {
        None => ("READY", String::new()),
        Some(reason) => ("UNAVAILABLE", reason),
    };
    let names = server.life.name().into_iter().flat_map(models::names);
    let listed = names
        .filter(|_| !only_ready || state == "READY")
        .map(|name| json!({ "name": name, "version": version, "state": state, "reason": reason }));
    Ok(Json(Value::from_iter(listed)).into_response())
}

/// Refuses to load or unload.
pub async fn fixed(State(server): State<Server>, asked: Asked) -> Problem {
    let known = server.knows(&asked.model);
    known.err().unwrap_or_else(|| models::fixed(&asked.model))
}

/// The model's inputs and outputs.
pub async fn model(State(server): State<Server>, asked: Asked) -> Result<Json<Value>, Problem> {
    let (engine, _in_flight) = server.way(&asked)?;
    let model = engine.metadata(&asked.model, asked.version.as_deref())?;
    let described = |tensors: &[TensorMetadata]| {
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
        "inputs": described(&model.inputs),
        "outputs": described(&model.outputs),
    })))
}

/// Whether the model is loaded and warm.
pub async fn model_ready(State(server): State<Server>, asked: Asked) -> Result<Response, Problem> {
    server.knows(&asked.model)?;
    if let Ok((engine, _in_flight)) = server.life.engine() {
        engine.find(&asked.model, asked.version.as_deref())?;
    }
    let answer = json!({ "name": asked.model });
    Ok(readiness(answer, server.life.hindrance()))
}

/// Triton's ModelConfig.
pub async fn config(State(server): State<Server>, asked: Asked) -> Result<Json<Value>, Problem> {
    let (engine, _in_flight) = server.way(&asked)?;
    let model = engine.metadata(&asked.model, asked.version.as_deref())?;
    let package = engine.package();
    let delay = package.batch.max_delay_ms.saturating_mul(1000);
    let mut config = config_of(&model, delay);
    // Neither protocol has a field for it, but a configuration takes parameters of any name.
    let description = &package.package.description;
    if !description.is_empty() {
        config["parameters"] = json!({ "description": { "string_value": description } });
    }
    Ok(Json(config))
}

fn config_of(model: &ModelMetadata, max_delay_us: u64) -> Value {
    let described = |tensors: &[TensorMetadata]| {
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
        "input": described(&model.inputs),
        "output": described(&model.outputs),
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
    State(server): State<Server>,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    let sent = Sent::read(&server, &asked, request).await?;
    let (engine, _in_flight) = (sent.engine, sent.in_flight);
    let (body, share) = (sent.body, sent.share);
    let model = engine.find(&asked.model, asked.version.as_deref())?;
    let header = header_length(&sent.headers, &body)?;
    let mut read = apart(header, move || {
        infer::read(&body, header, model, &|bytes| share.add(bytes))
    })
    .await?;
    read.infer.model = asked.model;
    read.infer.version = asked.version;
    let mut inferred = engine.answer(read.infer).await?;
    infer::Asked::explain(read.unreadable, &mut inferred)?;
    let bytes = inferred
        .outputs
        .iter()
        .map(|output| output.data.len())
        .sum();
    let write = move || infer::write(&inferred, read.id.as_deref(), &read.binary);
    Ok(apart(bytes, write).await?.into_response())
}
