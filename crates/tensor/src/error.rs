/// Why tensors can't be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A file of tensors can't be read.
    #[error("{0}")]
    Unreadable(String),
    /// A tensor has another name, shape or data type than the model takes or gives.
    #[error("{0}")]
    Mismatch(String),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Names for a message.
pub(crate) fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
