//! Why a request fails, for every protocol: [`Problem`] is an HTTP response by itself, and
//! [`grpc`] makes a gRPC status of it.

pub mod grpc;

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::limits::MAX_SAMPLES;

/// Why a request fails.
#[derive(Debug, Clone)]
pub struct Problem {
    /// What kind of a problem it is.
    pub kind: Kind,
    /// What happened and what to do, in words.
    pub message: String,
}

/// The kinds of problems; every protocol has a status for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request can't be understood, or doesn't fit the model.
    BadRequest,
    /// The caller may not do that.
    Forbidden,
    /// Nothing has this name.
    NotFound,
    /// The path does not take this method.
    WrongMethod,
    /// The request is longer than allowed.
    TooLarge,
    /// The queue, the connections or the memory are full.
    Busy,
    /// The model is not loaded yet, or the server is shutting down.
    NotReady,
    /// The answer took longer than allowed.
    Timeout,
    /// A fault of the server; its log has the details.
    Internal,
}

impl Kind {
    /// Its name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::WrongMethod => "wrong_method",
            Self::TooLarge => "too_large",
            Self::Busy => "busy",
            Self::NotReady => "not_ready",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }

    /// Its status in HTTP.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::NotReady => StatusCode::SERVICE_UNAVAILABLE,
            Self::Timeout => StatusCode::GATEWAY_TIMEOUT,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    /// The request can't be understood, or doesn't fit the model.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(Kind::BadRequest, message)
    }

    /// Nothing is served at this path, or has this name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// The path does not take this method.
    pub fn wrong_method() -> Self {
        Self::new(Kind::WrongMethod, "this path does not take this method")
    }

    /// The model is not loaded yet, or the server is shutting down.
    pub fn not_ready(message: impl Into<String>) -> Self {
        Self::new(Kind::NotReady, message)
    }

    /// The queue is full.
    pub fn queue_full() -> Self {
        Self::new(Kind::Busy, "too many requests are waiting; try again soon")
    }

    /// Too many connections are open.
    pub fn too_many_connections() -> Self {
        let message = "too many connections are open; close some, or try again soon";
        Self::new(Kind::Busy, message)
    }

    /// Other requests take the memory for bodies.
    pub fn out_of_memory() -> Self {
        let message = "the requests that are being answered take all the memory there is for them; try again soon";
        Self::new(Kind::Busy, message)
    }

    /// The answer took longer than `limit`.
    pub fn timeout(limit: Duration) -> Self {
        let message = format!(
            "there was no answer within {} ms; send less at once, or raise REQUEST_TIMEOUT_MS",
            limit.as_millis()
        );
        Self::new(Kind::Timeout, message)
    }

    /// The body is longer than allowed.
    pub fn too_large(limit: usize) -> Self {
        let message = format!(
            "the body is larger than {} MiB; MAX_BODY_MB sets the limit",
            limit >> 20
        );
        Self::new(Kind::TooLarge, message)
    }

    /// The results of one request take more memory than there is for all.
    pub fn results_too_large() -> Self {
        let message = "the results of this request take more memory than there is for requests; send fewer samples at once";
        Self::new(Kind::TooLarge, message)
    }

    /// More samples than one request may have.
    pub fn too_many_samples() -> Self {
        let message =
            format!("the request has more than {MAX_SAMPLES} samples; send fewer at once");
        Self::new(Kind::TooLarge, message)
    }

    /// A fault of the server; its log has the details.
    pub fn internal() -> Self {
        Self::new(
            Kind::Internal,
            "the server failed inside; its log says where",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.message }));
        let mut response = (self.kind.status(), body).into_response();
        if matches!(self.kind, Kind::Busy | Kind::NotReady) {
            let seconds = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        // For the metrics and the access log.
        response.extensions_mut().insert(self.kind);
        response
    }
}
