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
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::engine::Engine;
use super::life::Life;
use super::metrics::Metrics;
use super::models;
use super::problem::Problem;

/// Longer bodies of JSON are read and written apart from the threads that answer health checks.
const SHORT: usize = 64 << 10;

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

/// The body of a request to a model, and the way to the model.
///
/// # Errors
/// As [`Server::way`] and [`super::body::read`].
pub async fn body_for(
    server: &Server,
    asked: &Asked,
    request: Request,
) -> Result<(Arc<Engine>, TaskTrackerToken, axum::http::HeaderMap, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let (engine, in_flight) = match server.way(asked) {
        Ok(way) => way,
        Err(problem) => {
            super::body::discard(&parts.headers, body, server.max_body).await;
            return Err(problem);
        }
    };
    let bytes = super::body::read(&parts, body, server.max_body).await?;
    Ok((engine, in_flight, parts.headers, bytes))
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
        let place = error.path().to_string();
        match place.as_str() {
            "." => Problem::bad_request(format!("the body is not as asked: {}", error.inner())),
            _ => Problem::bad_request(format!("`{place}` is not as asked: {}", error.inner())),
        }
    })?;
    let end = deserializer.end();
    end.map_err(|error| Problem::bad_request(format!("the body goes on after its JSON: {error}")))?;
    Ok(read)
}

/// JSON that has been written already.
pub fn json(text: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/json")], text).into_response()
}
