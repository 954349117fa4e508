//! The worker inside a pulled image: in Docker where an engine answers, otherwise in namespaces.

use std::path::Path;

use boxwright_build::{DataDir, docker};
use boxwright_oci::registry::PulledImage;
use boxwright_worker::{Worker, WorkerError};

use super::namespaces::{self, Execution};
use crate::errors::blocking;
use crate::failure::{Code, Failure};
use crate::job::JobHandle;
use crate::worker_session::WorkerSession;

/// The worker inside a pulled image, and the container that it runs in.
pub(super) struct ImageWorker {
    pub(super) session: WorkerSession,
    container: Option<docker::Container>,
}

impl ImageWorker {
    /// Starts an image's worker; `folder` is where the image may be unpacked. Returns by what it is
    /// run too, or in words why it is not.
    pub(super) async fn start(
        data_dir: &DataDir,
        image: &PulledImage,
        folder: &Path,
        execution: Execution,
        job: &JobHandle,
    ) -> Result<(Self, &'static str), String> {
        let docker_error = match docker::ping().await {
            Ok(_) => match in_docker(image, folder, execution, job).await {
                Ok(worker) => return Ok((worker, "docker")),
                Err(reason) => Some(reason),
            },
            Err(_) => None,
        };
        match in_namespaces(data_dir, image, folder).await {
            Ok(worker) => Ok((worker, "namespaces")),
            Err(reason) => Err(match docker_error {
                Some(docker) => format!("Docker: {docker}; without it: {reason}"),
                None => reason,
            }),
        }
    }

    /// Ends the worker, and removes its container.
    pub(super) async fn stop(mut self) {
        self.session.stop().await;
        if let Some(container) = self.container {
            container.remove().await;
        }
    }
}

async fn in_docker(
    image: &PulledImage,
    folder: &Path,
    execution: Execution,
    job: &JobHandle,
) -> Result<ImageWorker, String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let emulated = execution == Execution::Emulated;
    let started = docker::run_worker(image, emulated, folder, job.cancel()).await;
    let docker::ContainerWorker {
        reader,
        writer,
        container,
    } = started.map_err(|error| error.to_string())?;
    match Worker::attach(reader, writer).await {
        Ok(worker) => Ok(ImageWorker {
            session: WorkerSession::attached(worker),
            container: Some(container),
        }),
        Err(error) => {
            let ended = container.ended().await;
            container.remove().await;
            Err(ended.unwrap_or_else(|| error_text(&error)))
        }
    }
}

async fn in_namespaces(
    data_dir: &DataDir,
    image: &PulledImage,
    folder: &Path,
) -> Result<ImageWorker, String> {
    let catalogue = data_dir.catalogue().map_err(|error| error.to_string())?;
    let (image, root) = (image.clone(), folder.join("root"));
    let unpacked = blocking(move || {
        let refused = |reason: String| Failure::new(Code::BuildFailed, reason, "");
        std::fs::create_dir_all(&root).map_err(|error| refused(error.to_string()))?;
        namespaces::command(&image, &catalogue, &root).map_err(refused)
    });
    let command = unpacked.await.map_err(|failure| failure.message)?;
    let worker = Worker::start(&command)
        .await
        .map_err(|error| error_text(&error))?;
    Ok(ImageWorker {
        session: WorkerSession::attached(worker),
        container: None,
    })
}

/// What happened to a worker, with the last line of its stderr.
pub(super) fn error_text(error: &WorkerError) -> String {
    match error {
        WorkerError::Lost { stderr, .. } if !stderr.is_empty() => {
            let last = stderr.lines().last().unwrap_or_default();
            format!("{error}: {last}")
        }
        other => other.to_string(),
    }
}
