//! Predicting samples with the program that ships in the image.

mod live;
mod outcome;
mod output;
mod run;
mod samples;
mod spool;

pub(crate) use live::{LivePreview, PendingRun, PreviewDelegate};
pub use outcome::outcome;
pub use output::{Header, ModelIdentity, write_document, write_result};
pub use run::{PreviewRequest, STAGES, no_readable_sample, run, sample_error};
pub(crate) use samples::{PreviewSamples, SampleUpdate, whole_outcome};
pub(crate) use spool::{SpoolFile, SpoolKind};
