//! The error type of this crate; its texts may be shown to users.

use std::io;
use std::path::{Path, PathBuf};

/// The detail of [`Error::Unreachable`] for a registry that answers without TLS.
pub(crate) const NO_TLS: &str = "it does not speak TLS";

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, with which thing. Text from a registry is in it as plain text: short, and
/// without control characters.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Text that is no image reference.
    #[error("{given:?} is no image reference: {reason}")]
    ReferenceInvalid {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: String,
        /// A reference that would be accepted, near to what was given.
        proposal: Option<String>,
    },
    /// Text that names no registry.
    #[error("{given:?} is no registry: {reason}")]
    RegistryInvalid {
        /// What was given.
        given: String,
        /// What is wrong with it.
        reason: &'static str,
        /// What would be accepted, near to what was given.
        proposal: Option<String>,
    },
    /// The registry wants (another) user name and password.
    #[error("{registry} did not accept the sign-in: {detail}")]
    Unauthorized {
        /// The registry's host.
        registry: String,
        /// The registry's answer.
        detail: String,
    },
    /// The registry names a token server that has no visible relation to it, so it got no password.
    #[error("{registry} asks for the password to be sent to {realm}, which does not belong to it")]
    RealmUntrusted {
        /// The registry's host.
        registry: String,
        /// Host and port of the token server, as `ClientOptions::trusted_realms` takes it.
        realm: String,
    },
    /// Signed in, but not allowed.
    #[error("{registry} does not allow this in {repository}: {detail}")]
    Denied {
        /// The registry's host.
        registry: String,
        /// The repository there.
        repository: String,
        /// The registry's answer.
        detail: String,
    },
    /// No connection, after every attempt.
    #[error("{registry} cannot be reached: {detail}")]
    Unreachable {
        /// The registry's host.
        registry: String,
        /// Why not.
        detail: String,
    },
    /// The registry does not have it.
    #[error("{registry} has no {what} in {repository}")]
    NotFound {
        /// The registry's host.
        registry: String,
        /// The repository there.
        repository: String,
        /// `tag 1.0`, `manifest sha256:…`.
        what: String,
    },
    /// The registry answered with an error, or with nonsense.
    #[error("{registry} failed on {what}: {detail}")]
    Failed {
        /// The registry's host.
        registry: String,
        /// The repository and what was being done.
        what: String,
        /// The status and the registry's own text.
        detail: String,
        /// Whether the same may succeed later.
        retryable: bool,
    },
    /// Content is not what its digest, size or media type says.
    #[error("{what}: {detail}")]
    ContentInvalid {
        /// Which content.
        what: String,
        /// What is wrong with it.
        detail: String,
    },
    /// No room left where this was being written.
    #[error("the disk is full: {} could not be written", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// More is about to be written than fits on the disk.
    #[error("{needed} bytes have to be written to {}, and there is room for {available}", path.display())]
    InsufficientSpace {
        /// The folder.
        path: PathBuf,
        /// How many bytes are about to be written.
        needed: u64,
        /// How many may be.
        available: u64,
    },
    /// A file is no longer what was hashed.
    #[error("{} changed while it was being packaged", path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read or written.
    #[error("{action} {}: {source}", path.display())]
    Io {
        /// `cannot read`, `cannot write`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// What was asked for cannot be put into an image.
    #[error("{what} cannot be put into a layer: {reason}")]
    LayerInvalid {
        /// The path in the layer.
        what: String,
        /// Why not.
        reason: String,
    },
    /// The client's own options are wrong.
    #[error("{0}")]
    Options(String),
    /// Stopped, because the caller asked for it: an outcome rather than an error.
    #[error("cancelled")]
    Cancelled,
}

impl Error {
    /// The next step for a person, in a sentence; empty where there is none.
    pub fn hint(&self) -> String {
        match self {
            Self::ReferenceInvalid { proposal, .. } => match proposal {
                Some(proposal) => format!("Use {proposal} instead."),
                None => "Write it like registry.example.com/team/name:1.0, for instance.".into(),
            },
            Self::RegistryInvalid { proposal, .. } => match proposal {
                Some(proposal) => format!("Use {proposal} instead."),
                None => "Write a host, with its port where that is not the usual one: ghcr.io or \
                         localhost:5000, for instance."
                    .into(),
            },
            Self::Unauthorized { registry, .. } => {
                format!("Sign in to {registry} with a name and password (or token) that it knows.")
            }
            Self::RealmUntrusted { registry, realm } => format!(
                "If you trust {realm} with the password, sign in to {registry} and allow it; \
                 otherwise use another registry."
            ),
            Self::Unreachable { registry, detail } => unreachable_hint(registry, detail),
            Self::Failed { retryable, .. } if *retryable => "Try again later.".into(),
            other => other.plain_hint().into(),
        }
    }

