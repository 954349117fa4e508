//! Verifying a published image: it is pulled, run, and must predict the samples as the preview does.

pub mod compare;
mod image_worker;
pub mod namespaces;

use std::path::{Path, PathBuf};
use std::time::Duration;

use boxwright_build::DataDir;
use boxwright_files::{Level, Progress};
use boxwright_model::package::{FILE_NAME, Task};
use boxwright_model::{Device, LoadedPackage};
use boxwright_oci::Reference;
use boxwright_oci::registry::{Client, PulledImage};
use boxwright_worker::{Load, Want, WorkerError};

use crate::api::{Proof, ProofStatus, Report, ReportImage, ReportPlatform};
use crate::errors::write_failure;
use crate::failure::{Code, Failure, Stop};
use crate::job::JobHandle;
use crate::preview::{no_readable_sample, sample_error};
use crate::samples::SampleFile;
use crate::worker_session::{RunOptions, SampleRequest, Transport, WorkerSession};
use compare::{Comparison, EMULATED, Predicted, SAME_ARCHITECTURE};
use image_worker::{ImageWorker, error_text};
use namespaces::Execution;

/// The stage in which the published image is pulled, and the preview predicts.
pub const PULL: &str = "pull";
/// The stage in which a published image predicts.
pub const PROVE: &str = "prove";
/// The path of the package in an image.
const PACKAGE_IN_IMAGE: &str = "/model/boxwright.toml";
/// The label with the target that an image was built for.
const TARGET_LABEL: &str = "dev.boxwright.target";
/// How long one platform may take: a large model is slow when it is emulated.
const TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// What is verified, and against what.
pub struct VerifyRequest {
    /// What was published.
    pub reference: Reference,
    /// What it should predict like.
    pub package: LoadedPackage,
    /// The samples.
    pub samples: Vec<SampleFile>,
    /// Most pixels of a sample.
    pub max_pixels: u64,
    /// Speaks to the registry.
    pub client: Client,
    /// The folder in which pulled images are unpacked.
    pub cache: PathBuf,
}

/// Pulls what is published, runs it, and compares its predictions with the preview's.
///
/// # Errors
/// What pulling or the preview fails with. An image that differs is not an error here: the report
/// says so, and [`Report::difference`] is its failure.
pub async fn run(
    data_dir: &DataDir,
    request: &VerifyRequest,
    job: &JobHandle,
) -> Result<Report, Stop> {
    let (digest, platforms) = verify_platforms(data_dir, request, &mut None, job).await?;
    let image = ReportImage {
        reference: request.reference.to_string(),
        digest,
        platforms,
        published: true,
    };
    Ok(Report {
        images: vec![image],
        uploaded_bytes: 0,
        reused_bytes: 0,
        elapsed_ms: job.elapsed_ms(),
    })
}

/// The predictions of the preview.
pub struct Expected {
    predictions: Vec<Predicted>,
}

impl Expected {
    /// Predicts with this installation's worker on the CPU, as the image does. Progress belongs to
    /// `stage`.
    ///
    /// # Errors
    /// [`Code::SampleUnreadable`] if no sample can be read, and what the worker fails with.
    pub async fn predict(
        data_dir: &DataDir,
        package: &LoadedPackage,
        samples: &[SampleFile],
        max_pixels: u64,
        stage: &str,
        job: &JobHandle,
    ) -> Result<Self, Stop> {
        let mut session = WorkerSession::new(data_dir);
        let options = RunOptions {
            device: Device::CPU,
            max_pixels: Some(max_pixels),
            ..RunOptions::default()
        };
        let load = options.load(package)?;
        job.or_cancelled(session.load(&load)).await?;
        let predictions = preview_predictions(&mut session, package, samples, stage, job).await?;
        session.stop().await;
        check_readable(samples, &predictions)?;
        Ok(Self { predictions })
    }
}

/// Fails if no sample could be predicted.
fn check_readable(samples: &[SampleFile], predictions: &[Predicted]) -> Result<(), Failure> {
    let errors = samples
        .iter()
        .zip(predictions)
        .filter_map(|both| match both {
            (sample, Predicted::Error(error)) => Some(sample_error(sample, error)),
            _ => None,
        });
    let errors: Vec<String> = errors.collect();
    match errors.len() == predictions.len() {
        true => Err(no_readable_sample(errors)),
        false => Ok(()),
    }
}

