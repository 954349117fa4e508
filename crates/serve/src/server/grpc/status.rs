//! Problems in the words of gRPC.

use axum::response::Response;
use tonic::{Code, Status};

use crate::server::problem::{Kind, Problem};

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

/// Bytes of a message at most: it is sent in a header, of which clients take few kilobytes, and may
/// quote what the caller sent.
pub const LONGEST_MESSAGE: usize = 1500;

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        shortened(problem.kind.code(), problem.message)
    }
}

/// A status with as much of its message as clients take.
pub fn shortened(code: Code, mut message: String) -> Status {
    if message.len() > LONGEST_MESSAGE {
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        message.push('…');
    }
    Status::new(code, message)
}

/// The answer to a call that never reached its service.
pub fn refuse(problem: Problem) -> Response {
    let kind = problem.kind;
    let mut response: Response = Status::from(problem).into_http();
    // For what stands around the handlers: the metrics and the log.
    response.extensions_mut().insert(kind);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_quotes_much_is_cut_between_characters() {
        let status = Status::from(Problem::not_found("ü".repeat(10_000)));
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message().chars().count(), LONGEST_MESSAGE / 2 + 1);
        assert!(status.message().ends_with("ü…"));
        assert_eq!(Status::from(Problem::not_found("short")).message(), "short");
    }
}
