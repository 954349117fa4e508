//! The parameters of a job of any kind.

use serde::{Deserialize, Serialize};

use super::build::BuildJob;
use super::context::Context;
use super::list::for_each_job_kind;
use super::parameters::JobParameters;
use super::publish::PublishJob;
use super::verify::VerifyJob;
use crate::api::{JobKind, JobResult};
use crate::failure::Stop;
use crate::job::JobHandle;

macro_rules! define_request {
    ($($(#[$doc:meta])* $kind:ident($parameters:ident) -> $result:ident;)*) => {
        /// The parameters of a job of any kind.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all = "kebab-case")]
        pub enum JobRequest {
            $($(#[$doc])* $kind($parameters),)*
        }

        impl JobRequest {
            /// The kind of job.
            pub fn kind(&self) -> JobKind {
                match self {
                    $(Self::$kind(_) => JobKind::$kind,)*
                }
            }

            /// As [`JobParameters::title`].
            pub fn title(&self) -> String {
                match self {
                    $(Self::$kind(parameters) => parameters.title(),)*
                }
            }

            /// As [`JobParameters::stages`].
            pub fn stages(&self) -> &'static [&'static str] {
                match self {
                    $(Self::$kind(parameters) => parameters.stages(),)*
                }
            }

            /// As [`JobParameters::run`].
            ///
            /// # Errors
            /// As [`JobParameters::run`].
            pub async fn run(&self, context: &Context, job: &JobHandle) -> Result<JobResult, Stop> {
                match self {
                    $(Self::$kind(parameters) => {
                        parameters.run(context, job).await.map(JobResult::$kind)
                    })*
                }
            }
        }
    };
}

for_each_job_kind!(define_request);
