//! What went wrong, as every front end shows it.

use serde::{Deserialize, Serialize};

/// A failure: what happened to which thing, why, and the next step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[error("{message}")]
pub struct Failure {
    /// What a front end may act on.
    pub code: Code,
    /// What happened to which thing.
    pub message: String,
    /// The next step.
    pub hint: String,
    /// What led to it, outermost first.
    pub causes: Vec<String>,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

/// The contract's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum Code {
    ModelUnreadable,
    ModelUnsupported,
    PackageInvalid,
    SampleUnreadable,
    ShapeMismatch,
    DeviceUnavailable,
    WorkerLost,
    ReferenceInvalid,
    RegistryUnauthorized,
    RegistryDenied,
    RegistryUnreachable,
    RegistryFailed,
    TagExists,
    BuildFailed,
    EngineUnavailable,
    ProofDiffers,
    DiskFull,
    FileChanged,
    Internal,
}
