//! Predicting samples with the program that ships in the image.

mod document;
mod engine;
mod live;
mod pictures;
mod samples;

use std::path::PathBuf;

use boxwright_build::DataDir;
use boxwright_files::Progress;
use boxwright_model::LoadedPackage;
use boxwright_model::package::{FILE_NAME, Task};
use boxwright_model::prediction::{DeviceUsed, Outcome, SampleError, SampleResult, Timing};
use boxwright_worker::{FromWorkerResult, Loaded, Want};
use serde::Serialize;

use crate::failure::{Code, Failure, Stop};
use crate::job::Running;
use crate::samples::SampleFile;
pub use document::{line, write_document};
pub use engine::{Batch, Engine, RunOptions, Travel, command, next_batch, outcome};
pub(crate) use live::{Keeper, Live, ToDo};
pub(crate) use pictures::{Kind, Pictures};
pub(crate) use samples::{PreviewSamples, Result as SampleDone, whole_outcome};

/// The stages of a preview.
pub const STAGES: [&str; 2] = ["load", "predict"];
/// Errors of samples that are told as causes when no sample could be read.
const TOLD: usize = 5;

/// What is to be predicted, and how.
pub struct PreviewRequest {
    /// The package.
    pub package: LoadedPackage,
    /// The samples.
    pub samples: Vec<SampleFile>,
    /// Device, threads and limits.
    pub options: RunOptions,
    /// Samples in one run of the model; the package's where absent.
    pub batch_size: Option<usize>,
    /// Classes at most; the package's where absent.
    pub top_k: Option<usize>,
}

/// What is known of a preview before its first result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Head {
    /// The model.
    pub model: ModelName,
    /// The device that runs it.
    pub device: DeviceUsed,
    /// Samples in one run of the model.
    pub batch_size: usize,
}

/// Which model it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelName {
    /// The package's name.
    pub name: String,
    /// The package's version.
    pub version: String,
    /// Digest of the model's files.
    pub digest: String,
}

/// Predicts the samples: calls `each` with a sample's place and result as they come, in any order.
/// A sample that can't be read has a result that says so.
///
/// # Errors
/// [`Code::SampleUnreadable`] if there is no sample that can be read, and what the worker fails
/// with. [`Stop::Cancelled`] once the job is cancelled.
pub async fn run(
    share: &DataDir,
    request: &PreviewRequest,
    job: &Running,
    each: &mut (dyn FnMut(usize, SampleResult) + Send),
) -> Result<(Head, Timing), Stop> {
    job.stage(STAGES[0]);
    let mut engine = Engine::new(share);
    let model = Model::of(&request.package);
    model.tell(job, 0);
    let loading = engine.load(&request.package, &request.options);
    let (worker, loaded) = job.or_cancelled(loading).await?;
    model.tell(job, model.bytes);
    let head = head(request, &loaded);
    job.stage(STAGES[1]);
    job.describe(FILE_NAME, &request.package.package.package.name, None);
    let want = want(request);
    let samples: Vec<(u64, SampleFile)> = (0..).zip(request.samples.iter().cloned()).collect();
    let mut tally = Tally::new(request, job, each);
    let mut timing = Timing {
        load_ms: loaded.load_ms,
        ..Timing::default()
    };
    let mut rest = samples.as_slice();
    while !rest.is_empty() {
        let batch = async { Ok::<_, Stop>(next_batch(&mut rest, Travel::Paths).await) };
        let batch = job.or_cancelled(batch).await?;
        for (id, error) in batch.unreadable {
            tally.add(id, Outcome::Error(error));
        }
        let mut results = |result: FromWorkerResult| {
            let id = result.sample;
            tally.add(id, outcome(result));
        };
        let (part, cancelled) = worker
            .predict(
                batch.items,
                batch.body,
                want.clone(),
                request.batch_size,
                job.cancel(),
                &mut results,
            )
            .await?;
        if cancelled {
            engine.stop().await;
            return Err(Stop::Cancelled);
        }
        add(&mut timing, &part);
    }
    tally.check()?;
    if timing.wall_ms > 0.0 {
        timing.images_per_second = request.samples.len() as f64 * 1000.0 / timing.wall_ms;
    }
    engine.stop().await;
    Ok((head, timing))
}

