//! Builds images of packages, without Docker.
//!
//! [`Target`]s are what a user ticks, [`DataDir`] (the share folder) holds the base and runtime
//! layers that come with Boxwright and the [`Catalogue`] of them. [`plan()`] checks that what was asked for can be had;
//! [`build()`] puts base, runtime, model and package layers under their tags. [`docker`] runs what was
//! published, for the proof.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")
)]

mod base;
mod build;
mod cache;
mod catalogue;
mod data_dir;
pub mod docker;
mod error;
mod image;
mod layers;
mod plan;
mod target;

pub use build::{Builder, BuiltImage, BuiltTag, build};
pub use catalogue::{Catalogue, Component, Kind, Program, Source};
pub use data_dir::DataDir;
pub use error::{Error, Result};
pub use plan::{BuildPlan, PlanOptions, plan};
pub use target::{Target, TargetError};

/// The name of this crate's stage, in which a base image that the user named is fetched.
pub const STAGE_BASE: &str = "base";
