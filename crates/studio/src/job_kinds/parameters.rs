//! What every kind of job implements.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::context::Context;
use crate::api::JobOutput;
use crate::failure::Stop;
use crate::job::JobHandle;

/// The parameters of a kind of job. They are written to a file while the job runs, so that it can
/// be started again after a crash; they hold no secret.
pub trait JobParameters: Clone + Serialize + DeserializeOwned + Send + Sync {
    /// What the job makes.
    type Output: JobOutput;

    /// What the job works on: `localhost:5000/cat:1`.
    fn title(&self) -> String;

    /// The names of its stages, in order.
    fn stages(&self) -> &'static [&'static str];

    /// Does the work.
    ///
    /// # Errors
    /// Why it failed; [`Stop::Cancelled`] once the job is cancelled.
    fn run(
        &self,
        context: &Context,
        job: &JobHandle,
    ) -> impl Future<Output = Result<Self::Output, Stop>> + Send;
}
