//! What can go wrong, in words that a front end may show.

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
    /// More is about to be written than there is room for.
    #[error("{needed} bytes have to be written to {}, and there is room for {room}", path.display())]
    NoRoom {
        /// The folder.
        path: PathBuf,
        /// How many bytes are about to be written.
        needed: u64,
        /// How many may be.
        room: u64,
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
    /// The next step for a person.
    pub fn hint(&self) -> String {
        match self {
            Self::ReferenceInvalid {
                proposal: Some(proposal),
                ..
            } => {
                format!("use {proposal}")
            }
            Self::ReferenceInvalid { .. } => {
                "write it like registry.example.com/team/name:1.0".into()
            }
            Self::Unauthorized { registry, .. } => {
                format!("sign in to {registry} with a name and password (or token) that it knows")
            }
            Self::RealmUntrusted { registry, realm } => {
                format!(
                    "if you trust {realm} with the password, sign in to {registry} and allow it; \
                     otherwise use another registry"
                )
            }
            Self::Denied { .. } => {
                "check the repository's name, and that this account may write there".into()
            }
            Self::Unreachable { detail, .. } if detail.contains("certificate") => {
                "if its certificate is of your own making, give the file of the authority that signed it"
                    .into()
            }
            Self::Unreachable { registry, detail } if detail == NO_TLS => {
                format!("if {registry} is meant to be without encryption, name it as such")
            }
            Self::Unreachable { registry, .. } => {
                format!("check the name {registry} and the network")
            }
            Self::NotFound { .. } => "check the repository's name and the tag".into(),
            Self::Failed {
                retryable: true, ..
            } => "try again later".into(),
            Self::Failed { .. } | Self::ContentInvalid { .. } => {
                "ask whoever runs the registry, with this message".into()
            }
            Self::DiskFull { .. } | Self::NoRoom { .. } => "free some space, or choose another folder".into(),
            Self::FileChanged { .. } => {
                "leave the file alone while publishing, and start again".into()
            }
            Self::Io { .. } => "check that the path exists and that you may use it".into(),
            Self::LayerInvalid { .. } => "rename it".into(),
            Self::Options(_) | Self::Cancelled => String::new(),
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
                | Self::NoRoom { .. }
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

    /// An error of writing `path`: a full disk is told apart.
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

/// `text` from outside as it may be shown: no control or direction characters, one line, at most
/// 300 characters.
pub(crate) fn shown(text: &str) -> String {
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
        assert_eq!(shown("a\x1b[31m\n b\u{202e}c\0"), "a[31m bc");
        let long = shown(&"x".repeat(10_000));
        assert_eq!(long.chars().count(), 301);
    }

    #[test]
    fn a_full_disk_is_told_apart() {
        let full = Error::write(Path::new("/x"), io::ErrorKind::StorageFull.into());
        assert!(matches!(full, Error::DiskFull { .. }));
        let other = Error::write(Path::new("/x"), io::ErrorKind::PermissionDenied.into());
        assert!(matches!(other, Error::Io { .. }));
    }
}
