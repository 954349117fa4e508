//! The proof: what was published is pulled back and predicts the samples as the preview does.

pub mod compare;
pub mod namespaces;

use std::path::{Path, PathBuf};
use std::time::Duration;

use boxwright_build::{Share, docker};
use boxwright_model::LoadedPackage;
use boxwright_model::package::Task;
use boxwright_oci::registry::{Client, PulledImage};
use boxwright_oci::{Level, Progress, Reference};
use boxwright_worker::{FromWorkerResult, Load, Want, Worker, WorkerError};

use crate::api::{Proof, ProofStatus, Report, ReportImage, ReportPlatform};
use crate::errors::blocking;
use crate::failure::{Code, Failure, Stop};
use crate::job::Running;
use crate::preview::{Engine, RunOptions, Travel, next_batch, no_sample};
use crate::samples::SampleFile;
use compare::{Comparison, EMULATED, Predicted, SAME_ARCHITECTURE};
use namespaces::Way;

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
pub async fn run(share: &Share, request: &VerifyRequest, job: &Running) -> Result<Report, Stop> {
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
        share: &Share,
        package: &LoadedPackage,
        samples: &[SampleFile],
        stage: &str,
        job: &Running,
    ) -> Result<Self, Stop> {
        let mut engine = Engine::new(share);
        let options = RunOptions {
            device: "cpu".to_owned(),
            ..RunOptions::default()
        };
        let (worker, _) = job.or_cancelled(engine.load(package, &options)).await?;
        let predictions = predictions(worker, package, samples, stage, job).await?;
        engine.stop().await;
        if predictions
            .iter()
            .all(|prediction| matches!(prediction, Predicted::Error(_)))
        {
            return Err(no_sample().into());
        }
        Ok(Self { predictions })
    }
}

/// Proves every platform under a reference; returns the digest that was pulled, and them. What the
/// preview makes of the samples is found out where it is not known yet.
///
/// # Errors
/// What pulling or the preview fails with.
pub async fn prove(
    share: &Share,
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
            None => Expected::predict(share, &request.package, &request.samples, PULL, job).await,
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
    share: &Share,
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
    let started = tokio::select! {
        started = start(share, image, place, way, job) => started,
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
    let item = image.platform.to_string();
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
        Err(Unproven::Differs(reason)) => {
            let reason = Some(reason);
            let by = Some(by.to_owned());
            let status = ProofStatus::Differs;
            return Ok(Proof {
                status,
                by,
                samples: 0,
                max_difference: None,
                reason,
            });
        }
    };
    Ok(proof(request, expected, &predicted, tolerance, by))
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

/// A worker of a pulled image, and what keeps it there.
struct Runner {
    worker: Worker,
    container: Option<docker::Container>,
}

impl Runner {
    async fn stop(self) {
        self.worker.stop().await;
        if let Some(container) = self.container {
            container.remove().await;
        }
    }
}

/// Starts an image's worker: in Docker where an engine answers, otherwise in namespaces.
async fn start(
    share: &Share,
    image: &PulledImage,
    place: &Path,
    way: Way,
    job: &Running,
) -> Result<(Runner, &'static str), String> {
    let in_docker = match docker::ping().await {
        Ok(_) => match in_docker(image, place, way, job).await {
            Ok(runner) => return Ok((runner, "docker")),
            Err(reason) => Some(reason),
        },
        Err(_) => None,
    };
    match in_namespaces(share, image, place).await {
        Ok(runner) => Ok((runner, "namespaces")),
        Err(reason) => Err(match in_docker {
            Some(docker) => format!("Docker: {docker}; without it: {reason}"),
            None => reason,
        }),
    }
}

async fn in_docker(
    image: &PulledImage,
    place: &Path,
    way: Way,
    job: &Running,
) -> Result<Runner, String> {
    std::fs::create_dir_all(place).map_err(|error| error.to_string())?;
    let emulated = way == Way::Emulated;
    let started = docker::run_worker(image, emulated, place, job.cancel()).await;
    let docker::ContainerWorker {
        reader,
        writer,
        container,
    } = started.map_err(|error| error.to_string())?;
    match Worker::attach(reader, writer).await {
        Ok(worker) => Ok(Runner {
            worker,
            container: Some(container),
        }),
        Err(error) => {
            let ended = container.ended().await;
            container.remove().await;
            Err(ended.unwrap_or_else(|| in_words(&error)))
        }
    }
}

async fn in_namespaces(share: &Share, image: &PulledImage, place: &Path) -> Result<Runner, String> {
    let catalogue = share.catalogue().map_err(|error| error.to_string())?;
    let (image, root) = (image.clone(), place.join("root"));
    let laid_out = blocking(move || {
        let refused = |reason: String| Failure::new(Code::BuildFailed, reason, "");
        std::fs::create_dir_all(&root).map_err(|error| refused(error.to_string()))?;
        namespaces::command(&image, &catalogue, &root).map_err(refused)
    });
    let command = laid_out.await.map_err(|failure| failure.message)?;
    let worker = Worker::start(&command)
        .await
        .map_err(|error| in_words(&error))?;
    Ok(Runner {
        worker,
        container: None,
    })
}

fn in_words(error: &WorkerError) -> String {
    match error {
        WorkerError::Lost { stderr, .. } if !stderr.is_empty() => {
            let last = stderr.lines().last().unwrap_or_default();
            format!("{error}: {last}")
        }
        other => other.to_string(),
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
        max_pixels: None,
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
    match predict(worker, package, samples, (stage, "preview"), job).await {
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
        thumbnail: 0,
    };
    let all: Vec<(u64, SampleFile)> = (0..).zip(samples.iter().cloned()).collect();
    let lost = || Predicted::Error("no result".to_owned());
    let mut predicted: Vec<Predicted> = all.iter().map(|_| lost()).collect();
    let mut done = 0;
    let mut rest = all.as_slice();
    while !rest.is_empty() {
        let batch = next_batch(&mut rest, Travel::Bytes);
        for (id, error) in batch.unreadable {
            predicted[id as usize] = Predicted::Error(error.code);
        }
        let mut each = |result: FromWorkerResult| {
            done += 1;
            job.images(stage, item, done, samples.len() as u64);
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
    job.log(
        Level::Info,
        &format!("{item}: {} samples predicted", samples.len()),
    );
    Ok(predicted)
}
