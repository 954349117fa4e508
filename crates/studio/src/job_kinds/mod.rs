//! The kinds of jobs. A new kind is a file here (its parameters, its stages, its work) and a line in
//! [`list`].

mod build;
mod context;
mod image_source;
pub(crate) mod list;
mod parameters;
pub mod persisted;
mod publish;
mod request;
mod verify;

pub use build::BuildJob;
pub use context::Context;
pub use image_source::ImageSource;
pub use parameters::JobParameters;
pub use publish::PublishJob;
pub use request::JobRequest;
pub use verify::VerifyJob;
