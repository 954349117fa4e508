//! The names of this crate's stages of progress.

/// Layers are hashed; the item is the layer's label.
pub const HASH: &str = "hash";
/// An archive is written; the item is a blob's digest.
pub const ARCHIVE: &str = "archive";
/// Blobs are sent to a registry; the item is a blob's digest.
pub const PUSH: &str = "push";
/// Blobs are fetched from a registry; the item is a blob's digest.
pub const PULL: &str = "pull";
