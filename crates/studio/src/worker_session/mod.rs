//! Predicting samples with a worker: the one loop that preview, live preview and verification use.

mod batch;
mod options;
mod session;

pub use batch::{SampleRequest, Transport};
pub use options::RunOptions;
pub use session::{Completion, PredictEvent, WorkerSession, add_timing};
