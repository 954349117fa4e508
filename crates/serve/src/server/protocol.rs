//! The protocols, and what the layers around the handlers need to know of each: how to recognise a
//! request, which route it takes, which time its caller grants, and what an error looks like.

use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method, Version, header};
use axum::response::{IntoResponse, Response};

use super::problem::{Problem, grpc};

/// How a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP with JSON, pictures or binary tensors.
    Http,
    /// gRPC.
    Grpc,
}

/// The label of all routes that the server does not have.
const OTHER_ROUTE: &str = "other";
/// The methods of gRPC.
const GRPC_METHODS: [&str; 22] = [
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
/// Routes that orchestrators and Prometheus ask every few seconds.
const PROBES: [&str; 7] = [
    "/v2/health/live",
    "/v2/health/ready",
    "/metrics",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/inference.GRPCInferenceService/ServerLive",
    "/inference.GRPCInferenceService/ServerReady",
];

/// Whether a route is a health check or a scrape.
pub fn is_probe(route: &str) -> bool {
    PROBES.contains(&route)
}

impl Protocol {
    /// The protocol of a request. gRPC is not one of its variants for browsers. Its calls are all
    /// POST: its services would answer HEAD with a body.
    pub fn of<B>(request: &Request<B>) -> Self {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let suffix =
            content_type.and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"));
        let is_grpc = request.version() == Version::HTTP_2
            && request.method() == Method::POST
            && matches!(suffix, Some([] | [b'+' | b';' | b' ', ..]));
        if is_grpc { Self::Grpc } else { Self::Http }
    }

    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        }
    }

    /// The template of a request's path, or the method of gRPC; `other` for what is not served, so
    /// that callers can't make new ones.
    pub fn route(self, request: &Request) -> &str {
        let known = match self {
            Self::Http => request
                .extensions()
                .get::<MatchedPath>()
                .map(MatchedPath::as_str),
            Self::Grpc => GRPC_METHODS
                .into_iter()
                .find(|method| *method == request.uri().path()),
        };
        known.unwrap_or(OTHER_ROUTE)
    }

    /// How long the caller itself is going to wait, where its request says so.
    pub fn requested_timeout(self, headers: &HeaderMap) -> Option<Duration> {
        match self {
            Self::Http => None,
            Self::Grpc => grpc_timeout(headers.get("grpc-timeout")?.to_str().ok()?),
        }
    }

    /// The response to a request that did not reach its handler.
    pub fn error_response(self, problem: Problem) -> Response {
        match self {
            Self::Http => problem.into_response(),
            Self::Grpc => grpc::error_response(problem),
        }
    }
}

/// What the header `grpc-timeout` says: up to eight digits and a unit.
fn grpc_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_grpc(request: &Request<()>) -> bool {
        Protocol::of(request) == Protocol::Grpc
    }

    #[test]
    fn only_grpc_over_http_2_is_grpc() {
        let request = |version, content_type: &str| {
            Request::post("/")
                .version(version)
                .header(header::CONTENT_TYPE, content_type)
                .body(())
                .unwrap()
        };
        for accepted in [
            "application/grpc",
            "application/grpc+proto",
            "application/grpc;x=y",
        ] {
            assert!(is_grpc(&request(Version::HTTP_2, accepted)), "{accepted}");
            assert!(!is_grpc(&request(Version::HTTP_11, accepted)), "{accepted}");
        }
        for other in [
            "application/grpc-web",
            "application/grpcx",
            "application/json",
        ] {
            assert!(!is_grpc(&request(Version::HTTP_2, other)), "{other}");
        }
        let mut head = request(Version::HTTP_2, "application/grpc");
        *head.method_mut() = Method::HEAD;
        assert!(!is_grpc(&head));
        let mut without_type = request(Version::HTTP_2, "application/grpc");
        without_type.headers_mut().clear();
        assert!(!is_grpc(&without_type));
    }

    #[test]
    fn a_timeout_of_grpc_has_a_unit() {
        let read = |text| grpc_timeout(text);
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("3M"), Some(Duration::from_secs(180)));
        assert_eq!(read("99999999S"), Some(Duration::from_secs(99_999_999)));
        assert_eq!(read("5u"), Some(Duration::from_micros(5)));
        assert_eq!(read("5n"), Some(Duration::from_nanos(5)));
        for broken in ["", "S", "5", "5s", "-5S", "999999999S", "5é", "+5S"] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
