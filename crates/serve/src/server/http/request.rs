//! Requests to a model, whatever the protocol that its path belongs to.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::Deserialize;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::body;
use crate::server::context::Context;
use crate::server::engine::Engine;
use crate::server::memory::Reservation;
use crate::server::problem::Problem;

/// The model that a path names.
#[derive(Debug, Deserialize)]
pub struct ModelPath {
    /// The model; in KServe's V1 protocol with the verb behind it.
    pub model: String,
    /// Its version, where the path has one.
    pub version: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for ModelPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<Self>::from_request_parts(parts, state).await;
        path.map(|Path(path)| path)
            .map_err(|error| Problem::not_found(format!("no such path: {}", error.body_text())))
    }
}

/// A request to a model whose body has been read.
pub struct ModelRequest {
    /// The model.
    pub engine: Arc<Engine>,
    /// Held until the response is written.
    pub in_flight: TaskTrackerToken,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Bytes,
    /// The memory that the request holds.
    pub reservation: Reservation,
}

impl ModelRequest {
    /// Finds the model, and reads the body.
    ///
    /// # Errors
    /// As [`Context::engine_for`] and [`body::read`].
    pub async fn read(
        context: &Context,
        path: &ModelPath,
        request: Request,
    ) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let (engine, in_flight) = context.engine_for(&path.model, path.version.as_deref())?;
        let body = body::read(&parts, body, context.max_body).await?;
        let reservation = body::reservation(&parts.extensions)?;
        Ok(Self {
            engine,
            in_flight,
            headers: parts.headers,
            body,
            reservation,
        })
    }
}
