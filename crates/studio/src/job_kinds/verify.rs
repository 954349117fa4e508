//! Jobs that verify a published image.

use std::path::PathBuf;

use boxwright_model::{LoadedPackage, Package};
use boxwright_oci::Reference;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::parameters::JobParameters;
use crate::api::Report;
use crate::errors::blocking;
use crate::failure::Stop;
use crate::job::JobHandle;
use crate::samples::SampleFile;
use crate::verify::{self, PROVE, PULL, VerifyRequest};

/// Pulls a published image, runs it, and compares its predictions with the preview's.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VerifyJob {
    /// What was published.
    pub reference: Reference,
    /// The folder of the package that it was built from.
    pub root: PathBuf,
    /// That package.
    pub package: Package,
    /// The samples.
    pub samples: Vec<SampleFile>,
}

impl VerifyJob {
    /// The stages.
    pub const STAGES: [&str; 2] = [PULL, PROVE];
}

impl JobParameters for VerifyJob {
    type Output = Report;

    fn title(&self) -> String {
        self.reference.to_string()
    }

    fn stages(&self) -> &'static [&'static str] {
        &Self::STAGES
    }

    async fn run(&self, context: &Context, job: &JobHandle) -> Result<Report, Stop> {
        let (package, root) = (self.package.clone(), self.root.clone());
        let loading = blocking(move || LoadedPackage::from_parts(package, &root));
        let package = job.or_cancelled(loading).await?;
        let client = context.client(self.reference.registry());
        let request = VerifyRequest {
            reference: self.reference.clone(),
            package,
            samples: self.samples.clone(),
            max_pixels: context.max_pixels,
            client: job.or_cancelled(client).await?,
            cache: context.directories.cache.clone(),
        };
        verify::run(&context.data_dir, &request, job).await
    }
}
