//! A worker that is kept from one request to the next.

use std::collections::BTreeMap;

use boxwright_build::DataDir;
use boxwright_model::prediction::{Outcome, SampleError, Timing};
use boxwright_model::recipe::{Evidence, RecipeReport};
use boxwright_worker::{
    FromWorkerResult, Load, Loaded, ToWorker, Worker, WorkerCommand, WorkerError,
};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::batch::{SampleRequest, next_batch};
use crate::failure::Code;

/// A worker that is kept from one request to the next. One that has died is replaced when a package
/// is loaded.
pub struct WorkerSession {
    /// Starts a worker; absent for one that was attached.
    command: Option<WorkerCommand>,
    worker: Option<Worker>,
}

/// What happens while samples are predicted.
pub enum PredictEvent {
    /// A sample has its result: a prediction, or why there is none.
    Result(FromWorkerResult),
    /// A message to the worker is done; the timing of all of them up to now.
    Timing(Timing),
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Completion {
    /// Where the time went.
    pub timing: Timing,
    /// Whether it was cancelled, so that samples are left without a result.
    pub cancelled: bool,
}

impl WorkerSession {
    /// A session with the worker of this installation, which is started when a package is loaded.
    pub fn new(data_dir: &DataDir) -> Self {
        Self {
            command: Some(WorkerCommand::new(data_dir.serve_program())),
            worker: None,
        }
    }

    /// A session with a worker that runs already, and is not replaced when it dies.
    pub fn attached(worker: Worker) -> Self {
        Self {
            command: None,
            worker: Some(worker),
        }
    }

    /// Kills the worker.
    pub fn kill(&mut self) {
        self.worker = None;
    }

    /// Ends the worker after what it is doing.
    pub async fn stop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop().await;
        }
    }

    /// Loads a package, in a new worker where there is none or it has died since it was last used.
    /// A worker that has the package loaded already checks whether its files have changed, and
    /// keeps its session where they have not. Dropping the future kills the worker.
    ///
    /// # Errors
    /// Why the worker can't be started, or refuses the package.
    pub async fn load(&mut self, load: &Load) -> Result<Loaded, WorkerError> {
        let was_kept = self.worker.as_ref().is_some_and(Worker::is_running);
        match self.try_load(load).await {
            Err(WorkerError::Lost { .. }) if was_kept && self.command.is_some() => {
                self.try_load(load).await
            }
            result => result,
        }
    }

    async fn try_load(&mut self, load: &Load) -> Result<Loaded, WorkerError> {
        let mut worker = match (self.worker.take(), &self.command) {
            (Some(worker), _) if worker.is_running() => worker,
            (_, Some(command)) => Worker::start(command).await?,
            (_, None) => return Err(not_running()),
        };
        let result = worker.load(load.clone()).await;
        if worker.is_running() {
            self.worker = Some(worker);
        }
        result
    }

    /// Predicts samples with the package that is loaded. Results come in the order in which they
    /// are ready, one for each sample unless the request is cancelled or fails.
    ///
    /// # Errors
    /// [`WorkerError::Lost`] if the worker died; loading a package then starts another.
    pub async fn predict(
        &mut self,
        request: &SampleRequest<'_>,
        cancel: &CancellationToken,
        on_event: &mut (dyn FnMut(PredictEvent) + Send),
    ) -> Result<Completion, WorkerError> {
        let worker = self.worker.as_mut().ok_or_else(not_running)?;
        let mut timing = Timing::default();
        let mut rest = request.samples;
        while !rest.is_empty() {
            let batch = tokio::select! {
                batch = next_batch(&mut rest, request.transport) => batch,
                () = cancel.cancelled() => return Ok(Completion { timing, cancelled: true }),
            };
            for (id, error) in batch.unreadable {
                on_event(PredictEvent::Result(failed(id, error)));
            }
            let mut each = |result| on_event(PredictEvent::Result(result));
            let (part, cancelled) = worker
                .predict(
                    batch.items,
                    batch.body,
                    request.want.clone(),
                    request.batch_size,
                    cancel,
                    &mut each,
                )
                .await?;
            add_timing(&mut timing, &part);
            on_event(PredictEvent::Timing(timing));
            if cancelled {
                return Ok(Completion { timing, cancelled });
            }
        }
        let cancelled = false;
        Ok(Completion { timing, cancelled })
    }

    /// Asks for a recipe. Answers of a model need the package loaded; tensors need no package. `None`
    /// if the request was cancelled.
    ///
    /// # Errors
    /// As [`WorkerSession::load`] and [`WorkerSession::predict`].
    pub async fn match_recipe(
        &mut self,
        evidence: Evidence,
        load: &Load,
        question: ToWorker,
        body: Bytes,
        cancel: &CancellationToken,
    ) -> Result<Option<(RecipeReport, Option<Bytes>)>, WorkerError> {
        if evidence == Evidence::Answers {
            self.load(load).await?;
        } else if self.worker.is_none() {
            let command = self.command.as_ref().ok_or_else(not_running)?;
            self.worker = Some(Worker::start(command).await?);
        }
        let worker = self.worker.as_mut().ok_or_else(not_running)?;
        worker.match_recipe(question, body, cancel).await
    }

    /// Predicts samples, and returns the results in the order of the samples; `None` if the request
    /// was cancelled. `on_progress` is called with the number of results up to now.
    ///
    /// # Errors
    /// As [`WorkerSession::predict`].
    pub async fn predict_in_order(
        &mut self,
        request: &SampleRequest<'_>,
        cancel: &CancellationToken,
        on_progress: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Option<Vec<FromWorkerResult>>, WorkerError> {
        let mut results = BTreeMap::new();
        let mut on_event = |event| {
            if let PredictEvent::Result(result) = event {
                results.insert(result.sample, result);
                on_progress(results.len());
            }
        };
        let completion = self.predict(request, cancel, &mut on_event).await?;
        let in_order = request.samples.iter().map(|(id, _)| {
            let result = results.remove(id);
            result.unwrap_or_else(|| failed(*id, no_result()))
        });
        Ok((!completion.cancelled).then(|| in_order.collect()))
    }
}

/// The result of a sample that has no prediction.
fn failed(sample: u64, error: SampleError) -> FromWorkerResult {
    FromWorkerResult {
        sample,
        outcome: Outcome::Error(error),
        picture: None,
        details: None,
        thumbnail: None,
        tensors: Vec::new(),
    }
}

fn no_result() -> SampleError {
    SampleError {
        code: Code::Internal.to_string(),
        message: "The worker gave no result.".to_owned(),
    }
}

fn not_running() -> WorkerError {
    WorkerError::Lost {
        how: "is not running".to_owned(),
        stderr: String::new(),
    }
}

/// Adds the times of `part`; the time to load and the speed are left alone.
pub fn add_timing(sum: &mut Timing, part: &Timing) {
    sum.decode_ms += part.decode_ms;
    sum.preprocess_ms += part.preprocess_ms;
    sum.infer_ms += part.infer_ms;
    sum.postprocess_ms += part.postprocess_ms;
    sum.wall_ms += part.wall_ms;
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
