//! The model behind all doors.

use std::sync::Arc;

use boxwright_model::package::{InputKind, Package};
use boxwright_model::prediction::Timing;
use boxwright_model::{LoadedPackage, Outcome};
use boxwright_predict::{Error, Predictor, Rows, Spread, Tensor, Want};
use boxwright_tensor::Signature;
use bytes::Bytes;

use super::metrics::Metrics;
use super::models::MOST_SAMPLES;
use super::problem::{Kind, Problem};
use super::queue::{Answer, Queue, Run, Work};

/// A loaded model and its queue.
pub struct Engine {
    queue: Queue,
    predictor: Arc<Predictor>,
    package: Package,
}

impl Engine {
    /// Starts the threads that predict; at most `waiting` rows wait for them.
    pub fn start(
        package: &LoadedPackage,
        predictor: Predictor,
        spread: Spread,
        waiting: usize,
        metrics: Arc<Metrics>,
    ) -> Self {
        let predictor = Arc::new(predictor);
        let run = Batches {
            predictor: Arc::clone(&predictor),
            most: package.package.batch.max_size,
        };
        Self {
            queue: Queue::start(spread, waiting, metrics, run),
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

    /// The model's first axis.
    pub fn rows(&self) -> Rows {
        self.predictor.rows()
    }

    /// What a sample is.
    pub fn kind(&self) -> InputKind {
        self.package
            .input
            .first()
            .map_or(InputKind::Tensor, |input| input.kind)
    }

    /// Takes encoded samples through the whole pipeline; the outcomes keep their order. A sample
    /// that can't be read is an outcome too. Dropping the future frees the samples' places.
    ///
    /// # Errors
    /// Where there are more than [`MOST_SAMPLES`], too much waits already, or the model panics.
    pub async fn predict(&self, samples: Vec<Bytes>) -> Result<Vec<Outcome>, Problem> {
        if samples.len() > MOST_SAMPLES {
            return Err(Problem::too_many_samples());
        }
        let work = samples.into_iter().map(Work::Sample).collect();
        let outcome = |answer| match answer {
            Answer::Sample(outcome) => Ok(outcome),
            Answer::Tensors(_) => Err(Problem::internal()),
        };
        self.queue
            .ask(work)
            .await?
            .into_iter()
            .map(outcome)
            .collect()
    }

    /// Runs the model on its own tensors; `outputs` are the wanted outputs' names, none for all,
    /// and give the order of the answer.
    ///
    /// # Errors
    /// Where a tensor does not fit the signature, with its name; where the rows are too many, or too
    /// much waits already; where the model fails on these tensors.
    pub async fn infer(
        &self,
        inputs: Vec<Tensor>,
        outputs: &[String],
    ) -> Result<Vec<Tensor>, Problem> {
        let most = self.package.batch.max_size;
        let rows = inputs.first().and_then(|input| input.shape.first());
        if rows.is_some_and(|rows| rows.div_ceil(self.rows().most(most)) > MOST_SAMPLES)
            && self.rows() != Rows::None
        {
            let message = format!(
                "the request would take more than {MOST_SAMPLES} runs of the model; send fewer rows at once"
            );
            return Err(Problem::new(Kind::TooLarge, message));
        }
        let pieces = self
            .predictor
            .check_tensors(inputs, outputs, most)
            .map_err(refused)?;
        let work = pieces.into_iter().map(Work::Tensors).collect();
        let tensors = |answer| match answer {
            Answer::Tensors(tensors) => tensors.map_err(refused),
            Answer::Sample(_) => Err(Problem::internal()),
        };
        let answers = self.queue.ask(work).await?;
        let pieces = answers.into_iter().map(tensors).collect::<Result<_, _>>()?;
        Predictor::join_outputs(pieces).map_err(refused)
    }
}

fn refused(error: Error) -> Problem {
    match error {
        // The model itself refuses these numbers.
        Error::Shape(_) | Error::Run(_) | Error::Sample(_) => {
            Problem::bad_request(error.to_string())
        }
        _ => {
            tracing::error!("the model can't run: {error}");
            Problem::internal()
        }
    }
}

/// Runs what the queue puts together.
struct Batches {
    predictor: Arc<Predictor>,
    most: usize,
}

impl Run for Batches {
    fn most_together(&self, first: &Work) -> usize {
        match first {
            Work::Sample(_) => self.predictor.most_together(self.most),
            Work::Tensors(_) => self.predictor.rows().most(self.most),
        }
    }

    fn run(&self, work: &[Work], lone: bool, answer: &(dyn Fn(usize, Answer) + Sync)) -> Timing {
        let mut samples = Vec::new();
        let mut tensors = Vec::new();
        for work in work {
            match work {
                Work::Sample(sample) => samples.push(sample.clone()),
                Work::Tensors(batch) => tensors.push(batch),
            }
        }
        if tensors.is_empty() {
            let want = Want::default();
            return self
                .predictor
                .predict_batch(&samples, lone, &want, &|place, prediction| {
                    answer(place, Answer::Sample(prediction.outcome));
                });
        }
        let (results, timing) = self.predictor.run_tensors(&tensors, lone);
        for (place, result) in results.into_iter().enumerate() {
            answer(place, Answer::Tensors(result));
        }
        timing
    }
}
