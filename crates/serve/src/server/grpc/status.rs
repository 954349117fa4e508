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

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        Self::new(problem.kind.code(), problem.message)
    }
}

/// The answer to a call that never reached its service.
pub fn refuse(problem: Problem) -> Response {
    let kind = problem.kind;
    let mut response: Response = Status::from(problem).into_http();
    // For what stands around the handlers: the metrics and the log.
    response.extensions_mut().insert(kind);
    response
}
