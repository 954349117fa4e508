use std::path::PathBuf;

/// What can go wrong while a model or a package is read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be opened, read or written.
    #[error("{} can't be {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried, as a participle: `read`, `written`.
        action: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file claims to be a model and is damaged.
    #[error("{} can't be read as a model: {reason}", path.display())]
    Unreadable {
        /// The model file.
        path: PathBuf,
        /// What is wrong, and where.
        reason: String,
    },
    /// The file was recognised and is not a model that runs here.
    #[error("{} is {what}", path.display())]
    Unsupported {
        /// The model file.
        path: PathBuf,
        /// What it is, in words.
        what: String,
        /// The next step; for a training format, the lines of Python that export it to ONNX.
        hint: String,
    },
    /// The package file, or a file that it names, is not acceptable.
    #[error("{}{}: {reason}", path.display(), line.map(|l| format!(" line {l}")).unwrap_or_default())]
    Package {
        /// The package file.
        path: PathBuf,
        /// 1-based line, where one is to blame.
        line: Option<usize>,
        /// The dotted path of the field to blame, where it is one.
        field: Option<String>,
        /// What is wrong.
        reason: String,
        /// The next step.
        hint: String,
    },
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An [`Error::Io`] for `path`.
    pub fn io(path: impl Into<PathBuf>, action: &'static str, source: std::io::Error) -> Self {
        Self::Io {
            path: path.into(),
            action,
            source,
        }
    }
}
