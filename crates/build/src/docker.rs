//! Docker Engine, as far as the proof needs it: whether it answers, and a worker in a container of
//! what was published.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptions, ImportImageOptions,
    RemoveContainerOptionsBuilder, RemoveImageOptions, StartContainerOptions,
};
use boxwright_files::Silent;
use boxwright_oci::registry::PulledImage;
use boxwright_oci::{Image, ImageSet, Layer, Platform, Reference, archive};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::{ReaderStream, StreamReader};
use tokio_util::sync::CancellationToken;

use crate::image::SERVE;
use crate::{Error, Result};

/// How long the engine may take to answer.
const PING_TIMEOUT: Duration = Duration::from_secs(3);

/// A Docker Engine that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineVersion {
    /// `20.10.24`.
    pub version: String,
    /// The version of its interface: `1.41`.
    pub api: String,
    /// What it runs without emulation.
    pub platform: Platform,
}

/// Asks the engine that `DOCKER_HOST` names, or this machine's, for its version.
///
/// # Errors
/// [`Error::EngineUnavailable`] with the reason.
pub async fn ping() -> Result<EngineVersion> {
    connect().await.map(|(_, version)| version)
}

async fn connect() -> Result<(Docker, EngineVersion)> {
    let asked = async {
        let docker = Docker::connect_with_defaults()?.negotiate_version().await?;
        let version = docker.version().await?;
        Ok::<_, bollard::errors::Error>((docker, version))
    };
    let answer = tokio::time::timeout(PING_TIMEOUT, asked).await;
    let (docker, version) = answer
        .map_err(|_| unavailable("it does not answer"))?
        .map_err(unavailable)?;
    let known = |text: Option<String>| text.unwrap_or_else(|| "unknown".into());
    let version = EngineVersion {
        version: known(version.version),
        api: known(version.api_version),
        platform: Platform {
            os: version.os.unwrap_or_else(|| "linux".into()),
            architecture: known(version.arch),
            variant: None,
        },
    };
    Ok((docker, version))
}

fn unavailable(reason: impl ToString) -> Error {
    Error::EngineUnavailable {
        reason: reason.to_string(),
    }
}

/// A worker in a container, with its standard input and output.
pub struct ContainerWorker {
    /// What the worker writes.
    pub reader: Pin<Box<dyn AsyncRead + Send>>,
    /// What the worker reads.
    pub writer: Pin<Box<dyn AsyncWrite + Send>>,
    /// Ends the container and removes it when it is dropped.
    pub container: Container,
}

/// Hands `image` to the engine and starts `boxwright-serve worker` in a container of it: without a
/// network or any privilege, with a read-only root file system. `scratch` is a folder with room for
/// the image. `emulated` says that its processor is not the engine's own.
///
/// # Errors
/// [`Error::EngineUnavailable`] for whatever the engine refuses; [`Error::Oci`] when the image
/// can't be written to `scratch`, or `cancel` is cancelled.
pub async fn run_worker(
    image: &PulledImage,
    emulated: bool,
    scratch: &Path,
    cancel: &CancellationToken,
) -> Result<ContainerWorker> {
    let (docker, _) = connect().await?;
    let digest = image.manifest_digest.hex();
    let name = format!("localhost/boxwright-proof:{digest}");
    // Named before they exist, so that they are removed however far this gets.
    let container = Container {
        docker: docker.clone(),
        name: Some(container_name(&digest)),
        image: Some(name.clone()),
    };
    let started = async {
        load(&docker, image, &name, scratch, cancel).await?;
        start(&docker, worker_container(&name, emulated), &container).await
    };
    let started = tokio::select! {
        started = started => started,
        () = cancel.cancelled() => Err(boxwright_oci::Error::Cancelled.into()),
    };
    match started {
        Ok((reader, writer)) => Ok(ContainerWorker {
            reader,
            writer,
            container,
        }),
        Err(error) => {
            container.remove().await;
            Err(error)
        }
    }
}

type Streams = (
    Pin<Box<dyn AsyncRead + Send>>,
    Pin<Box<dyn AsyncWrite + Send>>,
);

/// A name that no other container has.
fn container_name(digest: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    format!("boxwright-proof-{}-{process}-{count}", &digest[..12])
}

async fn start(
    docker: &Docker,
    body: ContainerCreateBody,
    container: &Container,
) -> Result<Streams> {
    let named = CreateContainerOptions {
        name: container.name.clone(),
        ..CreateContainerOptions::default()
    };
    let id = docker
        .create_container(Some(named), body)
        .await
        .map_err(unavailable)?
        .id;
    let attach = AttachContainerOptionsBuilder::default()
        .stream(true)
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .build();
    let streams = docker
        .attach_container(&id, Some(attach))
        .await
        .map_err(unavailable)?;
    docker
        .start_container(&id, None::<StartContainerOptions>)
        .await
        .map_err(unavailable)?;
    let reader = StreamReader::new(Box::pin(stdout(streams.output)));
    Ok((Box::pin(reader), streams.input))
}

