//! An image's own worker: in Docker where an engine answers, otherwise in namespaces.

use std::path::Path;

use boxwright_build::{DataDir, docker};
use boxwright_oci::registry::PulledImage;
use boxwright_worker::{Worker, WorkerError};

use super::namespaces::{self, Way};
use crate::errors::blocking;
use crate::failure::{Code, Failure};
use crate::job::Running;

/// A worker of a pulled image, and what keeps it there.
pub(super) struct Runner {
    pub(super) worker: Worker,
    container: Option<docker::Container>,
}

impl Runner {
    /// Ends it, and takes its container away.
    pub(super) async fn stop(self) {
        self.worker.stop().await;
        if let Some(container) = self.container {
            container.remove().await;
        }
    }
}

/// Starts an image's worker, in `place` where it is unpacked; says by what it runs, or in words why
/// it does not.
pub(super) async fn start(
    share: &DataDir,
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

async fn in_namespaces(
    share: &DataDir,
    image: &PulledImage,
    place: &Path,
) -> Result<Runner, String> {
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

/// What became of a worker, with what it last said.
pub(super) fn in_words(error: &WorkerError) -> String {
    match error {
        WorkerError::Lost { stderr, .. } if !stderr.is_empty() => {
            let last = stderr.lines().last().unwrap_or_default();
            format!("{error}: {last}")
        }
        other => other.to_string(),
    }
}