/// Verifies every platform under a reference; returns the digest that was pulled, and the platforms.
/// `expected` is filled in with the preview's predictions where it is `None`.
///
/// # Errors
/// What pulling or the preview fails with.
pub async fn verify_platforms(
    data_dir: &DataDir,
    request: &VerifyRequest,
    expected: &mut Option<Expected>,
    job: &JobHandle,
) -> Result<(String, Vec<ReportPlatform>), Stop> {
    job.stage(PULL);
    let unwritten = |error| write_failure(&request.cache, &error);
    std::fs::create_dir_all(&request.cache).map_err(unwritten)?;
    let folder = tempfile::Builder::new()
        .prefix("proof-")
        .tempdir_in(&request.cache);
    let folder = folder.map_err(unwritten)?;
    let layout = folder.path().join("layout");
    let pulling = async {
        let pulled = request
            .client
            .pull(&request.reference, &layout, None, job, job.cancel());
        pulled.await.map_err(Stop::from)
    };
    let predicting = async {
        match expected.take() {
            Some(known) => Ok(known),
            None => {
                let (package, samples) = (&request.package, &request.samples);
                Expected::predict(data_dir, package, samples, request.max_pixels, PULL, job).await
            }
        }
    };
    let (pulled, known) = tokio::try_join!(pulling, predicting)?;
    let expected: &Expected = expected.insert(known);
    job.stage(PROVE);
    let mut platforms = Vec::new();
    for (number, image) in pulled.images.iter().enumerate() {
        let root = folder.path().join(number.to_string());
        let proof = verify_image(data_dir, request, expected, image, &root, job).await?;
        platforms.push(ReportPlatform {
            target: target_of(image),
            platform: image.platform.to_string(),
            digest: image.manifest_digest.to_string(),
            size: image.size,
            verified: Some(proof),
        });
    }
    // Removing unpacked folders can take long.
    tokio::task::spawn_blocking(move || drop(folder)).await?;
    Ok((pulled.digest.to_string(), platforms))
}

/// The target that an image was built for: what its label says, else what its platform suggests.
fn target_of(image: &PulledImage) -> String {
    let labels = &image.config.config.labels;
    match labels.get(TARGET_LABEL) {
        Some(target) => target.clone(),
        None if image.platform.architecture == "arm64" => "arm64".to_owned(),
        None => "cpu".to_owned(),
    }
}

async fn verify_image(
    data_dir: &DataDir,
    request: &VerifyRequest,
    expected: &Expected,
    image: &PulledImage,
    folder: &Path,
    job: &JobHandle,
) -> Result<Proof, Stop> {
    let execution = match namespaces::execution(&image.platform) {
        Ok(execution) => execution,
        Err(reason) => return Ok(not_run(reason)),
    };
    let item = target_of(image);
    job.describe(&item, "samples", Some(&item));
    job.images(PROVE, &item, 0, request.samples.len() as u64);
    let emulated = match execution {
        Execution::Native => "",
        Execution::Emulated => ", emulated: that takes its time",
    };
    let message = format!("{item}: the image's own program is started{emulated}");
    job.log(Level::Info, &message);
    let started = tokio::select! {
        started = ImageWorker::start(data_dir, image, folder, execution, job) => started,
        () = job.cancel().cancelled() => return Err(Stop::Cancelled),
    };
    let (mut worker, by) = match started {
        Ok(started) => started,
        Err(reason) => return Ok(not_run(reason)),
    };
    let tolerance = match execution {
        Execution::Native => SAME_ARCHITECTURE,
        Execution::Emulated => EMULATED,
    };
    let predicting = predict_in_image(&mut worker.session, request, &item, job);
    let predicted = match tokio::time::timeout(TIMEOUT, predicting).await {
        Ok(predicted) => predicted,
        Err(_) => {
            return Ok(not_run(format!(
                "it took longer than {} s",
                TIMEOUT.as_secs()
            )));
        }
    };
    worker.stop().await;
    let predicted = match predicted {
        Ok(predicted) => predicted,
        Err(Unverified::Stop(stop)) => return Err(stop),
        Err(Unverified::NotRun(reason)) => return Ok(not_run(reason)),
        Err(Unverified::Differs(reason)) => return Ok(differs(reason, by)),
    };
    Ok(proof(request, expected, &predicted, tolerance, by))
}

/// The proof of an image that refuses what the preview does.
fn differs(reason: String, by: &str) -> Proof {
    Proof {
        status: ProofStatus::Differs,
        by: Some(by.to_owned()),
        samples: 0,
        max_difference: None,
        reason: Some(reason),
    }
}

fn proof(
    request: &VerifyRequest,
    expected: &Expected,
    predicted: &[Predicted],
    tolerance: f64,
    by: &str,
) -> Proof {
    let mut comparison = Comparison::default();
    let both = expected.predictions.iter().zip(predicted);
    for (sample, (preview, image)) in request.samples.iter().zip(both) {
        comparison.add(&sample.name, preview, image, tolerance);
    }
    Proof {
        status: match comparison.difference {
            Some(_) => ProofStatus::Differs,
            None => ProofStatus::Proven,
        },
        by: Some(by.to_owned()),
        samples: comparison.samples,
        max_difference: comparison
            .max_difference
            .is_finite()
            .then_some(comparison.max_difference),
        reason: comparison.difference,
    }
}

