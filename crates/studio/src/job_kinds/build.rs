//! Jobs that build an archive.

use std::path::PathBuf;

use boxwright_oci::Reference;
use serde::{Deserialize, Serialize};

use super::context::Context;
use super::image_source::ImageSource;
use super::parameters::JobParameters;
use crate::api::Report;
use crate::archive::{WRITE, build_archive};
use crate::failure::Stop;
use crate::image::{BUILD, PLAN};
use crate::job::JobHandle;

/// Builds images into an archive.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildJob {
    /// What is built.
    pub source: ImageSource,
    /// The image's name inside the archive; the package's where absent.
    pub tag: Option<Reference>,
    /// The archive's file.
    pub output: PathBuf,
}

impl BuildJob {
    /// The stages.
    pub const STAGES: [&str; 3] = [PLAN, BUILD, WRITE];
}

impl JobParameters for BuildJob {
    type Output = Report;

    fn title(&self) -> String {
        let name = self.output.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    fn stages(&self) -> &'static [&'static str] {
        &Self::STAGES
    }

    async fn run(&self, context: &Context, job: &JobHandle) -> Result<Report, Stop> {
        let build = job.or_cancelled(self.source.build_request(context)).await?;
        let tag = self.tag.as_ref();
        let report = build_archive(&context.data_dir, &build, tag, &self.output, job).await?;
        self.source.add_to_history(context, &report);
        Ok(report)
    }
}
