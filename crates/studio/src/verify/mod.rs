//! The proof: what was published is pulled back and predicts the samples as the preview does.

pub mod compare;
pub mod namespaces;
mod runner;

use std::path::{Path, PathBuf};
use std::time::Duration;

use boxwright_build::DataDir;
use boxwright_files::{Level, Progress};
use boxwright_model::LoadedPackage;
use boxwright_model::package::{FILE_NAME, Task};
use boxwright_model::prediction::SampleError;
use boxwright_oci::Reference;
use boxwright_oci::registry::{Client, PulledImage};
use boxwright_worker::{FromWorkerResult, Load, Want, Worker, WorkerError};

use crate::api::{Proof, ProofStatus, Report, ReportImage, ReportPlatform};
use crate::failure::{Code, Failure, Stop};
use crate::job::Running;
use crate::preview::{Engine, RunOptions, Travel, next_batch, no_sample, told};
use crate::samples::SampleFile;
use compare::{Comparison, EMULATED, Predicted, SAME_ARCHITECTURE};
use namespaces::Way;
use runner::in_words;

/// The stages of a proof.
pub const STAGES: [&str; 2] = [PULL, PROVE];
/// The stage in which what is published is fetched, and the preview predicts.
pub const PULL: &str = "pull";
/// The stage in which a published image predicts.
pub const PROVE: &str = "prove";
/// The package as the image holds it.
const IN_IMAGE: &str = "/model/boxwright.toml";
/// The label in which an image's configuration says which target it was built for.
const TARGET_LABEL: &str = "dev.boxwright.target";
/// The longest that one platform's proof may take: emulated, a large model takes its time.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// What is proven, and against what.
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
    /// Where what is pulled lies while it is looked at.
    pub cache: PathBuf,
}

/// Pulls what is published, runs it, and compares its predictions with the preview's.
///
/// # Errors
/// What pulling or the preview fails with. An image that differs is no error here: its report
/// says so, and [`Report::failure`] is its failure.
pub async fn run(share: &DataDir, request: &VerifyRequest, job: &Running) -> Result<Report, Stop> {
    let (digest, platforms) = prove(share, request, &mut None, job).await?;
    let image = ReportImage {
        reference: request.reference.to_string(),
        digest,
        platforms,
        run: None,
    };
    Ok(Report {
        images: vec![image],
        uploaded_bytes: 0,
        reused_bytes: 0,
        elapsed_ms: job.elapsed_ms(),
    })
}

/// What the preview makes of the samples.
pub struct Expected {
    predictions: Vec<Predicted>,
}

impl Expected {
    /// Predicts with this machine's own worker, on the processor, as the image will. Progress
    /// belongs to `stage`.
    ///
    /// # Errors
    /// [`Code::SampleUnreadable`] if no sample can be read, and what the worker fails with.
    pub async fn predict(
        share: &DataDir,
        package: &LoadedPackage,
        samples: &[SampleFile],
        max_pixels: u64,
        stage: &str,
        job: &Running,
    ) -> Result<Self, Stop> {
        let mut engine = Engine::new(share);
        let options = RunOptions {
            device: "cpu".to_owned(),
            max_pixels: Some(max_pixels),
            ..RunOptions::default()
        };
        let (worker, _) = job.or_cancelled(engine.load(package, &options)).await?;
        let predictions = predictions(worker, package, samples, stage, job).await?;
        engine.stop().await;
        check(samples, &predictions)?;
        Ok(Self { predictions })
    }
}

/// At least one sample can be predicted.
fn check(samples: &[SampleFile], predictions: &[Predicted]) -> Result<(), Failure> {
    let errors = samples
        .iter()
        .zip(predictions)
        .filter_map(|both| match both {
            (sample, Predicted::Error(error)) => Some(told(sample, error)),
            _ => None,
        });
    let errors: Vec<String> = errors.collect();
    match errors.len() == predictions.len() {
        true => Err(no_sample(errors)),
        false => Ok(()),
    }
}

/// Proves every platform under a reference; returns the digest that was pulled, and them. What the
/// preview makes of the samples is found out where it is not known yet.
///
/// # Errors
/// What pulling or the preview fails with.
pub async fn prove(
    share: &DataDir,
    request: &VerifyRequest,
    expected: &mut Option<Expected>,
    job: &Running,
) -> Result<(String, Vec<ReportPlatform>), Stop> {
    job.stage(PULL);
    let unwritten = |error| crate::places::not_written(&request.cache, &error);
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
                Expected::predict(share, package, samples, request.max_pixels, PULL, job).await
            }
        }
    };
    let (pulled, known) = tokio::try_join!(pulling, predicting)?;
    let expected: &Expected = expected.insert(known);
    job.stage(PROVE);
    let mut platforms = Vec::new();
    for (number, image) in pulled.images.iter().enumerate() {
        let place = folder.path().join(number.to_string());
        let proof = prove_image(share, request, expected, image, &place, job).await?;
        platforms.push(ReportPlatform {
            target: target_of(image),
            platform: image.platform.to_string(),
            digest: image.manifest_digest.to_string(),
            size: image.size,
            verified: Some(proof),
        });
    }
    // Unpacked folders can be large and read-only.
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

