//! What this program's functions fail with.

/// A value, or a sentence for the person who ran the program.
pub type Result<T = ()> = std::result::Result<T, String>;