    /// A hint that says the same whatever the thing is called.
    fn plain_hint(&self) -> &'static str {
        match self {
            Self::Denied { .. } => {
                "Check the repository's name, and that this account may write there."
            }
            Self::NotFound { .. } => "Check the repository's name and the tag.",
            Self::Failed { .. } | Self::ContentInvalid { .. } => {
                "Ask whoever runs the registry, with this message."
            }
            Self::DiskFull { .. } | Self::InsufficientSpace { .. } => {
                "Free some space, or choose another folder."
            }
            Self::FileChanged { .. } => "Leave the file alone while publishing, and start again.",
            Self::Io { .. } => "Check that the path exists and that you may use it.",
            Self::LayerInvalid { .. } => "Give it another name.",
            _ => "",
        }
    }

    /// Whether the same request may succeed later, unchanged.
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Failed {
                    retryable: true,
                    ..
                }
                | Self::DiskFull { .. }
                | Self::InsufficientSpace { .. }
                | Self::FileChanged { .. }
                | Self::Cancelled
        )
    }

    /// An error of reading `path`.
    pub(crate) fn read(path: &Path, source: io::Error) -> Self {
        Self::Io {
            action: "cannot read",
            path: path.to_owned(),
            source,
        }
    }

    /// An error of writing `path`; a full disk is an error of its own.
    pub(crate) fn write(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull {
                path: path.to_owned(),
            },
            _ => Self::Io {
                action: "cannot write",
                path: path.to_owned(),
                source,
            },
        }
    }
}

fn unreachable_hint(registry: &str, detail: &str) -> String {
    if detail.contains("certificate") {
        "If its certificate is of your own making, give the file of the authority that signed it."
            .into()
    } else if detail == NO_TLS {
        format!("If {registry} is meant to be without encryption, name it as such.")
    } else {
        format!("Check the name {registry} and the network.")
    }
}

/// `text` from outside, safe to print: no control or direction characters, one line, at most
/// 300 characters.
pub(crate) fn printable(text: &str) -> String {
    const LONGEST: usize = 300;
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut clean = words
        .chars()
        .filter(|c| !c.is_control() && !turns_direction(*c));
    let mut kept: String = clean.by_ref().take(LONGEST).collect();
    if clean.next().is_some() {
        kept.push('…');
    }
    kept
}

fn turns_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_short_and_tame() {
        assert_eq!(printable("a\x1b[31m\n b\u{202e}c\0"), "a[31m bc");
        let long = printable(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), 301);
    }

    fn text() -> String {
        "localhost:5000".to_owned()
    }

    fn names(proposal: Option<String>) -> [Error; 2] {
        [
            Error::ReferenceInvalid {
                given: text(),
                reason: text(),
                proposal: proposal.clone(),
            },
            Error::RegistryInvalid {
                given: text(),
                reason: "it is empty",
                proposal,
            },
        ]
    }

    fn answers() -> [Error; 5] {
        let (registry, repository, detail) = (text(), text(), text());
        let denied = Error::Denied {
            registry,
            repository,
            detail,
        };
        let (registry, realm) = (text(), text());
        let strange = Error::RealmUntrusted { registry, realm };
        let (registry, detail) = (text(), text());
        let unauthorized = Error::Unauthorized { registry, detail };
        let (registry, repository, what) = (text(), text(), text());
        let absent = Error::NotFound {
            registry,
            repository,
            what,
        };
        let (what, detail) = (text(), text());
        let invalid = Error::ContentInvalid { what, detail };
        [denied, strange, unauthorized, absent, invalid]
    }

    fn files() -> [Error; 5] {
        let path = PathBuf::from("/x");
        let (what, reason) = (text(), text());
        [
            Error::read(&path, io::ErrorKind::NotFound.into()),
            Error::LayerInvalid { what, reason },
            Error::DiskFull { path: path.clone() },
            Error::FileChanged { path: path.clone() },
            Error::InsufficientSpace {
                path,
                needed: 2,
                available: 1,
            },
        ]
    }

    #[test]
    fn every_hint_is_a_sentence() {
        let failed = |retryable| Error::Failed {
            registry: text(),
            what: text(),
            detail: text(),
            retryable,
        };
        let unreachable = |detail: &str| Error::Unreachable {
            registry: text(),
            detail: detail.to_owned(),
        };
        let details = ["refused", NO_TLS, "a certificate"].map(unreachable);
        let errors = names(Some("localhost:5000/a".into()))
            .into_iter()
            .chain(names(None))
            .chain(answers())
            .chain(files())
            .chain(details)
            .chain([failed(false), failed(true)]);
        for error in errors {
            let hint = error.hint();
            let first = hint.chars().next().unwrap_or_default();
            let is_sentence = first.is_uppercase() && hint.ends_with('.');
            assert!(is_sentence, "{error}: {hint:?}");
        }
    }

    #[test]
    fn a_full_disk_is_an_error_of_its_own() {
        let full = Error::write(Path::new("/x"), io::ErrorKind::StorageFull.into());
        assert!(matches!(full, Error::DiskFull { .. }));
        let other = Error::write(Path::new("/x"), io::ErrorKind::PermissionDenied.into());
        assert!(matches!(other, Error::Io { .. }));
    }
}
