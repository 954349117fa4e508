//! The one place where every crate's errors become [`Failure`]s.

use boxwright_build::Error as BuildError;
use boxwright_model::Error as ModelError;
use boxwright_oci::Error as OciError;
use boxwright_worker::WorkerError;

use crate::failure::{Code, Failure, Stop};

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        let message = error.to_string();
        match &error {
            ModelError::Io { path, source, .. } => {
                let full = source.kind() == std::io::ErrorKind::StorageFull;
                let is_package = path
                    .extension()
                    .is_some_and(|extension| extension == "toml");
                let (code, hint) = match (full, is_package) {
                    (true, _) => (Code::DiskFull, "Free some space, and try again."),
                    (_, true) => (Code::PackageInvalid, CHECK_FILE),
                    (_, false) => (Code::ModelUnreadable, CHECK_FILE),
                };
                Self::new(code, message, hint).caused_by(source)
            }
            ModelError::Unreadable { .. } => Self::new(
                Code::ModelUnreadable,
                message,
                "Export the model again, or copy it again: it may be cut off.",
            ),
            ModelError::Unsupported { hint, .. } => {
                Self::new(Code::ModelUnsupported, message, hint)
            }
            ModelError::Package { hint, .. } => Self::new(Code::PackageInvalid, message, hint),
        }
    }
}

const CHECK_FILE: &str = "Check that the file exists and that you may use it.";

impl From<WorkerError> for Failure {
    fn from(error: WorkerError) -> Self {
        let message = error.to_string();
        match error {
            WorkerError::Start { source, .. } => Self::new(
                Code::WorkerLost,
                message,
                "Check that Boxwright is installed whole: boxwright-serve belongs beside it.",
            )
            .caused_by(&source),
            WorkerError::Lost { stderr, .. } => {
                let mut failure = Self::new(
                    Code::WorkerLost,
                    message,
                    "Preview again: a new worker is started. If it happens again, the model may \
                     need more memory than there is.",
                )
                .retryable();
                failure.causes = stderr.lines().map(str::to_owned).collect();
                failure
            }
            WorkerError::Refused {
                code,
                message,
                hint,
                causes,
                retryable,
            } => Self {
                code: Code::named(&code),
                message,
                hint,
                causes,
                retryable,
            },
            WorkerError::Protocol { source } => Self::new(
                Code::WorkerLost,
                "the worker said something that can't be understood",
                "Preview again: a new worker is started. Check that boxwright and \
                 boxwright-serve are of the same version.",
            )
            .caused_by(&source)
            .retryable(),
        }
    }
}

impl From<OciError> for Failure {
    fn from(error: OciError) -> Self {
        let code = match &error {
            OciError::ReferenceInvalid { .. } => Code::ReferenceInvalid,
            OciError::Unauthorized { .. } | OciError::RealmUntrusted { .. } => {
                Code::RegistryUnauthorized
            }
            OciError::Denied { .. } => Code::RegistryDenied,
            OciError::Unreachable { .. } => Code::RegistryUnreachable,
            OciError::NotFound { .. }
            | OciError::Failed { .. }
            | OciError::ContentInvalid { .. } => Code::RegistryFailed,
            OciError::DiskFull { .. } => Code::DiskFull,
            OciError::FileChanged { .. } => Code::FileChanged,
            OciError::LayerInvalid { .. } => Code::BuildFailed,
            OciError::Io { .. } | OciError::Options(_) | OciError::Cancelled => Code::Internal,
        };
        let mut failure = Self::new(code, error.to_string(), sentence(&error.hint()));
        failure.retryable = error.retryable();
        if let Some(source) = std::error::Error::source(&error) {
            failure = failure.caused_by(source);
        }
        failure
    }
}

/// A hint begins like a sentence, whichever crate it comes from.
fn sentence(hint: &str) -> String {
    let mut letters = hint.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let code = match error {
            BuildError::Package(error) => return error.into(),
            BuildError::Oci(error) => return error.into(),
            BuildError::EngineUnavailable { .. } => Code::EngineUnavailable,
            BuildError::ShareMissing { .. } | BuildError::ShareDamaged { .. } => Code::Internal,
            BuildError::TargetUnknown { .. }
            | BuildError::NoTarget
            | BuildError::TargetUnavailable { .. }
            | BuildError::BaseUnusable { .. }
            | BuildError::EpochInvalid { .. } => Code::BuildFailed,
        };
        let mut failure = Self::new(code, error.to_string(), error.hint());
        failure.retryable = error.retryable();
        failure
    }
}

