//! What every crate needs of the file system, and nothing of what the files hold.
//!
//! [`AtomicFile`] writes files that are complete or absent, [`FileStamp`] tells whether a file has
//! changed, [`disk`] measures free space, and [`Progress`] is where long work reports to.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may fail"))]

mod atomic;
pub mod disk;
mod progress;
mod stamp;

pub use atomic::{AtomicFile, WriteOptions};
pub use progress::{Level, Progress, Silent};
pub use stamp::FileStamp;
