//! The frames of the worker protocol on stdin and stdout, and the host that starts, feeds, cancels
//! and replaces workers.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]

pub mod frame;
pub mod message;

mod error;
mod host;
mod pipe;
mod process;

pub use error::WorkerError;
pub use frame::{Frame, FrameError, Limits};
pub use host::{FromWorkerResult, Hello, Load, Loaded, Worker};
pub use message::{FromWorker, Header, Item, ToWorker, VERSION, Want};
pub use process::WorkerCommand;
