//! What measurements fail with.

/// Why a measurement could not be made.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;
