//! Starting, cancelling and repeating jobs of any kind; and the parameters of a publication.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use boxwright_build::{Builder, Target};
use boxwright_oci::Reference;
use tokio_util::sync::CancellationToken;

use super::job_list::{JobEntry, RunningJob};
use super::window_state::{Inner, Studio, WindowState, no_document};
use crate::api::{Event, Job, PublishRequest, PublishTo, ReportImage};
use crate::failure::{Code, Failure, Result, Stop};
use crate::history;
use crate::job::{JobChange, JobEvent, JobHandle, JobObserver};
use crate::job_kinds::persisted::JobFile;
use crate::job_kinds::{BuildJob, Context, ImageSource, JobRequest, PublishJob};
use crate::registry::Connection;

/// Most samples that are compared when an image is verified: emulated, each takes seconds.
const MAX_VERIFIED_SAMPLES: usize = 20;
/// How often an event of a job's progress is sent at most.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

impl Studio {
    /// A file name to propose for an archive.
    pub fn archive_name(&self) -> String {
        let state = self.inner.lock();
        match &state.document {
            Some(open) => {
                let identity = &open.package().package;
                format!("{}-{}.tar", identity.name, identity.version)
            }
            None => "image.tar".to_owned(),
        }
    }

    /// Starts a build (into the file `archive`) or a publication, and returns the job's id.
    ///
    /// # Errors
    /// What can be refused at once: no package or one with problems, no target, an invalid
    /// reference. Everything else is the job's outcome.
    pub async fn publish(&self, request: PublishRequest, archive: Option<PathBuf>) -> Result<u32> {
        let job = {
            let mut state = self.inner.lock();
            if let Some(folder) = archive.as_deref().and_then(Path::parent) {
                state.last_folder = Some(folder.to_owned());
            }
            job_request(&state, &request, archive)?
        };
        self.inner.save_choices(&request)?;
        Ok(self.inner.start(job))
    }

    /// The command that runs a published image with Docker.
    ///
    /// # Errors
    /// [`Code::ReferenceInvalid`] for an image in an archive.
    pub fn docker_run(&self, image: &ReportImage) -> Result<String> {
        image.docker_run().ok_or_else(|| {
            Failure::new(
                Code::ReferenceInvalid,
                format!("{} is in no registry", image.reference),
                "Publish the image to a registry first.",
            )
        })
    }

    /// Cancels a job; its outcome comes as an event.
    pub fn cancel_job(&self, id: u32) {
        let mut state = self.inner.lock();
        if let Some(running) = state.jobs.find(id).and_then(|entry| entry.running.as_ref()) {
            running.cancel.cancel();
        }
    }

    /// Starts an ended job again as a new one, with its parameters.
    ///
    /// # Errors
    /// If there is no such job, or it still runs.
    pub async fn retry_job(&self, id: u32) -> Result<u32> {
        let request = {
            let mut state = self.inner.lock();
            let entry = state.jobs.find(id).filter(|entry| entry.has_ended());
            entry.map(|entry| entry.request.clone())
        };
        let request =
            request.ok_or_else(|| Failure::internal("this job can't be started again"))?;
        let new = self.inner.start(request);
        self.dismiss_job(id);
        Ok(new)
    }

    /// Removes an ended job from the list.
    pub fn dismiss_job(&self, id: u32) {
        self.inner.lock().jobs.remove_ended(id);
    }
}

/// The job that the page asks for, with the open package.
fn job_request(
    state: &WindowState,
    request: &PublishRequest,
    archive: Option<PathBuf>,
) -> Result<JobRequest> {
    let document = state.document.as_ref().ok_or_else(no_document)?;
    let package = document.loaded()?;
    let targets = Target::parse_list(&request.targets.join(","));
    let source = ImageSource {
        root: package.root,
        package: package.package,
        model: document.model().path.clone(),
        targets: targets.map_err(boxwright_build::Error::from)?,
        builder: Builder::Embedded,
        base: None,
    };
    Ok(match &request.to {
        PublishTo::Registry { reference } => {
            let samples = state.samples.files().into_iter();
            let samples: Vec<_> = samples.take(MAX_VERIFIED_SAMPLES).collect();
            JobRequest::Publish(PublishJob {
                source,
                to: reference.parse()?,
                replace: request.replace,
                samples: (request.prove && !samples.is_empty()).then_some(samples),
            })
        }
        PublishTo::Archive => JobRequest::Build(BuildJob {
            source,
            tag: None,
            output: archive
                .ok_or_else(|| Failure::internal("no file was chosen for the archive"))?,
        }),
    })
}