fn want(request: &PreviewRequest) -> Want {
    Want {
        top_k: request.top_k,
        tensor: request.package.package.postprocess.task == Task::Raw,
        ..Want::default()
    }
}

/// The model, as it is loaded: the worker does not say how far it is.
struct Model<'a> {
    file: &'a str,
    bytes: u64,
}

impl<'a> Model<'a> {
    fn of(package: &'a LoadedPackage) -> Self {
        let size = |file: &PathBuf| file.metadata().map_or(0, |metadata| metadata.len());
        Self {
            file: package.model_files().next().map_or("", |(name, _)| name),
            bytes: package.files.iter().map(size).sum(),
        }
    }

    fn tell(&self, job: &Running, done: u64) {
        job.bytes(STAGES[0], self.file, done, Some(self.bytes));
    }
}

fn head(request: &PreviewRequest, loaded: &Loaded) -> Head {
    let package = &request.package.package;
    let model = ModelName {
        name: package.package.name.clone(),
        version: package.package.version.clone(),
        digest: loaded.model_digest.clone(),
    };
    let batch_size = request.batch_size.unwrap_or(package.batch.max_size);
    Head {
        model,
        device: loaded.device.clone(),
        batch_size,
    }
}

/// Counts results on their way out.
struct Tally<'a> {
    request: &'a PreviewRequest,
    job: &'a Running,
    each: &'a mut (dyn FnMut(usize, SampleResult) + Send),
    done: u64,
    predicted: bool,
    errors: Vec<String>,
}

impl<'a> Tally<'a> {
    fn new(
        request: &'a PreviewRequest,
        job: &'a Running,
        each: &'a mut (dyn FnMut(usize, SampleResult) + Send),
    ) -> Self {
        Self {
            request,
            job,
            each,
            done: 0,
            predicted: false,
            errors: Vec::new(),
        }
    }

    fn add(&mut self, id: u64, outcome: Outcome) {
        let place = usize::try_from(id).unwrap_or(usize::MAX);
        let Some(sample) = self.request.samples.get(place) else {
            return;
        };
        match &outcome {
            Outcome::Error(error) if self.errors.len() < TOLD => {
                self.errors.push(told(sample, error));
            }
            Outcome::Error(_) => {}
            _ => self.predicted = true,
        }
        self.done += 1;
        let total = self.request.samples.len() as u64;
        self.job.images(STAGES[1], FILE_NAME, self.done, total);
        (self.each)(
            place,
            SampleResult {
                sample: sample.name.clone(),
                outcome,
            },
        );
    }

    fn check(self) -> Result<(), Failure> {
        if self.predicted {
            return Ok(());
        }
        Err(no_sample(self.errors))
    }
}

/// A sample's error, as a cause.
pub fn told(sample: &SampleFile, error: &SampleError) -> String {
    format!("{}: {}", sample.name, error.message)
}

/// There is nothing to predict; `errors` say why, and the first few of them are told.
pub fn no_sample(errors: impl IntoIterator<Item = String>) -> Failure {
    let mut failure = Failure::new(
        Code::SampleUnreadable,
        "none of the samples could be read",
        "Give at least one picture: JPEG, PNG, WebP, BMP, GIF or TIFF.",
    );
    failure.causes = errors.into_iter().take(TOLD).collect();
    failure
}

fn add(sum: &mut Timing, part: &Timing) {
    sum.decode_ms += part.decode_ms;
    sum.preprocess_ms += part.preprocess_ms;
    sum.infer_ms += part.infer_ms;
    sum.postprocess_ms += part.postprocess_ms;
    sum.wall_ms += part.wall_ms;
}