impl From<BuildError> for Stop {
    fn from(error: BuildError) -> Self {
        if error.is_cancelled() {
            Self::Cancelled
        } else {
            Self::Failed(error.into())
        }
    }
}

impl From<OciError> for Stop {
    fn from(error: OciError) -> Self {
        match error {
            OciError::Cancelled => Self::Cancelled,
            other => Self::Failed(other.into()),
        }
    }
}

impl From<ModelError> for Stop {
    fn from(error: ModelError) -> Self {
        Self::Failed(error.into())
    }
}

impl From<WorkerError> for Stop {
    fn from(error: WorkerError) -> Self {
        Self::Failed(error.into())
    }
}

/// A task of the runtime that panicked or was ended.
impl From<tokio::task::JoinError> for Failure {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::internal("something unexpected happened inside Boxwright").caused_by(&error)
    }
}

impl From<tokio::task::JoinError> for Stop {
    fn from(error: tokio::task::JoinError) -> Self {
        Self::Failed(error.into())
    }
}

/// Runs `work`, which blocks, where blocking is allowed.
///
/// # Errors
/// What `work` fails with.
pub async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Failure>
where
    T: Send + 'static,
    E: Into<Failure> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await?.map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn each_error_has_the_code_that_a_front_end_acts_on() {
        let path = || PathBuf::from("/models/cat.onnx");
        let io = |kind: io::ErrorKind| io::Error::from(kind);
        let text = |text: &str| text.to_owned();
        let table: Vec<(Failure, Code, bool)> = vec![
            (
                ModelError::io(path(), "read", io(io::ErrorKind::NotFound)).into(),
                Code::ModelUnreadable,
                false,
            ),
            (
                ModelError::io("/m/boxwright.toml", "read", io(io::ErrorKind::NotFound)).into(),
                Code::PackageInvalid,
                false,
            ),
            (
                ModelError::io(path(), "written", io(io::ErrorKind::StorageFull)).into(),
                Code::DiskFull,
                false,
            ),
            (
                ModelError::Unreadable {
                    path: path(),
                    reason: text("cut off"),
                }
                .into(),
                Code::ModelUnreadable,
                false,
            ),
            (
                ModelError::Unsupported {
                    path: path(),
                    what: text("a pickle"),
                    hint: text("export it"),
                }
                .into(),
                Code::ModelUnsupported,
                false,
            ),
            (
                WorkerError::Lost {
                    how: text("was killed"),
                    stderr: text("bad_alloc"),
                }
                .into(),
                Code::WorkerLost,
                true,
            ),
            (
                WorkerError::Refused {
                    code: text("ShapeMismatch"),
                    message: text("m"),
                    hint: text("h"),
                    causes: vec![],
                    retryable: false,
                }
                .into(),
                Code::ShapeMismatch,
                false,
            ),
            (
                OciError::Unauthorized {
                    registry: text("r"),
                    detail: text("d"),
                }
                .into(),
                Code::RegistryUnauthorized,
                false,
            ),
            (
                OciError::Denied {
                    registry: text("r"),
                    repository: text("x"),
                    detail: text("d"),
                }
                .into(),
                Code::RegistryDenied,
                false,
            ),
            (
                OciError::Unreachable {
                    registry: text("r"),
                    detail: text("d"),
                }
                .into(),
                Code::RegistryUnreachable,
                true,
            ),
            (
                OciError::Failed {
                    registry: text("r"),
                    what: text("w"),
                    detail: text("d"),
                    retryable: true,
                }
                .into(),
                Code::RegistryFailed,
                true,
            ),
            (
                OciError::DiskFull { path: path() }.into(),
                Code::DiskFull,
                true,
            ),
            (
                OciError::FileChanged { path: path() }.into(),
                Code::FileChanged,
                true,
            ),
        ];
        for (failure, code, retryable) in table {
            assert_eq!(
                (failure.code, failure.retryable),
                (code, retryable),
                "{failure:?}"
            );
            assert!(
                !failure.message.is_empty() && !failure.hint.is_empty(),
                "{failure:?}"
            );
        }
    }

    #[test]
    fn cancelling_is_no_failure() {
        assert_eq!(Stop::from(OciError::Cancelled), Stop::Cancelled);
    }

    #[test]
    fn a_lost_worker_says_how_and_what_it_last_said() {
        let how = "was killed by signal 9 (SIGKILL)".to_owned();
        let failure = Failure::from(WorkerError::Lost {
            how,
            stderr: "one\ntwo".to_owned(),
        });
        assert!(failure.message.contains("SIGKILL"));
        assert_eq!(failure.causes, ["one", "two"]);
    }
}
