//! Everything that crosses to a front end, as plain data. The TypeScript in `ui/src/generated`
//! is made from these types; a test fails when it is stale.
//!
//! No path of a file crosses: pictures and documents are opaque ids, names are for showing.

mod document;
mod job;
mod preview;
mod question;
mod recipe;
mod report;
mod window;

pub use document::*;
pub use job::*;
pub use preview::*;
pub use question::*;
pub use recipe::*;
pub use report::*;
pub use window::*;
