//! Boxwright's use cases, for any front end.

pub mod api;
pub mod failure;

pub use failure::{Code, Failure};
