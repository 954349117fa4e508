//! What is told of every request: its figures, its line in the log, its id in the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tracing::Span;

use super::metrics::{Metrics, Protocol, Route};
use super::problem::Kind;
use super::trace::{REQUEST_ID, TraceParent, request_id};

/// The methods of gRPC; others are counted together.
const GRPC: [&str; 22] = [
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
    "/inference.GRPCInferenceService/ModelReady",
    "/inference.GRPCInferenceService/ServerMetadata",
    "/inference.GRPCInferenceService/ModelMetadata",
    "/inference.GRPCInferenceService/ModelConfig",
    "/inference.GRPCInferenceService/ModelInfer",
    "/inference.GRPCInferenceService/ModelStreamInfer",
    "/inference.GRPCInferenceService/ModelStatistics",
    "/inference.GRPCInferenceService/RepositoryIndex",
    "/inference.GRPCInferenceService/RepositoryModelLoad",
    "/inference.GRPCInferenceService/RepositoryModelUnload",
    "/inference.GRPCInferenceService/LogSettings",
    "/inference.GRPCInferenceService/TraceSetting",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
    "/ModzyModel/Status",
    "/ModzyModel/Run",
    "/ModzyModel/Shutdown",
];
/// Asked every few seconds; they say nothing as long as all is well.
const PROBES: [&str; 7] = [
    "/v2/health/live",
    "/v2/health/ready",
    "/metrics",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
];
/// Of a path, which callers choose, the log has so much.
const LONGEST_PATH: usize = 256;
/// The status codes of gRPC (<https://grpc.io/docs/guides/status-codes/>), by number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];
const CANCELLED: usize = 1;
const UNKNOWN: usize = 2;
/// What nginx made the custom for a caller that hung up.
const HUNG_UP: &str = "499";

/// A request from its head to its answer. Dropped before that, it counts as one whose caller hung up.
pub struct Watched {
    metrics: Arc<Metrics>,
    route: Route,
    path: String,
    id: String,
    parent: Option<TraceParent>,
    begun: Instant,
    told: bool,
}

/// Whether a request only asks how the server is.
pub fn is_probe(request: &Request, protocol: Protocol) -> bool {
    PROBES.contains(&route(request, protocol))
}

fn route(request: &Request, protocol: Protocol) -> &str {
    let known = match protocol {
        Protocol::Http => request
            .extensions()
            .get::<MatchedPath>()
            .map(MatchedPath::as_str),
        Protocol::Grpc => GRPC
            .into_iter()
            .find(|known| *known == request.uri().path()),
    };
    known.unwrap_or("other")
}

impl Watched {
    /// Begins to watch a request that has found its route.
    pub fn begin(metrics: &Arc<Metrics>, protocol: Protocol, request: &Request) -> Self {
        metrics.asked();
        let asked = request.uri().path();
        let mut path = asked.to_owned();
        path.truncate(path.floor_char_boundary(LONGEST_PATH));
        Self {
            metrics: Arc::clone(metrics),
            route: Route {
                protocol,
                method: method(request.method()),
                path: route(request, protocol).into(),
            },
            path,
            id: request_id(request.headers()),
            parent: TraceParent::of(request.headers()),
            begun: Instant::now(),
            told: false,
        }
    }

    /// What stands in the log beside everything that is said while the request is answered.
    pub fn span(&self) -> Span {
        let trace_id = self.parent.as_ref().map(|parent| parent.trace_id.as_str());
        tracing::error_span!("request", request_id = self.id, trace_id)
    }

    /// The answer goes out: with the request's id, and counted; one of gRPC is counted when its
    /// status follows the messages.
    pub fn answered(mut self, mut response: Response) -> Response {
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        match (self.route.protocol, grpc_code(response.headers())) {
            (Protocol::Http, _) => {
                let status = response.status();
                let kind = response.extensions().get::<Kind>().map(|kind| kind.name());
                let kind = kind.or(match status.as_u16() {
                    // So a probe is told that the server is not ready, which is no error.
                    503 => None,
                    500.. => Some(Kind::Internal.name()),
                    400.. => Some(Kind::BadRequest.name()),
                    _ => None,
                });
                self.tell(status.as_str().to_owned(), kind);
                response
            }
            (Protocol::Grpc, Some(code)) => {
                self.tell_grpc(code);
                response
            }
            (Protocol::Grpc, None) => response.map(|body| {
                Body::new(Trailed {
                    body,
                    watched: Some(self),
                })
            }),
        }
    }

    fn tell_grpc(&mut self, code: usize) {
        let status = CODES.get(code).unwrap_or(&CODES[UNKNOWN]);
        self.tell((*status).to_owned(), grpc_kind(code));
    }

    fn tell(&mut self, status: String, kind: Option<&'static str>) {
        self.told = true;
        let took: Duration = self.begun.elapsed();
        let ms = took.as_micros() as f64 / 1e3;
        let trace_id = self.parent.as_ref().map(|parent| parent.trace_id.as_str());
        let span_id = self.parent.as_ref().map(|parent| parent.span_id.as_str());
        let (request_id, path, method) = (&self.id, &self.path, self.route.method);
        // The level of an event is fixed where it stands.
        macro_rules! line {
            ($level:ident) => {
                // Numbers stay numbers in JSON.
                match status.parse::<u16>() {
                    Ok(status) => tracing::$level!(
                        request_id, method, path, status, kind, ms, trace_id, span_id, "answered"
                    ),
                    Err(_) => tracing::$level!(
                        request_id, method, path, status, kind, ms, trace_id, span_id, "answered"
                    ),
                }
            };
        }
        if kind == Some(Kind::Internal.name()) {
            line!(error);
        } else if PROBES.contains(&&*self.route.path) {
            line!(debug);
        } else {
            line!(info);
        }
        self.metrics.answered(&self.route, status, kind, took);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        match self.route.protocol {
            Protocol::Http => self.tell(HUNG_UP.into(), Some("cancelled")),
            Protocol::Grpc => self.tell_grpc(CANCELLED),
        }
    }
}

/// The messages of gRPC, whose status comes last.
struct Trailed {
    body: Body,
    watched: Option<Watched>,
}

impl HttpBody for Trailed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        let code = match &frame {
            Some(Ok(frame)) => frame
                .trailers_ref()
                .map(|trailers| grpc_code(trailers).unwrap_or(UNKNOWN)),
            Some(Err(_)) | None => Some(UNKNOWN),
        };
        if let Some(code) = code
            && let Some(mut watched) = self.watched.take()
        {
            watched.tell_grpc(code);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn method(method: &Method) -> &'static str {
    let known = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"];
    let found = known.into_iter().find(|known| method == known);
    found.unwrap_or("other")
}

fn grpc_code(headers: &HeaderMap) -> Option<usize> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok()
}

/// The kind of problem that a status of gRPC stands for.
fn grpc_kind(code: usize) -> Option<&'static str> {
    let kind = match CODES.get(code).copied()? {
        "OK" => return None,
        "CANCELLED" => return Some("cancelled"),
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" => Kind::BadRequest,
        "OUT_OF_RANGE" => Kind::TooLarge,
        "DEADLINE_EXCEEDED" => Kind::Timeout,
        "NOT_FOUND" => Kind::NotFound,
        "UNIMPLEMENTED" => Kind::WrongMethod,
        "PERMISSION_DENIED" | "UNAUTHENTICATED" => Kind::Forbidden,
        "RESOURCE_EXHAUSTED" => Kind::Busy,
        "UNAVAILABLE" => Kind::NotReady,
        _ => Kind::Internal,
    };
    Some(kind.name())
}
