//! A job: a kind, named stages, progress in real units, a log, cancel, and one outcome. The kinds
//! are in [`crate::job_kinds`].

mod event;
mod handle;
mod stage_progress;
mod state;

pub use event::{JobChange, JobEvent};
pub use handle::{JobHandle, JobObserver};
pub use stage_progress::StageProgress;
pub use state::PUSH;
