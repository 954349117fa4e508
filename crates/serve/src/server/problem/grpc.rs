//! Problems as gRPC statuses, and gRPC status codes as kinds of problems.

use axum::response::Response;
use tonic::{Code, Status};

use super::{Kind, Problem};

impl Kind {
    /// Its status in gRPC.
    pub fn code(self) -> Code {
        match self {
            Self::BadRequest => Code::InvalidArgument,
            Self::Forbidden => Code::PermissionDenied,
            Self::NotFound => Code::NotFound,
            Self::WrongMethod => Code::Unimplemented,
            Self::TooLarge | Self::Busy => Code::ResourceExhausted,
            Self::NotReady => Code::Unavailable,
            Self::Timeout => Code::DeadlineExceeded,
            Self::Internal => Code::Internal,
        }
    }
}

/// Bytes of a status message at most: it is sent in a header, of which clients accept a few
/// kilobytes, and may quote what the caller sent.
pub const MAX_MESSAGE: usize = 1500;

/// The status codes (<https://grpc.io/docs/guides/status-codes/>), by number.
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

/// The name of a status code in metrics and logs.
pub fn code_name(code: Code) -> &'static str {
    CODES
        .get(code as usize)
        .unwrap_or(&CODES[Code::Unknown as usize])
}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        truncated(problem.kind.code(), problem.message)
    }
}

/// A status whose message is cut at [`MAX_MESSAGE`].
pub fn truncated(code: Code, mut message: String) -> Status {
    if message.len() > MAX_MESSAGE {
        message.truncate(message.floor_char_boundary(MAX_MESSAGE));
        message.push('…');
    }
    Status::new(code, message)
}

/// The kind of problem, in metrics and logs, that a status code stands for; `None` for success.
pub fn problem_kind(code: Code) -> Option<&'static str> {
    let kind = match code {
        Code::Ok => return None,
        Code::Cancelled => return Some("cancelled"),
        Code::InvalidArgument | Code::FailedPrecondition => Kind::BadRequest,
        Code::OutOfRange => Kind::TooLarge,
        Code::DeadlineExceeded => Kind::Timeout,
        Code::NotFound => Kind::NotFound,
        Code::Unimplemented => Kind::WrongMethod,
        Code::PermissionDenied | Code::Unauthenticated => Kind::Forbidden,
        Code::ResourceExhausted => Kind::Busy,
        Code::Unavailable => Kind::NotReady,
        Code::Unknown | Code::Internal | Code::DataLoss | Code::AlreadyExists | Code::Aborted => {
            Kind::Internal
        }
    };
    Some(kind.name())
}

/// The response to a call that did not reach its service.
pub fn error_response(problem: Problem) -> Response {
    let kind = problem.kind;
    let mut response: Response = Status::from(problem).into_http();
    // For the metrics and the access log.
    response.extensions_mut().insert(kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let status = Status::from(Problem::not_found("ü".repeat(10_000)));
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message().chars().count(), MAX_MESSAGE / 2 + 1);
        assert!(status.message().ends_with("ü…"));
        assert_eq!(Status::from(Problem::not_found("short")).message(), "short");
    }
}
