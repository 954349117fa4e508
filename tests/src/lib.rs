//! What the tests share: the programs under test, and the real things around them. A registry,
//! Docker Engine, a display, a keychain and a browser driver are started for one test, each as a
//! process of its own, and ended by their process id when the test ends.
//!
//! What is missing on a machine is [`Missing`], and a test that needs it says so aloud and is
//! left out: see [`need!`].

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "everything here is a test's: a panic is its report"
)]

pub mod binfmt;
pub mod certificate;
pub mod command;
pub mod display;
pub mod engine;
pub mod exported_models;
pub mod grpc;
pub mod image;
pub mod keychain;
pub mod missing;
pub mod modules;
pub mod onnx;
pub mod parity;
pub mod picture;
pub mod programs;
pub mod registry;
pub mod report;
pub mod sandbox;
pub mod server;
pub mod serving;
pub mod task_models;
pub mod tokens;
pub mod venv;
pub mod wait;
pub mod webdriver;
pub mod x11;
pub mod xdnd;

pub use command::{Command, Run};
pub use missing::Missing;
pub use sandbox::Sandbox;
