//! OCI images and registries; knows nothing of models.
//!
//! An image is layers and JSON. [`layer`] makes the layers (deterministic tars that are computed
//! while they are read, never stored), [`image`] puts them under one tag, [`registry`] pushes
//! and pulls them, [`archive`] writes them into one file, and [`unpack`] unpacks them as a root
//! file system.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]

pub mod archive;
mod blob;
mod config;
mod digest;
mod digest_cache;
mod error;
pub mod image;
pub mod layer;
mod manifest;
pub mod media_type;
mod platform;
mod reference;
pub mod registry;
mod segment;
pub mod stage;
mod tar_header;
mod tar_plan;
pub mod unpack;

pub use blob::{Blob, BlobReader, BlobSource};
pub use config::{Healthcheck, History, ImageConfig, Process, RootFs};
pub use digest::{Digest, Hasher};
pub use error::{Error, Result};
pub use image::{Image, ImageSet};
pub use layer::Layer;
pub use manifest::{Descriptor, Document, Index, Manifest};
pub use platform::Platform;
pub use reference::{Reference, check_registry};
pub use tar_plan::{FileSource, TarPlan, TarPlanBuilder};
