//! Boxwright's use cases, for any front end.
//!
//! [`preview`], [`publish`] and [`verify`] are what the command line calls: they take a request
//! and a [`job::Running`], and know of no window. [`Studio`] is the window's state machine on top
//! of them: it holds the open [`document`], its samples and jobs, and tells whoever listens what
//! changed. Everything that crosses to a front end is in [`api`]; every crate's errors become a
//! [`Failure`] in one place, [`errors`].

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]

pub mod api;
pub mod beside;
pub mod credentials;
pub mod doctor;
pub mod document;
pub mod errors;
pub mod failure;
pub mod history;
pub mod init;
pub mod job;
pub mod places;
pub mod preview;
pub mod publish;
pub mod registry;
pub mod samples;
pub mod targets;
pub mod tensor;
pub mod verify;
pub mod version;

mod studio;
mod unfinished;

pub use boxwright_build as build;
pub use boxwright_model as model;
pub use boxwright_oci as oci;
pub use boxwright_tensor as tensors;
pub use failure::{Code, Failure, Stop, Wants};
pub use places::Places;
pub use studio::{Result, Studio};