fn not_run(reason: String) -> Proof {
    let status = ProofStatus::NotRun;
    Proof {
        status,
        by: None,
        samples: 0,
        max_difference: None,
        reason: Some(reason),
    }
}

/// Why a platform has no predictions.
enum Unverified {
    Stop(Stop),
    NotRun(String),
    Differs(String),
}

async fn predict_in_image(
    session: &mut WorkerSession,
    request: &VerifyRequest,
    item: &str,
    job: &JobHandle,
) -> Result<Vec<Predicted>, Unverified> {
    let load = Load {
        package: PACKAGE_IN_IMAGE.to_owned(),
        inline: None,
        device: Device::CPU,
        threads: 0,
        max_pixels: Some(request.max_pixels),
    };
    tokio::select! {
        loaded = session.load(&load) => loaded.map_err(unverified)?,
        () = job.cancel().cancelled() => return Err(Unverified::Stop(Stop::Cancelled)),
    };
    let (package, samples) = (&request.package, &request.samples);
    predict(session, package, samples, (PROVE, item), job).await
}

/// If the image's worker refuses what the preview does, the image differs; if it is lost, the cause
/// may be this machine.
fn unverified(error: WorkerError) -> Unverified {
    match error {
        WorkerError::Refused { message, .. } => Unverified::Differs(format!("it says: {message}")),
        other => Unverified::NotRun(error_text(&other)),
    }
}

async fn preview_predictions(
    session: &mut WorkerSession,
    package: &LoadedPackage,
    samples: &[SampleFile],
    stage: &str,
    job: &JobHandle,
) -> Result<Vec<Predicted>, Stop> {
    job.describe(FILE_NAME, "preview", None);
    match predict(session, package, samples, (stage, FILE_NAME), job).await {
        Ok(predicted) => Ok(predicted),
        Err(Unverified::Stop(stop)) => Err(stop),
        Err(Unverified::NotRun(reason) | Unverified::Differs(reason)) => {
            let hint = "Preview the samples to see what is wrong.";
            Err(Failure::new(Code::WorkerLost, reason, hint)
                .retryable()
                .into())
        }
    }
}

/// The predictions of the samples, in their order. Samples are sent as bytes: an image's worker does
/// not see this machine's files.
async fn predict(
    session: &mut WorkerSession,
    package: &LoadedPackage,
    samples: &[SampleFile],
    (stage, item): (&str, &str),
    job: &JobHandle,
) -> Result<Vec<Predicted>, Unverified> {
    let numbered: Vec<(u64, SampleFile)> = (0..).zip(samples.iter().cloned()).collect();
    let request = SampleRequest {
        samples: &numbered,
        transport: Transport::Bytes,
        want: Want {
            tensor: package.package.postprocess.task == Task::Raw,
            ..Want::default()
        },
        batch_size: None,
    };
    let total = samples.len() as u64;
    job.images(stage, item, 0, total);
    let mut on_progress = |done: usize| job.images(stage, item, done as u64, total);
    let predicting = session.predict_in_order(&request, job.cancel(), &mut on_progress);
    let Some(results) = predicting.await.map_err(unverified)? else {
        return Err(Unverified::Stop(Stop::Cancelled));
    };
    let count = match samples.len() {
        1 => "1 sample".to_owned(),
        count => format!("{count} samples"),
    };
    let who = if item == FILE_NAME { "preview" } else { item };
    job.log(Level::Info, &format!("{who}: {count} predicted"));
    Ok(results.into_iter().map(Predicted::from).collect())
}

#[cfg(test)]
mod tests {
    use boxwright_model::prediction::SampleError;

    use super::*;

    #[test]
    fn why_no_sample_could_be_read_is_told() {
        let sample = |name: &str| SampleFile {
            name: name.to_owned(),
            path: name.into(),
        };
        let error = |message: &str| {
            Predicted::Error(SampleError {
                code: "SampleUnreadable".to_owned(),
                message: message.to_owned(),
            })
        };
        let samples = [sample("a.jpg"), sample("b.jpg")];
        let unreadable = [error("The file is empty."), error("It is no picture.")];
        let failure = check_readable(&samples, &unreadable).expect_err("nothing to compare");
        assert_eq!(failure.code, Code::SampleUnreadable);
        let causes = ["a.jpg: The file is empty.", "b.jpg: It is no picture."];
        assert_eq!(failure.causes, causes);
        let one = [error("The file is empty."), Predicted::Classes(Vec::new())];
        assert_eq!(check_readable(&samples, &one), Ok(()));
    }
}
