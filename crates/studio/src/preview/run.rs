//! The preview of the command line: all samples once, with results as they come.

use std::path::PathBuf;

use boxwright_build::DataDir;
use boxwright_files::Progress;
use boxwright_model::LoadedPackage;
use boxwright_model::package::{FILE_NAME, Task};
use boxwright_model::prediction::{Outcome, SampleError, SampleResult, Timing};
use boxwright_worker::{Loaded, Want};

use super::outcome::outcome;
use super::output::{Header, ModelIdentity};
use crate::failure::{Code, Failure, Stop};
use crate::job::JobHandle;
use crate::samples::SampleFile;
use crate::worker_session::{
    PredictEvent, RunOptions, SampleRequest, Transport, WorkerSession, add_timing,
};

/// The stages of a preview.
pub const STAGES: [&str; 2] = ["load", "predict"];
/// Most errors of samples that are listed as causes when no sample could be read.
const MAX_CAUSES: usize = 5;

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

/// Predicts the samples: calls `each` with a sample's index and result as they come, in any order.
/// A sample that can't be read has a result that says so.
///
/// # Errors
/// [`Code::SampleUnreadable`] if there is no sample that can be read, and what the worker fails
/// with. [`Stop::Cancelled`] once the job is cancelled.
pub async fn run(
    data_dir: &DataDir,
    request: &PreviewRequest,
    job: &JobHandle,
    each: &mut (dyn FnMut(usize, SampleResult) + Send),
) -> Result<(Header, Timing), Stop> {
    let mut session = WorkerSession::new(data_dir);
    let loaded = load(&mut session, request, job).await?;
    job.stage(STAGES[1]);
    job.describe(FILE_NAME, &request.package.package.package.name, None);
    let samples: Vec<(u64, SampleFile)> = (0..).zip(request.samples.iter().cloned()).collect();
    let sample_request = SampleRequest {
        samples: &samples,
        transport: Transport::Paths,
        want: want(request),
        batch_size: request.batch_size,
    };
    let mut progress = PreviewProgress::new(request, job, each);
    let mut on_event = |event| {
        if let PredictEvent::Result(result) = event {
            progress.add(result.sample, outcome(result));
        }
    };
    let predicting = session.predict(&sample_request, job.cancel(), &mut on_event);
    let completion = predicting.await?;
    if !completion.cancelled {
        progress.check()?;
    }
    session.stop().await;
    if completion.cancelled {
        return Err(Stop::Cancelled);
    }
    let timing = total_timing(&loaded, &completion.timing, samples.len());
    Ok((header(request, &loaded), timing))
}

async fn load(
    session: &mut WorkerSession,
    request: &PreviewRequest,
    job: &JobHandle,
) -> Result<Loaded, Stop> {
    job.stage(STAGES[0]);
    let model = ModelFile::of(&request.package);
    model.report(job, 0);
    let load = request.options.load(&request.package)?;
    let loaded = job.or_cancelled(session.load(&load)).await?;
    model.report(job, model.bytes);
    Ok(loaded)
}

fn total_timing(loaded: &Loaded, predicted: &Timing, samples: usize) -> Timing {
    let mut timing = Timing {
        load_ms: loaded.load_ms,
        ..Timing::default()
    };
    add_timing(&mut timing, predicted);
    if timing.wall_ms > 0.0 {
        timing.images_per_second = samples as f64 * 1000.0 / timing.wall_ms;
    }
    timing
}

fn want(request: &PreviewRequest) -> Want {
    Want {
        top_k: request.top_k,
        tensor: request.package.package.postprocess.task == Task::Raw,
        ..Want::default()
    }
}

/// The model's file, for progress: the worker does not report how much of it is loaded.
struct ModelFile<'a> {
    file: &'a str,
    bytes: u64,
}

impl<'a> ModelFile<'a> {
    fn of(package: &'a LoadedPackage) -> Self {
        let size = |file: &PathBuf| file.metadata().map_or(0, |metadata| metadata.len());
        Self {
            file: package.model_files().next().map_or("", |(name, _)| name),
            bytes: package.files.iter().map(size).sum(),
        }
    }

    fn report(&self, job: &JobHandle, done: u64) {
        job.bytes(STAGES[0], self.file, done, Some(self.bytes));
    }
}

fn header(request: &PreviewRequest, loaded: &Loaded) -> Header {
    let package = &request.package.package;
    let model = ModelIdentity {
        name: package.package.name.clone(),
        version: package.package.version.clone(),
        digest: loaded.model_digest.clone(),
    };
    let batch_size = request.batch_size.unwrap_or(package.batch.max_size);
    Header {
        model,
        device: loaded.device.clone(),
        batch_size,
    }
}

/// Counts results and hands them on.
struct PreviewProgress<'a> {
    request: &'a PreviewRequest,
    job: &'a JobHandle,
    each: &'a mut (dyn FnMut(usize, SampleResult) + Send),
    done: u64,
    predicted: bool,
    errors: Vec<String>,
}

impl<'a> PreviewProgress<'a> {
    fn new(
        request: &'a PreviewRequest,
        job: &'a JobHandle,
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
        let index = usize::try_from(id).unwrap_or(usize::MAX);
        let Some(sample) = self.request.samples.get(index) else {
            return;
        };
        match &outcome {
            Outcome::Error(error) if self.errors.len() < MAX_CAUSES => {
                self.errors.push(sample_error(sample, error));
            }
            Outcome::Error(_) => {}
            _ => self.predicted = true,
        }
        self.done += 1;
        let total = self.request.samples.len() as u64;
        self.job.images(STAGES[1], FILE_NAME, self.done, total);
        (self.each)(
            index,
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
        Err(no_readable_sample(self.errors))
    }
}

/// A sample's error as a cause of a failure.
pub fn sample_error(sample: &SampleFile, error: &SampleError) -> String {
    format!("{}: {}", sample.name, error.message)
}

/// The failure of samples none of which can be read; the first of `errors` are its causes.
pub fn no_readable_sample(errors: impl IntoIterator<Item = String>) -> Failure {
    let mut failure = Failure::new(
        Code::SampleUnreadable,
        "none of the samples could be read",
        "Give at least one picture: JPEG, PNG, WebP, BMP, GIF or TIFF.",
    );
    failure.causes = errors.into_iter().take(MAX_CAUSES).collect();
    failure
}
