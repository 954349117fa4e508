//! The loaded model behind all protocols, and its batch queue.

mod queue;

use std::sync::Arc;

use boxwright_model::package::Package;
use boxwright_model::pipeline::Task;
use boxwright_model::prediction::Timing;
use boxwright_model::{LoadedPackage, Outcome};
use boxwright_predict::{Concurrency, Error, Prediction, Predictor, Want};
use boxwright_tensor::{BatchAxis, Signature, Tensor};
use bytes::Bytes;

use self::queue::{BatchQueue, BatchRunner, Item, Output};
use super::limits::MAX_SAMPLES;
use super::memory::Reservation;
use super::metrics::Metrics;
use super::problem::{Kind, Problem};

/// A loaded model and its queue.
pub struct Engine {
    queue: BatchQueue,
    predictor: Arc<Predictor>,
    package: Package,
}

impl Engine {
    /// Starts the worker threads; at most `queue_size` rows wait for them.
    pub fn start(
        package: &LoadedPackage,
        predictor: Predictor,
        concurrency: Concurrency,
        queue_size: usize,
        metrics: Arc<Metrics>,
    ) -> Self {
        let predictor = Arc::new(predictor);
        let runner = Runner {
            predictor: Arc::clone(&predictor),
            max_batch: package.package.batch.max_size,
        };
        Self {
            queue: BatchQueue::start(concurrency, queue_size, metrics, runner),
            predictor,
            package: package.package.clone(),
        }
    }

    /// The package file's content.
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// The model's own inputs and outputs.
    pub fn signature(&self) -> &Signature {
        self.predictor.signature()
    }

    /// What the model's outputs mean.
    pub fn task(&self) -> &Task {
        self.predictor.task()
    }

    /// What the model's first axis is.
    pub fn batch_axis(&self) -> BatchAxis {
        self.predictor.batch_axis()
    }

    /// Whether a sample is a picture, rather than tensors in a file.
    pub fn takes_pictures(&self) -> bool {
        self.package.image_input().is_some()
    }

    /// Takes encoded samples through the whole pipeline; the outcomes keep their order. A sample
    /// that can't be read is an outcome too. Dropping the future frees the samples' places in the queue.
    ///
    /// # Errors
    /// Where there are more than [`MAX_SAMPLES`], the queue is full, the model panics, or the results
    /// take more memory than there is for requests: `reservation` counts them.
    pub async fn predict(
        &self,
        samples: Vec<Bytes>,
        reservation: &Reservation,
    ) -> Result<Vec<Outcome>, Problem> {
        if samples.len() > MAX_SAMPLES {
            return Err(Problem::too_many_samples());
        }
        let items = samples.into_iter().map(Item::Sample).collect();
        let mut outcomes = Vec::new();
        let collect = |output| match output {
            Output::Sample(outcome) => {
                let is_first = outcomes.is_empty();
                reservation.reserve_result(outcome.memory(), is_first)?;
                outcomes.push(outcome);
                Ok(())
            }
            Output::Tensors(_) => Err(Problem::internal()),
        };
        self.queue.submit(items, collect).await?;
        Ok(outcomes)
    }

    /// Runs the model on its own tensors; `outputs` are the wanted outputs' names, none for all,
    /// and give the order of the answer.
    ///
    /// # Errors
    /// Where a tensor does not fit the signature, with its name; where the rows are too many, or the
    /// queue is full; where the model fails on these tensors, or `reservation` has no room for the results.
    pub async fn infer(
        &self,
        inputs: Vec<Tensor>,
        outputs: &[String],
        reservation: &Reservation,
    ) -> Result<Vec<Tensor>, Problem> {
        let max_batch = self.package.batch.max_size;
        let rows = inputs.first().and_then(|input| input.shape.first());
        if rows
            .is_some_and(|rows| rows.div_ceil(self.batch_axis().max_batch(max_batch)) > MAX_SAMPLES)
            && self.batch_axis() != BatchAxis::None
        {
            let message = format!(
                "the request would take more than {MAX_SAMPLES} runs of the model; send fewer rows at once"
            );
            return Err(Problem::new(Kind::TooLarge, message));
        }
        let pieces = self
            .predictor
            .check_tensors(inputs, outputs, max_batch)
            .map_err(problem)?;
        let items = pieces.into_iter().map(Item::Tensors).collect();
        let mut pieces = Vec::new();
        let collect = |output| match output {
            Output::Tensors(tensors) => {
                let tensors = tensors.map_err(problem)?;
                let bytes = tensors.iter().map(|tensor| tensor.data.len()).sum();
                reservation.reserve_result(bytes, pieces.is_empty())?;
                pieces.push(tensors);
                Ok(())
            }
            Output::Sample(_) => Err(Problem::internal()),
        };
        self.queue.submit(items, collect).await?;
        Predictor::join_outputs(pieces).map_err(problem)
    }
}

fn problem(error: Error) -> Problem {
    match error {
        // The model can't run on these numbers.
        Error::Shape(_) | Error::Run(_) | Error::Sample(_) => {
            Problem::bad_request(error.to_string())
        }
        _ => {
            tracing::error!("the model can't run: {error}");
            Problem::internal()
        }
    }
}

/// Runs the queue's batches.
struct Runner {
    predictor: Arc<Predictor>,
    max_batch: usize,
}

impl BatchRunner for Runner {
    fn max_rows(&self, first: &Item) -> usize {
        match first {
            Item::Sample(_) => self.predictor.most_together(self.max_batch),
            Item::Tensors(_) => self.predictor.batch_axis().max_batch(self.max_batch),
        }
    }

    fn run(
        &self,
        batch: &[Item],
        exclusive: bool,
        respond: &(dyn Fn(usize, Output) + Sync),
    ) -> Timing {
        let mut samples = Vec::new();
        let mut tensors = Vec::new();
        for item in batch {
            match item {
                Item::Sample(sample) => samples.push(sample.clone()),
                Item::Tensors(piece) => tensors.push(piece),
            }
        }
        if tensors.is_empty() {
            let want = Want::default();
            let respond = |index, prediction: Prediction| {
                respond(index, Output::Sample(prediction.outcome));
            };
            return self
                .predictor
                .predict_batch(&samples, exclusive, &want, &respond);
        }
        let (results, timing) = self.predictor.run_tensors(&tensors, exclusive);
        for (index, result) in results.into_iter().enumerate() {
            respond(index, Output::Tensors(result));
        }
        timing
    }
}