async fn prove_image(
    share: &DataDir,
    request: &VerifyRequest,
    expected: &Expected,
    image: &PulledImage,
    place: &Path,
    job: &Running,
) -> Result<Proof, Stop> {
    let way = match namespaces::way(&image.platform) {
        Ok(way) => way,
        Err(reason) => return Ok(not_run(reason)),
    };
    let item = target_of(image);
    job.describe(&item, "samples", Some(&item));
    job.images(PROVE, &item, 0, request.samples.len() as u64);
    let emulated = match way {
        Way::Native => "",
        Way::Emulated => ", emulated: that takes its time",
    };
    let starts = format!("{item}: the image's own program is started{emulated}");
    job.log(Level::Info, &starts);
    let started = tokio::select! {
        started = runner::start(share, image, place, way, job) => started,
        () = job.cancel().cancelled() => return Err(Stop::Cancelled),
    };
    let (mut runner, by) = match started {
        Ok(started) => started,
        Err(reason) => return Ok(not_run(reason)),
    };
    let tolerance = match way {
        Way::Native => SAME_ARCHITECTURE,
        Way::Emulated => EMULATED,
    };
    let proving = predict_in_image(&mut runner.worker, request, &item, job);
    let predicted = match tokio::time::timeout(PATIENCE, proving).await {
        Ok(predicted) => predicted,
        Err(_) => {
            return Ok(not_run(format!(
                "it took longer than {} s",
                PATIENCE.as_secs()
            )));
        }
    };
    runner.stop().await;
    let predicted = match predicted {
        Ok(predicted) => predicted,
        Err(Unproven::Stop(stop)) => return Err(stop),
        Err(Unproven::NotRun(reason)) => return Ok(not_run(reason)),
        Err(Unproven::Differs(reason)) => return Ok(unlike(reason, by)),
    };
    Ok(proof(request, expected, &predicted, tolerance, by))
}

/// The image does something else altogether.
fn unlike(reason: String, by: &str) -> Proof {
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
enum Unproven {
    Stop(Stop),
    NotRun(String),
    Differs(String),
}

async fn predict_in_image(
    worker: &mut Worker,
    request: &VerifyRequest,
    item: &str,
    job: &Running,
) -> Result<Vec<Predicted>, Unproven> {
    let load = Load {
        package: IN_IMAGE.to_owned(),
        inline: None,
        device: "cpu".to_owned(),
        threads: 0,
        max_pixels: Some(request.max_pixels),
    };
    let loading = async { worker.load(load).await.map_err(unproven) };
    tokio::select! {
        loaded = loading => loaded?,
        () = job.cancel().cancelled() => return Err(Unproven::Stop(Stop::Cancelled)),
    };
    predict(
        worker,
        &request.package,
        &request.samples,
        (PROVE, item),
        job,
    )
    .await
}

/// What an image refuses to do that the preview does is a difference; a worker that is lost may
/// be this machine's doing.
fn unproven(error: WorkerError) -> Unproven {
    match error {
        WorkerError::Refused { message, .. } => Unproven::Differs(format!("it says: {message}")),
        other => Unproven::NotRun(in_words(&other)),
    }
}

async fn predictions(
    worker: &mut Worker,
    package: &LoadedPackage,
    samples: &[SampleFile],
    stage: &str,
    job: &Running,
) -> Result<Vec<Predicted>, Stop> {
    job.describe(FILE_NAME, "preview", None);
    match predict(worker, package, samples, (stage, FILE_NAME), job).await {
        Ok(predicted) => Ok(predicted),
        Err(Unproven::Stop(stop)) => Err(stop),
        Err(Unproven::NotRun(reason) | Unproven::Differs(reason)) => {
            let hint = "Preview the samples to see what is wrong.";
            Err(Failure::new(Code::WorkerLost, reason, hint)
                .retryable()
                .into())
        }
    }
}

/// What `worker` makes of the samples, in their order; they travel as bytes.
async fn predict(
    worker: &mut Worker,
    package: &LoadedPackage,
    samples: &[SampleFile],
    (stage, item): (&str, &str),
    job: &Running,
) -> Result<Vec<Predicted>, Unproven> {
    let tensor = package.package.postprocess.task == Task::Raw;
    let want = Want {
        top_k: None,
        tensor,
        ..Want::default()
    };
    let all: Vec<(u64, SampleFile)> = (0..).zip(samples.iter().cloned()).collect();
    let lost = SampleError {
        code: Code::Internal.to_string(),
        message: "The worker gave no result.".to_owned(),
    };
    let mut predicted = vec![Predicted::Error(lost); all.len()];
    let (mut done, total) = (0, samples.len() as u64);
    job.images(stage, item, done, total);
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        let batch = async { Ok::<_, Stop>(next_batch(&mut rest, Travel::Bytes).await) };
        let batch = job.or_cancelled(batch).await.map_err(Unproven::Stop)?;
        for (id, error) in batch.unreadable {
            predicted[id as usize] = Predicted::Error(error);
        }
        let mut each = |result: FromWorkerResult| {
            done += 1;
            job.images(stage, item, done, total);
            let place = usize::try_from(result.sample).unwrap_or(usize::MAX);
            if let Some(slot) = predicted.get_mut(place) {
                *slot = result.into();
            }
        };
        let (_, cancelled) = worker
            .predict(
                batch.items,
                batch.body,
                want.clone(),
                None,
                job.cancel(),
                &mut each,
            )
            .await
            .map_err(unproven)?;
        if cancelled {
            return Err(Unproven::Stop(Stop::Cancelled));
        }
    }
    let count = match samples.len() {
        1 => "1 sample".to_owned(),
        count => format!("{count} samples"),
    };
    let who = if item == FILE_NAME { "preview" } else { item };
    job.log(Level::Info, &format!("{who}: {count} predicted"));
    Ok(predicted)
}

#[cfg(test)]
mod tests {
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
        let failure = check(&samples, &unreadable).expect_err("nothing to compare");
        assert_eq!(failure.code, Code::SampleUnreadable);
        let causes = ["a.jpg: The file is empty.", "b.jpg: It is no picture."];
        assert_eq!(failure.causes, causes);
        let one = [error("The file is empty."), Predicted::Classes(Vec::new())];
        assert_eq!(check(&samples, &one), Ok(()));
    }
}