impl Inner {
    /// How registries are spoken to, by the settings.
    pub(super) fn connection(&self) -> Connection {
        let plain_http = self.lock().settings.plain_http.clone();
        Connection {
            plain_http,
            ca_file: None,
        }
    }

    /// What a job that starts now runs with.
    fn context(&self) -> Context {
        Context {
            data_dir: self.data_dir.clone(),
            directories: self.directories.clone(),
            accounts: Arc::clone(&self.accounts),
            connection: self.connection(),
            max_pixels: self.lock().settings.max_pixels,
        }
    }

    /// Stores the choices as defaults of the next publication.
    fn save_choices(&self, request: &PublishRequest) -> Result<()> {
        let mut state = self.lock();
        let settings = &mut state.settings;
        let before = settings.clone();
        settings.targets.clone_from(&request.targets);
        match &request.to {
            PublishTo::Registry { reference } => {
                let reference: Reference = reference.parse()?;
                reference.registry().clone_into(&mut settings.registry);
                let namespace = reference.repository().rsplit_once('/');
                settings.namespace = namespace.map_or("", |(namespace, _)| namespace).to_owned();
                settings.prove = request.prove;
            }
            PublishTo::Archive => settings.registry.clear(),
        }
        if *settings != before {
            history::save_settings(&self.directories, settings)?;
            self.emit(Event::Settings(settings.clone()));
        }
        Ok(())
    }

    /// Starts a job and returns its id.
    fn start(self: &Arc<Self>, request: JobRequest) -> u32 {
        let id = self.lock().jobs.next_id();
        let (kind, title, stages) = (request.kind(), request.title(), request.stages());
        let handle = JobHandle::unstarted(id, kind, &title, stages, self.observer());
        let running = RunningJob {
            cancel: handle.cancel().clone(),
            ended: CancellationToken::new(),
        };
        let entry = JobEntry {
            job: handle.job(),
            request: request.clone(),
            running: Some(running.clone()),
            file: None,
        };
        self.lock().jobs.add(entry);
        handle.begin();
        let (inner, job) = (Arc::clone(self), handle.clone());
        let task = self
            .runtime
            .spawn(async move { inner.run(&request, &job).await });
        let inner = Arc::clone(self);
        self.runtime.spawn(async move {
            if let Err(panicked) = task.await {
                handle.stop(Stop::Failed(panicked.into()));
            }
            if let Some(entry) = inner.lock().jobs.find(id) {
                entry.running = None;
            }
            running.ended.cancel();
        });
        id
    }

    /// Records a job's state at each event and sends it to the page, progress not too often.
    fn observer(self: &Arc<Self>) -> Arc<JobObserver> {
        let (inner, sent) = (Arc::downgrade(self), Mutex::new(None::<Instant>));
        Arc::new(move |event: &JobEvent, job: &Job| {
            let Some(inner) = inner.upgrade() else {
                return;
            };
            let mut state = inner.lock();
            let Some(entry) = state.jobs.find(job.id) else {
                return;
            };
            entry.job = job.clone();
            let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
            let recent = sent.is_some_and(|at| at.elapsed() < PROGRESS_INTERVAL);
            if recent && matches!(event.change, JobChange::Progress { .. }) {
                return;
            }
            *sent = Some(Instant::now());
            inner.emit(Event::Job(job.clone()));
        })
    }

    /// Does a job's work, and ends it.
    async fn run(&self, request: &JobRequest, job: &JobHandle) {
        let file = JobFile::create(&self.directories, request);
        let result = request.run(&self.context(), job).await;
        if let Some(file) = file {
            file.remove();
        }
        match result {
            Ok(result) => {
                // Jobs of some kinds add to the history.
                let history = history::published(&self.directories);
                self.emit(Event::History(history));
                job.finish(result);
            }
            Err(stop) => job.stop(stop),
        }
    }
}
