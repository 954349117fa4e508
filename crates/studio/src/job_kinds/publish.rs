//! Jobs that publish to a registry.

use boxwright_oci::Reference;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::image_source::ImageSource;
use super::parameters::JobParameters;
use crate::api::Report;
use crate::failure::Stop;
use crate::image::{BUILD, PLAN};
use crate::job::{JobHandle, PUSH};
use crate::publish::{PublishRequest, publish};
use crate::samples::SampleFile;
use crate::verify::{PROVE, PULL};

/// Builds images and pushes them, and verifies what was pushed where samples are given.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishJob {
    /// What is built.
    pub source: ImageSource,
    /// Where to; under the package's version where no tag is named.
    pub to: Reference,
    /// Replace a tag that names another digest.
    pub replace: bool,
    /// The samples to verify it with; it is not verified where absent.
    pub samples: Option<Vec<SampleFile>>,
}

impl PublishJob {
    /// The stages of a job that verifies the image or not.
    pub fn stages_for(verified: bool) -> &'static [&'static str] {
        match verified {
            true => &[PLAN, BUILD, PUSH, PULL, PROVE],
            false => &[PLAN, BUILD, PUSH],
        }
    }
}

impl JobParameters for PublishJob {
    type Output = Report;

    fn title(&self) -> String {
        self.to.to_string()
    }

    fn stages(&self) -> &'static [&'static str] {
        Self::stages_for(self.samples.is_some())
    }

    async fn run(&self, context: &Context, job: &JobHandle) -> Result<Report, Stop> {
        let build = job.or_cancelled(self.source.build_request(context)).await?;
        let client = job.or_cancelled(context.client(self.to.registry())).await?;
        let request = PublishRequest {
            build,
            to: self.to.clone(),
            replace: self.replace,
            samples: self.samples.clone(),
            max_pixels: context.max_pixels,
            client,
        };
        let report = publish(&context.data_dir, &request, job).await?;
        self.source.add_to_history(context, &report);
        Ok(report)
    }
}
