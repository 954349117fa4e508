//! How long work is watched and stopped, without knowing by whom.

/// Where progress goes. Implementations must be quick: they are called from the copying loops.
pub trait Progress: Send + Sync {
    /// `item` (a layer's digest, a target or a file) within `stage` stands at `done` of `total` bytes.
    fn bytes(&self, stage: &str, item: &str, done: u64, total: Option<u64>);
    /// `item` was there already: none of its `total` bytes have to be sent.
    fn reused(&self, stage: &str, item: &str, total: u64);
    /// A line for the log. Never a secret.
    fn log(&self, level: Level, text: &str);
}

/// How much a line of the log matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Of interest.
    Info,
    /// Something that the user may have to act on.
    Warn,
}

/// Progress that nobody watches.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn bytes(&self, _: &str, _: &str, _: u64, _: Option<u64>) {}
    fn reused(&self, _: &str, _: &str, _: u64) {}
    fn log(&self, _: Level, _: &str) {}
}

/// The names of this crate's stages.
pub mod stage {
    /// Layers are hashed; the item is the layer's label.
    pub const HASH: &str = "hash";
    /// An archive is written; the item is a blob's digest.
    pub const ARCHIVE: &str = "archive";
    /// Blobs are sent to a registry; the item is a blob's digest.
    pub const PUSH: &str = "push";
    /// Blobs are fetched from a registry; the item is a blob's digest.
    pub const PULL: &str = "pull";
}
