//! Boxwright's use cases, for any front end.
//!
//! [`preview`], [`archive`], [`publish`] and [`verify`] are the use cases: they take a request and a
//! [`job::JobHandle`], and know of no window. [`job_kinds`] makes jobs of them that can be stored
//! and started again. [`Studio`] is the window's state machine on top of them: it holds the open
//! [`document`], its samples and jobs, and emits an event for every change. Everything that crosses
//! to a front end is in [`api`]; every crate's errors become a [`Failure`] in [`errors`].

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]

pub mod api;
pub mod archive;
pub mod credentials;
pub mod directories;
pub mod doctor;
pub mod document;
pub mod errors;
pub mod example;
pub mod failure;
pub mod history;
pub mod image;
pub mod init;
pub mod job;
pub mod job_kinds;
pub mod json_file;
mod notebook_file;
pub mod preview;
pub mod publish;
pub mod python;
pub mod question;
pub mod recipe;
pub mod registry;
pub mod samples;
pub mod sidecar;
pub mod targets;
pub mod verify;
pub mod version;
pub mod worker_session;

mod studio;

pub use boxwright_build as build;
pub use boxwright_model as model;
pub use boxwright_oci as oci;
pub use boxwright_tensor as tensor;
pub use directories::Directories;
pub use failure::{Code, Failure, RequiredAction, Result, Stop};
pub use studio::Studio;
