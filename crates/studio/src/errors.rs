//! The conversion of every crate's errors to [`Failure`]s.

use std::path::Path;

use boxwright_build::Error as BuildError;
use boxwright_model::Error as ModelError;
use boxwright_oci::Error as OciError;
use boxwright_worker::WorkerError;

use crate::failure::{Code, Failure, RequiredAction, Stop};

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
                causes,
                retryable,
                ..Self::new(Code::named(&code), message, hint)
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
            OciError::ReferenceInvalid { .. } | OciError::RegistryInvalid { .. } => {
                Code::ReferenceInvalid
            }
            OciError::Unauthorized { .. } | OciError::RealmUntrusted { .. } => {
                Code::RegistryUnauthorized
            }
            OciError::Denied { .. } => Code::RegistryDenied,
            OciError::Unreachable { .. } => Code::RegistryUnreachable,
            OciError::NotFound { .. }
            | OciError::Failed { .. }
            | OciError::ContentInvalid { .. } => Code::RegistryFailed,
            OciError::DiskFull { .. } | OciError::InsufficientSpace { .. } => Code::DiskFull,
            OciError::FileChanged { .. } => Code::FileChanged,
            OciError::LayerInvalid { .. } => Code::BuildFailed,
            OciError::Io { .. } | OciError::Options(_) | OciError::Cancelled => Code::Internal,
        };
        let mut failure = Self::new(code, error.to_string(), error.hint());
        failure.retryable = error.retryable();
        failure.required_action = required_action(&error).map(Box::new);
        if let Some(source) = std::error::Error::source(&error) {
            failure = failure.caused_by(source);
        }
        failure
    }
}

fn required_action(error: &OciError) -> Option<RequiredAction> {
    match error {
        OciError::Unauthorized { registry, .. } => Some(RequiredAction::SignIn {
            registry: registry.clone(),
        }),
        OciError::RealmUntrusted { registry, realm } => Some(RequiredAction::AllowAuthHost {
            registry: registry.clone(),
            auth_host: realm.clone(),
        }),
        _ => None,
    }
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        let code = match error {
            BuildError::Package(error) => return error.into(),
            BuildError::Oci(error) => return error.into(),
            BuildError::EngineUnavailable { .. } => Code::EngineUnavailable,
            BuildError::DataDirMissing { .. } | BuildError::DataDirDamaged { .. } => Code::Internal,
            BuildError::Target(_)
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

/// A failure to write `path`.
pub fn write_failure(path: &Path, error: &std::io::Error) -> Failure {
    let message = format!("{} can't be written", path.display());
    let failure = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Failure::new(
            Code::DiskFull,
            message,
            "Free some space, or choose a folder on another disk, and try again.",
        ),
        _ => Failure::new(
            Code::Internal,
            message,
            "Check that the folder exists and that you may write to it.",
        ),
    };
    failure.caused_by(error)
}

/// Runs blocking `work` on a thread for blocking calls.
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
    fn a_model_that_can_not_be_read_has_the_code_that_a_front_end_acts_on() {
        let io = |path: &str, kind: io::ErrorKind| ModelError::io(path, "read", kind.into());
        let path = || PathBuf::from("/models/cat.onnx");
        let reason = "cut off".to_owned();
        let (what, hint) = ("a pickle".to_owned(), "Export it.".to_owned());
        let missing = io::ErrorKind::NotFound;
        has(io("cat.onnx", missing), Code::ModelUnreadable, false);
        has(io("m/boxwright.toml", missing), Code::PackageInvalid, false);
        has(io("x", io::ErrorKind::StorageFull), Code::DiskFull, false);
        let damaged = ModelError::Unreadable {
            path: path(),
            reason,
        };
        has(damaged, Code::ModelUnreadable, false);
        let pickle = ModelError::Unsupported {
            path: path(),
            what,
            hint,
        };
        has(pickle, Code::ModelUnsupported, false);
    }

    #[test]
    fn a_workers_refusal_keeps_its_own_code() {
        let refused = WorkerError::Refused {
            code: "ShapeMismatch".into(),
            message: "m".into(),
            hint: "h".into(),
            causes: vec![],
            retryable: false,
        };
        has(refused, Code::ShapeMismatch, false);
    }

    #[test]
    fn a_registrys_error_has_the_code_that_a_front_end_acts_on() {
        let registry = || "localhost:5000".to_owned();
        let detail = || "it says no".to_owned();
        let (repository, what) = ("cat".to_owned(), "a layer".to_owned());
        let unauthorized = OciError::Unauthorized {
            registry: registry(),
            detail: detail(),
        };
        has(unauthorized, Code::RegistryUnauthorized, false);
        let denied = OciError::Denied {
            registry: registry(),
            repository,
            detail: detail(),
        };
        has(denied, Code::RegistryDenied, false);
        let unreachable = OciError::Unreachable {
            registry: registry(),
            detail: detail(),
        };
        has(unreachable, Code::RegistryUnreachable, true);
        let (registry, detail, retryable) = (registry(), detail(), true);
        let failed = OciError::Failed {
            registry,
            what,
            detail,
            retryable,
        };
        has(failed, Code::RegistryFailed, true);
        let path = PathBuf::from("/models/cat.onnx");
        has(
            OciError::DiskFull { path: path.clone() },
            Code::DiskFull,
            true,
        );
        has(OciError::FileChanged { path }, Code::FileChanged, true);
    }

    fn has(error: impl Into<Failure>, code: Code, retryable: bool) {
        let failure: Failure = error.into();
        let found = (failure.code, failure.retryable);
        assert_eq!(found, (code, retryable), "{failure:?}");
        assert!(!failure.message.is_empty(), "{failure:?}");
        assert!(!failure.hint.is_empty(), "{failure:?}");
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
