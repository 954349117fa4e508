//! Renders what runs a published image elsewhere: so far, a `docker run` command.

#![cfg_attr(test, allow(clippy::expect_used, reason = "a test may fail"))]

mod docker;
mod published;

pub use docker::docker_run;
pub use published::{PublishedImage, PublishedPlatform};
