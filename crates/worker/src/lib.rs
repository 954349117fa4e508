//! The frames that a worker speaks on stdin and stdout, and the side that starts, feeds, cancels
//! and replaces workers.

pub mod frame;
pub mod message;

pub use frame::{Frame, FrameError, Limits};
pub use message::{FromWorker, ToWorker, VERSION};
