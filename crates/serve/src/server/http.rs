//! HTTP: what the handlers of all its protocols share.

pub mod elements;
pub mod encoding;
pub mod infer;
pub mod openapi;
pub mod pictures;
pub mod v1;
pub mod v2;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use boxwright_model::Outcome;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::body;
use super::budget::Share;
use super::engine::Engine;
use super::life::Life;
use super::metrics::Metrics;
use super::models;
use super::problem::Problem;

/// Longer bodies of JSON are read and written apart from the threads that answer health checks.
pub const SHORT: usize = 64 << 10;

/// What every handler knows.
#[derive(Clone)]
pub struct Server {
    /// Whether the model is there, and the way to it.
    pub life: Arc<Life>,
    /// What is counted and measured.
    pub metrics: Arc<Metrics>,
    /// Longest request body, in bytes.
    pub max_body: usize,
}

impl Server {
    /// Whether one of the package's two models is called so. While the package is not read, no
    /// name is wrong.
    ///
    /// # Errors
    /// Where neither is.
    pub fn knows(&self, model: &str) -> Result<(), Problem> {
        match self.life.name() {
            Some(name) => models::find(name, model).map(drop),
            None => Ok(()),
        }
    }

    /// The way to the model that is asked, with a token for the request.
    ///
    /// # Errors
    /// Where there is no such model or version, or it is not ready.
    pub fn way(&self, asked: &Asked) -> Result<(Arc<Engine>, TaskTrackerToken), Problem> {
        self.knows(&asked.model)?;
        let (engine, in_flight) = self.life.engine()?;
        engine.find(&asked.model, asked.version.as_deref())?;
        Ok((engine, in_flight))
    }
}

/// The model that a path names.
#[derive(Debug, Deserialize)]
pub struct Asked {
    /// The model, in KServe's V1 protocol with the verb behind it.
    pub model: String,
    /// Its version, where the path has one.
    pub version: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<Self>::from_request_parts(parts, state).await;
        path.map(|Path(asked)| asked)
            .map_err(|error| Problem::not_found(format!("no such path: {}", error.body_text())))
    }
}

/// A request to a model, read.
pub struct Sent {
    /// The way to the model.
    pub engine: Arc<Engine>,
    /// Held until the answer is written.
    pub in_flight: TaskTrackerToken,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Bytes,
    /// What the request may hold in memory.
    pub share: Share,
}

impl Sent {
    /// Reads a request to the model that is asked.
    ///
    /// # Errors
    /// As [`Server::way`] and [`body::read`].
    pub async fn read(server: &Server, asked: &Asked, request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let (engine, in_flight) = server.way(asked)?;
        let body = body::read(&parts, body, server.max_body).await?;
        let share = body::share(&parts)?;
        Ok(Self {
            engine,
            in_flight,
            headers: parts.headers,
            body,
            share,
        })
    }
}

/// Does what takes the longer the more `bytes` there are, without holding up health checks.
///
/// # Errors
/// What `work` says, or that it panicked.
pub async fn apart<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    if bytes <= SHORT {
        return work();
    }
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| Problem::internal())?
}

/// Reads JSON; a refusal names the field.
///
/// # Errors
/// Where it is no JSON, or says something else than is asked.
pub fn from_json<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Problem> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let read = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let place = match error.path().to_string().as_str() {
            // An unknown place is where the JSON itself is broken.
            "." | "?" => "the body".into(),
            place => format!("`{place}`"),
        };
        let hint = match no_number(json, error.inner()) {
            true => "; JSON knows no NaN and no infinity, binary data (`binary_data_size`) does",
            false => "",
        };
        let error = error.into_inner();
        Problem::bad_request(format!("{place} is not as asked: {error}{hint}"))
    })?;
    let end = deserializer.end();
    end.map_err(|error| Problem::bad_request(format!("the body goes on after its JSON: {error}")))?;
    Ok(read)
}

/// Whether reading broke off at what Python writes for a float that is no finite number.
fn no_number(json: &[u8], error: &serde_json::Error) -> bool {
    if !error.is_syntax() {
        return false;
    }
    let line = json
        .split(|byte| *byte == b'\n')
        .nth(error.line().saturating_sub(1));
    let from = error.column().saturating_sub(2);
    let rest = line.and_then(|line| line.get(from..)).unwrap_or_default();
    let rest = &rest[..rest.len().min(10)];
    [&b"NaN"[..], b"Inf"]
        .iter()
        .any(|word| rest.windows(3).any(|part| part == *word))
}

/// What is told of samples, in order.
///
/// # Errors
/// Where it can't be written.
pub async fn predicted(predictions: Vec<Outcome>) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Predictions {
        predictions: Vec<Outcome>,
    }
    let bytes = models::length(&predictions);
    let write = move || {
        let text = serde_json::to_vec(&Predictions { predictions });
        text.map_err(|_| Problem::internal())
    };
    apart(bytes, write).await.map(json)
}

/// JSON that has been written already.
pub fn json(text: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