fn worker_container(image: &str, emulated: bool) -> ContainerCreateBody {
    // Under emulation ONNX Runtime's look at the processors fails on those of the host.
    let hidden = ("/sys/devices/system/cpu".to_owned(), String::new());
    ContainerCreateBody {
        image: Some(image.to_owned()),
        entrypoint: Some(vec![SERVE.to_owned()]),
        cmd: Some(vec!["worker".to_owned()]),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        open_stdin: Some(true),
        stdin_once: Some(true),
        tty: Some(false),
        host_config: Some(HostConfig {
            network_mode: Some("none".into()),
            readonly_rootfs: Some(true),
            cap_drop: Some(vec!["ALL".into()]),
            security_opt: Some(vec!["no-new-privileges".into()]),
            tmpfs: emulated.then(|| HashMap::from([hidden])),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// The bytes of standard output; what comes on standard error is logged.
fn stdout(
    output: impl Stream<Item = Result<LogOutput, bollard::errors::Error>> + Send,
) -> impl Stream<Item = std::io::Result<Bytes>> + Send {
    output
        .map_err(std::io::Error::other)
        .try_filter_map(|output| async move {
            Ok(match output {
                LogOutput::StdOut { message } | LogOutput::Console { message } => Some(message),
                LogOutput::StdErr { message } => {
                    tracing::debug!("worker: {}", String::from_utf8_lossy(&message).trim_end());
                    None
                }
                LogOutput::StdIn { .. } => None,
            })
        })
}

async fn load(
    docker: &Docker,
    image: &PulledImage,
    name: &str,
    scratch: &Path,
    cancel: &CancellationToken,
) -> Result<()> {
    let (set, reference) = (image_set(image), name.parse::<Reference>()?);
    let folder = tempfile::tempdir_in(scratch)
        .map_err(|error| boxwright_model::Error::io(scratch, "written", error))?;
    let path = folder.path().join("image.tar");
    let (to, cancel) = (path.clone(), cancel.clone());
    let write = move || archive::write(&[(&set, Some(&reference))], &to, &Silent, &cancel);
    match tokio::task::spawn_blocking(write).await {
        Ok(written) => written?,
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        Err(_) => return Err(boxwright_oci::Error::Cancelled.into()),
    };
    let file = tokio::fs::File::open(&path)
        .await
        .map_err(|error| boxwright_model::Error::io(&path, "read", error))?;
    let mut answers =
        docker.import_image_stream(ImportImageOptions::default(), ReaderStream::new(file), None);
    while let Some(answer) = answers.next().await {
        answer.map_err(unavailable)?;
    }
    Ok(())
}

/// What was pulled, as an image of its own.
fn image_set(image: &PulledImage) -> ImageSet {
    let diff_ids = &image.config.rootfs.diff_ids;
    let layers = image.layers.iter().zip(diff_ids);
    let layers = layers.map(|((descriptor, path), diff_id)| {
        Layer::file(path.clone(), descriptor.clone(), *diff_id, "layer")
    });
    let (platform, config) = (image.platform.clone(), image.config.clone());
    let image = Image::new(platform, config, layers.collect(), BTreeMap::new());
    ImageSet::new(vec![image], BTreeMap::new())
}

/// A container and its image in the engine; both are removed when this is dropped.
pub struct Container {
    docker: Docker,
    name: Option<String>,
    image: Option<String>,
}

impl Container {
    /// How the container ended, in words; nothing while it runs.
    pub async fn ended(&self) -> Option<String> {
        let name = self.name.as_ref()?;
        let state = self
            .docker
            .inspect_container(name, None)
            .await
            .ok()?
            .state?;
        if state.running == Some(true) {
            return None;
        }
        let error = state.error.filter(|error| !error.is_empty());
        let status = state.exit_code.unwrap_or_default();
        Some(match (error, state.oom_killed) {
            (Some(error), _) => error,
            (None, Some(true)) => "it ran out of memory".into(),
            (None, _) => format!("it ended with status {status}"),
        })
    }

    /// Ends and removes the container and its image now.
    pub async fn remove(mut self) {
        remove(self.docker.clone(), self.name.take(), self.image.take()).await;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let (name, image) = (self.name.take(), self.image.take());
        if name.is_none() && image.is_none() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(remove(self.docker.clone(), name, image));
        }
    }
}

async fn remove(docker: Docker, container: Option<String>, image: Option<String>) {
    if let Some(container) = container {
        let by_force = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        let removed = docker.remove_container(&container, Some(by_force)).await;
        log_failure(removed.map(drop), &container);
    }
    if let Some(image) = image {
        let options = None::<RemoveImageOptions>;
        let removed = docker.remove_image(&image, options, None).await;
        log_failure(removed.map(drop), &image);
    }
}

fn log_failure(removed: Result<(), bollard::errors::Error>, what: &str) {
    use bollard::errors::Error::DockerResponseServerError;
    match removed {
        // It was never made.
        Ok(())
        | Err(DockerResponseServerError {
            status_code: 404, ..
        }) => {}
        Err(error) => tracing::warn!(%error, "{what} could not be removed from Docker Engine"),
    }
}
