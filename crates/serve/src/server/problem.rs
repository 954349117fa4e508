//! Why a request has no answer, for every protocol.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::models::MOST_SAMPLES;

/// Why a request has no answer.
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
    /// Another method is meant.
    WrongMethod,
    /// The request is longer than allowed.
    TooLarge,
    /// Too much is waiting.
    Busy,
    /// The model does not answer yet, or any more.
    NotReady,
    /// The answer took longer than allowed.
    Timeout,
    /// A fault of ours, of which the log has the details.
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

    /// Nothing lies at this path, or has this name.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// Another method is meant.
    pub fn wrong_method() -> Self {
        Self::new(Kind::WrongMethod, "this path does not take this method")
    }

    /// The model does not answer yet, or any more.
    pub fn not_ready(message: impl Into<String>) -> Self {
        Self::new(Kind::NotReady, message)
    }

    /// Too much is waiting.
    pub fn busy() -> Self {
        Self::new(Kind::Busy, "too many requests are waiting; try again soon")
    }

    /// There are too many connections.
    pub fn crowded() -> Self {
        let message = "too many connections are open; close some, or try again soon";
        Self::new(Kind::Busy, message)
    }

    /// The bodies of other requests take the memory.
    pub fn full() -> Self {
        let message = "the requests that are being answered take all the memory there is for them; try again soon";
        Self::new(Kind::Busy, message)
    }

    /// The answer took longer than `time`.
    pub fn timeout(time: Duration) -> Self {
        let message = format!(
            "there was no answer within {} ms; send less at once, or raise REQUEST_TIMEOUT_MS",
            time.as_millis()
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

    /// More samples than one request may have.
    pub fn too_many_samples() -> Self {
        let message =
            format!("the request has more than {MOST_SAMPLES} samples; send fewer at once");
        Self::new(Kind::TooLarge, message)
    }

    /// A fault of ours, of which the log has the details.
    pub fn internal() -> Self {
        Self::new(
            Kind::Internal,
            "the server failed inside; its log says where",
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let answer = (self.kind.status(), Json(json!({ "error": self.message })));
        let mut response = answer.into_response();
        if matches!(self.kind, Kind::Busy | Kind::NotReady) {
            let second = HeaderValue::from_static("1");
            response.headers_mut().insert(header::RETRY_AFTER, second);
        }
        // For what stands around the handlers: the metrics and the log.
        response.extensions_mut().insert(self.kind);
        response
    }
}
