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
    /// The next version that nothing is published under, where a tag is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_version: Option<String>,
    /// What the user has to do for a registry, for a front end with its own hint for it.
    #[serde(skip)]
    pub required_action: Option<Box<RequiredAction>>,
}

/// What the user has to do for a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequiredAction {
    /// Sign in with a name and a password.
    SignIn {
        /// Host and port.
        registry: String,
    },
    /// Allow a token server on another host to get the password.
    AllowAuthHost {
        /// Host and port.
        registry: String,
        /// Host and port of the token server.
        auth_host: String,
    },
}

impl Failure {
    /// A failure without causes that would happen again.
    pub fn new(code: Code, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            hint: hint.into(),
            causes: Vec::new(),
            retryable: false,
            free_version: None,
            required_action: None,
        }
    }

    /// A fault of the program or its environment.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(
            Code::Internal,
            message,
            "Try again; if it happens again, report it.",
        )
    }

    /// Adds `error` and what led to it.
    pub fn caused_by(mut self, error: &(dyn std::error::Error + 'static)) -> Self {
        let mut next = Some(error);
        while let Some(cause) = next {
            let text = cause.to_string();
            // Texts that repeat the previous cause or are part of the message are left out.
            if self.causes.last() != Some(&text) && !self.message.contains(&text) {
                self.causes.push(text);
            }
            next = cause.source();
        }
        self
    }

    /// Marks the failure as one after which the same request may succeed later.
    pub fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }
}

/// The contract's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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

impl Code {
    /// Every code.
    pub const ALL: [Self; 19] = [
        Self::ModelUnreadable,
        Self::ModelUnsupported,
        Self::PackageInvalid,
        Self::SampleUnreadable,
        Self::ShapeMismatch,
        Self::DeviceUnavailable,
        Self::WorkerLost,
        Self::ReferenceInvalid,
        Self::RegistryUnauthorized,
        Self::RegistryDenied,
        Self::RegistryUnreachable,
        Self::RegistryFailed,
        Self::TagExists,
        Self::BuildFailed,
        Self::EngineUnavailable,
        Self::ProofDiffers,
        Self::DiskFull,
        Self::FileChanged,
        Self::Internal,
    ];

    /// The code of this name, as a worker sends it; [`Code::Internal`] for any other.
    pub fn named(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|code| code.to_string() == name)
            .unwrap_or(Self::Internal)
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The variants' names are the codes.
        write!(f, "{self:?}")
    }
}

/// The result of a use case.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a use case has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It was asked to stop.
    Cancelled,
    /// It failed.
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_by_the_name_under_which_it_is_serialised() {
        for code in Code::ALL {
            let json = serde_json::to_value(code).expect("serialised");
            assert_eq!(json, serde_json::Value::String(code.to_string()));
            assert_eq!(Code::named(&code.to_string()), code);
        }
        assert_eq!(Code::named("Nonsense"), Code::Internal);
    }

    #[test]
    fn causes_are_listed_outermost_first_and_never_twice_in_a_row() {
        #[derive(Debug, thiserror::Error)]
        #[error("{0}")]
        struct Layered(&'static str, #[source] Option<Box<Layered>>);
        let inner = Layered("disk", None);
        let same = Layered("disk", Some(Box::new(inner)));
        let outer = Layered("file", Some(Box::new(same)));
        let failure = Failure::internal("it").caused_by(&outer);
        assert_eq!(failure.causes, ["file", "disk"]);
        let failure = Failure::internal("the file is gone").caused_by(&outer);
        assert_eq!(failure.causes, ["disk"]);
    }
}
