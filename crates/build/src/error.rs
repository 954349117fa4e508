use std::path::PathBuf;

use boxwright_oci::Platform;

use crate::{Target, TargetError};

/// What can keep an image from being built.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A target that is unknown, or none at all.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// What the target needs is not part of this Boxwright.
    #[error("{target} can't be built: {needs}")]
    TargetUnavailable {
        /// The target.
        target: Target,
        /// What it needs, as a sentence's second half.
        needs: String,
    },
    /// There is no share folder.
    #[error(
        "Boxwright's share folder was not found: looked for {}",
        listed(looked)
    )]
    DataDirMissing {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// A file of the share folder is missing or damaged.
    #[error("{} {reason}", path.display())]
    DataDirDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, as a sentence's second half.
        reason: String,
    },
    /// Docker Engine does not answer, or can't do this.
    #[error("Docker Engine can't be used: {reason}")]
    EngineUnavailable {
        /// Why not.
        reason: String,
    },
    /// The base image that the user named can't be used.
    #[error("{base} can't be the base for {platform}: {reason}")]
    BaseUnusable {
        /// The reference as it was given.
        base: String,
        /// The platform that it was wanted for.
        platform: Platform,
        /// Why not.
        reason: String,
    },
    /// The variable `SOURCE_DATE_EPOCH` is set, and not to a time.
    #[error("SOURCE_DATE_EPOCH is {given:?}, which is no number of seconds since 1970")]
    EpochInvalid {
        /// Its value.
        given: String,
    },
    /// The package or a file of it.
    #[error(transparent)]
    Package(#[from] boxwright_model::Error),
    /// A layer, a registry or an archive.
    #[error(transparent)]
    Oci(#[from] boxwright_oci::Error),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The next step for a person.
    pub fn hint(&self) -> String {
        match self {
            Self::Target(error) => error.hint(),
            Self::TargetUnavailable { target, .. } if !target.is_gpu() => {
                "Install Boxwright again, or build its share folder with `cargo xtask dist`.".into()
            }
            Self::TargetUnavailable { .. } => {
                "Leave it out: a CPU image runs on machines with a GPU too.".into()
            }
            Self::DataDirMissing { .. } | Self::DataDirDamaged { .. } => {
                "Install Boxwright again, or build its share folder with `cargo xtask dist` and \
                 name it in BOXWRIGHT_HOME."
                    .into()
            }
            Self::EngineUnavailable { .. } => {
                "Use the embedded builder, which needs no Docker: `--builder embedded`.".into()
            }
            Self::BaseUnusable { .. } => {
                "Name another base image, with glibc 2.34 and libstdc++ or newer, or none.".into()
            }
            Self::EpochInvalid { .. } => "Correct the variable, or unset it.".into(),
            Self::Package(boxwright_model::Error::Package { hint, .. })
            | Self::Package(boxwright_model::Error::Unsupported { hint, .. }) => hint.clone(),
            Self::Package(_) => "Check that the file exists and that you may read it.".into(),
            Self::Oci(error) => error.hint(),
        }
    }

    /// Whether the same request may succeed later, unchanged.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Oci(error) => error.retryable(),
            _ => false,
        }
    }

    /// Whether the caller stopped it: an outcome rather than an error.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Oci(boxwright_oci::Error::Cancelled))
    }
}

fn listed(paths: &[PathBuf]) -> String {
    let shown: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    shown.join(", ")
}
