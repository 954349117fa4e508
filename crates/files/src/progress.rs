//! Where long work reports its progress, without knowing who shows it.

/// Takes progress. Implementations must be quick: they are called from copying loops.
pub trait Progress: Send + Sync {
    /// `item` (a layer's digest, a target or a file) within `stage` is at `done` of `total` bytes.
    fn bytes(&self, stage: &str, item: &str, done: u64, total: Option<u64>);
    /// `item` exists already: none of its `total` bytes have to be sent.
    fn reused(&self, stage: &str, item: &str, total: u64);
    /// A line for the log. Never a secret.
    fn log(&self, level: Level, text: &str);
}

/// The severity of a line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Of interest.
    Info,
    /// Something that the user may have to act on.
    Warn,
}

/// Discards all progress.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn bytes(&self, _: &str, _: &str, _: u64, _: Option<u64>) {}
    fn reused(&self, _: &str, _: &str, _: u64) {}
    fn log(&self, _: Level, _: &str) {}
}
