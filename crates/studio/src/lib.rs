//! Boxwright's use cases, for any front end.

pub mod api;
pub mod failure;
mod studio;

pub use failure::{Code, Failure};
pub use studio::{Result, Studio};
