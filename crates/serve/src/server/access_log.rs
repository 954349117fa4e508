//! The access log: for each request a line in the log, its metrics, and its id in the response.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tonic::Code;
use tracing::Span;

use super::metrics::{Metrics, RouteLabels};
use super::problem::{Kind, grpc};
use super::protocol::{Protocol, is_probe};
use super::trace::{REQUEST_ID, TraceParent, request_id};

/// Bytes of a path in the log at most: callers choose it.
const MAX_LOGGED_PATH: usize = 256;
/// nginx's status for a client that closed the connection before the response.
const CLIENT_CLOSED_REQUEST: &str = "499";

/// A request from its head to its response. Dropped before that, it counts as one whose client
/// disconnected.
pub struct RequestRecord {
    metrics: Arc<Metrics>,
    route: RouteLabels,
    path: String,
    id: String,
    parent: Option<TraceParent>,
    started: Instant,
    completed: bool,
}

impl RequestRecord {
    /// Starts the record of a request that the router has matched.
    pub fn start(metrics: &Arc<Metrics>, protocol: Protocol, request: &Request) -> Self {
        metrics.request_started();
        let mut path = request.uri().path().to_owned();
        path.truncate(path.floor_char_boundary(MAX_LOGGED_PATH));
        Self {
            metrics: Arc::clone(metrics),
            route: RouteLabels {
                protocol,
                method: method(request.method()),
                path: protocol.route(request).into(),
            },
            path,
            id: request_id(request.headers()),
            parent: TraceParent::of(request.headers()),
            started: Instant::now(),
            completed: false,
        }
    }

    /// The fields of every line that is logged while the request is handled.
    pub fn span(&self) -> Span {
        let trace_id = self.parent.as_ref().map(|parent| parent.trace_id.as_str());
        tracing::error_span!("request", request_id = self.id, trace_id)
    }

    /// Completes the record, and puts the request's id into the response. A call of gRPC whose status
    /// follows its messages is completed by that.
    pub fn complete(mut self, mut response: Response) -> Response {
        if let Ok(id) = HeaderValue::from_str(&self.id) {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        match (self.route.protocol, grpc_code(response.headers())) {
            (Protocol::Http, _) => {
                let status = response.status();
                let kind = response.extensions().get::<Kind>().map(|kind| kind.name());
                let kind = kind.or(match status.as_u16() {
                    // A probe of a server that is not ready, which is no error.
                    503 => None,
                    500.. => Some(Kind::Internal.name()),
                    400.. => Some(Kind::BadRequest.name()),
                    _ => None,
                });
                self.finish(status.as_str().to_owned(), kind);
                response
            }
            (Protocol::Grpc, Some(code)) => {
                self.finish_grpc(code);
                response
            }
            (Protocol::Grpc, None) => response.map(|body| {
                Body::new(RecordedBody {
                    body,
                    record: Some(self),
                })
            }),
        }
    }

    fn finish_grpc(&mut self, code: Code) {
        self.finish(grpc::code_name(code).to_owned(), grpc::problem_kind(code));
    }

    fn finish(&mut self, status: String, kind: Option<&'static str>) {
        self.completed = true;
        let took: Duration = self.started.elapsed();
        let ms = took.as_micros() as f64 / 1e3;
        let trace_id = self.parent.as_ref().map(|parent| parent.trace_id.as_str());
        let span_id = self.parent.as_ref().map(|parent| parent.span_id.as_str());
        let (request_id, path, method) = (&self.id, &self.path, self.route.method);
        // The level of an event has to be a constant.
        macro_rules! line {
            ($level:ident) => {
                // HTTP statuses are numbers in the JSON log.
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
        } else if is_probe(&self.route.path) {
            line!(debug);
        } else {
            line!(info);
        }
        self.metrics
            .request_completed(&self.route, status, kind, took);
    }
}

impl Drop for RequestRecord {
    fn drop(&mut self) {
        if self.completed {
            return;
        }
        match self.route.protocol {
            Protocol::Http => self.finish(CLIENT_CLOSED_REQUEST.into(), Some("cancelled")),
            Protocol::Grpc => self.finish_grpc(Code::Cancelled),
        }
    }
}

/// The messages of a gRPC response, whose status follows in the trailers.
struct RecordedBody {
    body: Body,
    record: Option<RequestRecord>,
}

impl HttpBody for RecordedBody {
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
                .map(|trailers| grpc_code(trailers).unwrap_or(Code::Unknown)),
            Some(Err(_)) | None => Some(Code::Unknown),
        };
        if let Some(code) = code
            && let Some(mut record) = self.record.take()
        {
            record.finish_grpc(code);
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

fn grpc_code(headers: &HeaderMap) -> Option<Code> {
    let code = headers.get("grpc-status")?.to_str().ok()?.parse().ok()?;
    Some(Code::from_i32(code))
}
