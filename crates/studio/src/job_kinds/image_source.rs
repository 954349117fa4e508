//! What an image is built from, as the parameters of a job.

use std::path::PathBuf;

use boxwright_build::{Builder, Target};
use boxwright_model::{LoadedPackage, Model, Package};
use boxwright_oci::Reference;
use boxwright_oci::registry::ClientOptions;
use serde::{Deserialize, Serialize};

use super::context::Context;
use crate::api::Report;
use crate::errors::blocking;
use crate::failure::Failure;
use crate::history;
use crate::image::BuildRequest;

/// What an image is built from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageSource {
    /// The package's folder.
    pub root: PathBuf,
    /// The package, with edits that are not saved.
    pub package: Package,
    /// The model's file.
    pub model: PathBuf,
    /// Where the image must run.
    pub targets: Vec<Target>,
    /// What builds it.
    pub builder: Builder,
    /// A base image in place of ours.
    pub base: Option<String>,
}

impl ImageSource {
    /// Reads the files that the package names, and prepares the build.
    ///
    /// # Errors
    /// If a file can't be read or is refused, or `base` is no reference.
    pub async fn build_request(&self, context: &Context) -> Result<BuildRequest, Failure> {
        let (package, model) = self.load().await?;
        let base_client = match &self.base {
            None => ClientOptions::default(),
            Some(base) => {
                let base: Reference = base.parse()?;
                context.client_options(base.registry()).await?
            }
        };
        Ok(BuildRequest {
            package,
            model,
            targets: self.targets.clone(),
            builder: self.builder,
            base: self.base.clone(),
            base_client,
            cache: context.directories.cache.clone(),
        })
    }

    async fn load(&self) -> Result<(LoadedPackage, Model), Failure> {
        let (package, root, model) = (self.package.clone(), self.root.clone(), self.model.clone());
        blocking(move || -> Result<_, Failure> {
            Ok((
                LoadedPackage::from_parts(package, &root)?,
                boxwright_model::inspect(&model)?,
            ))
        })
        .await
    }

    /// Adds what was built to the history. That it can't be written is logged, and does not fail
    /// the job.
    pub fn add_to_history(&self, context: &Context, report: &Report) {
        let identity = &self.package.package;
        let added = history::add_published(
            &context.directories,
            &identity.name,
            &identity.version,
            report,
        );
        if let Err(failure) = added {
            tracing::warn!(%failure, "the history can't be written");
        }
    }
}
