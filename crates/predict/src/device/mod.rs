//! What runs a model: one module a device.

mod session;
mod threads;

pub use session::runtime_version;
pub(crate) use session::{Session, datatype};
