//! The window's jobs: building, publishing, proving; and the accounts that they need.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use boxwright_build::{Builder, Target};
use boxwright_model::LoadedPackage;
use boxwright_oci::Reference;
use boxwright_oci::registry::{ClientOptions, Secret};
use tokio_util::sync::CancellationToken;

use super::editing::nothing_open;
use super::{Inner, Result, Studio};
use crate::api::{
    Event, Job, JobKind, JobStatus, PublishRequest, PublishTo, Report, SignIn, SignInOutcome,
};
use crate::credentials::keychain;
use crate::errors::blocking;
use crate::failure::{Code, Failure, Stop};
use crate::history;
use crate::job::{JobChange, JobEvent, Running};
use crate::places::Places;
use crate::publish::{self, BuildRequest};
use crate::registry::Connection;
use crate::unfinished::{self, Shipment};

/// Samples that a proof compares at most: emulated, each takes seconds.
const MAX_PROOF: usize = 20;
/// How often a moving job is told.
const TELL: Duration = Duration::from_millis(100);

/// The jobs of the window, oldest first.
#[derive(Default)]
pub(super) struct Jobs {
    entries: Vec<Entry>,
    last_id: u32,
}

struct Entry {
    job: Job,
    shipment: Shipment,
    running: Option<Handle>,
    /// What is left of it from before a crash.
    note: Option<PathBuf>,
}

impl Entry {
    fn has_ended(&self) -> bool {
        !matches!(self.job.status, JobStatus::Running)
    }
}

/// A job that runs.
#[derive(Clone)]
pub(super) struct Handle {
    cancel: CancellationToken,
    ended: CancellationToken,
}

impl Handle {
    /// Waits for the job's end.
    pub(super) async fn ended(self) {
        self.ended.cancelled().await;
    }
}

impl Jobs {
    /// Those that ran when the program last ended, if it ended too soon.
    pub(super) fn interrupted(places: &Places) -> Self {
        let mut jobs = Self::default();
        for (note, shipment) in unfinished::interrupted(places) {
            jobs.last_id += 1;
            let failure = Failure::new(
                Code::Internal,
                "Boxwright ended while this was running",
                "Start it again: what had already arrived is not sent twice.",
            );
            let job = Job {
                id: jobs.last_id,
                kind: shipment.kind(),
                title: shipment.title(),
                stages: shipment
                    .stages()
                    .iter()
                    .map(|stage| (*stage).to_owned())
                    .collect(),
                stage: String::new(),
                items: Vec::new(),
                log: Vec::new(),
                status: JobStatus::Failed {
                    failure: failure.retryable(),
                    report: None,
                },
                elapsed_ms: 0,
                bytes_per_second: 0,
            };
            jobs.entries.push(Entry {
                job,
                shipment,
                running: None,
                note: Some(note),
            });
        }
        jobs
    }

    /// What the page shows, newest first.
    pub(super) fn list(&self) -> Vec<Job> {
        self.entries
            .iter()
            .rev()
            .map(|entry| entry.job.clone())
            .collect()
    }

    /// Whether one of them runs.
    pub(super) fn any_runs(&self) -> bool {
        self.entries.iter().any(|entry| !entry.has_ended())
    }

    /// Cancels those that run, and returns them.
    pub(super) fn cancel_all(&mut self) -> Vec<Handle> {
        let running: Vec<Handle> = self
            .entries
            .iter()
            .filter_map(|entry| entry.running.clone())
            .collect();
        for handle in &running {
            handle.cancel.cancel();
        }
        running
    }

    fn find(&mut self, id: u32) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.job.id == id)
    }
}

impl Studio {
    /// A file name to propose for an archive.
    pub fn archive_name(&self) -> String {
        let shown = self.inner.lock();
        match &shown.document {
            Some(open) => {
                let identity = &open.package().package;
                format!("{}-{}.tar", identity.name, identity.version)
            }
            None => "image.tar".to_owned(),
        }
    }

    /// Starts a build (`archive` says where to) or a publication, and returns the job's id.
    ///
    /// # Errors
    /// What can be refused at once: no package or one with problems, no target, a reference that
    /// is none. All else is the job's outcome.
    pub async fn publish(&self, request: PublishRequest, archive: Option<PathBuf>) -> Result<u32> {
        let shipment = {
            let mut shown = self.inner.lock();
            let document = shown.document.as_ref().ok_or_else(nothing_open)?;
            let package = document.loaded()?;
            let model = document.model().path.clone();
            let samples = if request.prove {
                shown.samples.files().into_iter().take(MAX_PROOF).collect()
            } else {
                Vec::new()
            };
            if let Some(folder) = archive.as_deref().and_then(Path::parent) {
                shown.last_folder = Some(folder.to_owned());
            }
            Shipment {
                root: package.root,
                package: package.package,
                model,
                request,
                archive,
                samples,
            }
        };
        shipment.check()?;
        self.inner.remember_choices(&shipment)?;
        Ok(self.inner.start(shipment))
    }

    /// Stops a job; its outcome comes as an event.
    pub fn cancel_job(&self, id: u32) {
        let mut shown = self.inner.lock();
        if let Some(running) = shown.jobs.find(id).and_then(|entry| entry.running.as_ref()) {
            running.cancel.cancel();
        }
    }

    /// Starts an ended job again as a new one, with the package as it was then.
    ///
    /// # Errors
    /// If there is no such job, or it still runs.
    pub async fn retry_job(&self, id: u32) -> Result<u32> {
        let shipment = {
            let mut shown = self.inner.lock();
            let entry = shown.jobs.find(id).filter(|entry| entry.has_ended());
            entry.map(|entry| entry.shipment.clone())
        };
        let shipment =
            shipment.ok_or_else(|| Failure::internal("this job can't be started again"))?;
        let new = self.inner.start(shipment);
        self.dismiss_job(id);
        Ok(new)
    }

    /// Takes an ended job off the list.
    pub fn dismiss_job(&self, id: u32) {
        let mut shown = self.inner.lock();
        shown.jobs.entries.retain(|entry| {
            let ended = entry.job.id == id && entry.has_ended();
            if let Some(note) = entry.note.as_deref().filter(|_| ended) {
                unfinished::forget(note);
            }
            !ended
        });
    }

    /// Checks a password against its registry and keeps it, unless a question to the user comes
    /// first.
    ///
    /// # Errors
    /// [`Code::RegistryUnauthorized`] if the registry refuses it; that it can't be reached, or the
    /// password can't be kept.
    pub async fn sign_in(&self, request: SignIn) -> Result<SignInOutcome> {
        let SignIn {
            registry,
            username,
            password,
            keep,
            plain_http,
            trust_realm,
        } = request;
        let password = Secret::new(password);
        let registry = registry.trim().to_owned();
        let mut connection = self.inner.connection();
        if plain_http && !connection.plain_http.contains(&registry) {
            connection.plain_http.push(registry.clone());
        }
        let accounts = &self.inner.accounts;
        let outcome = connection
            .sign_in(&registry, username, password, keep, trust_realm, accounts)
            .await?;
        if matches!(outcome, SignInOutcome::RealmUntrusted { .. }) {
            return Ok(outcome);
        }
        let settings = self.inner.lock().settings.clone();
        if settings.plain_http != connection.plain_http {
            let plain_http = connection.plain_http;
            self.set_settings(crate::api::Settings {
                plain_http,
                ..settings
            })?;
        }
        self.inner.tell(Event::Accounts(accounts.list()));
        Ok(outcome)
    }

    /// Forgets the credentials of a registry.
    ///
    /// # Errors
    /// If they are somewhere that can't be asked.
    pub async fn sign_out(&self, registry: &str) -> Result<()> {
        let (accounts, registry) = (Arc::clone(&self.inner.accounts), registry.to_owned());
        blocking(move || accounts.forget(&registry)).await?;
        self.inner.tell(Event::Accounts(self.inner.accounts.list()));
        Ok(())
    }

    /// Whether the system has a keychain that answers.
    pub async fn keychain_available(&self) -> bool {
        let asked = tokio::task::spawn_blocking(keychain::available).await;
        matches!(asked, Ok(Ok(())))
    }
}

impl Inner {
    fn connection(&self) -> Connection {
        let plain_http = self.lock().settings.plain_http.clone();
        Connection {
            plain_http,
            ca_file: None,
        }
    }

    /// The choices that the next publication starts from.
    fn remember_choices(&self, shipment: &Shipment) -> Result<()> {
        let mut shown = self.lock();
        let settings = &mut shown.settings;
        let before = settings.clone();
        settings.targets.clone_from(&shipment.request.targets);
        match &shipment.request.to {
            PublishTo::Registry { reference } => {
                let reference: Reference = reference.parse()?;
                reference.registry().clone_into(&mut settings.registry);
                let namespace = reference.repository().rsplit_once('/');
                settings.namespace = namespace.map_or("", |(namespace, _)| namespace).to_owned();
                settings.prove = shipment.request.prove;
            }
            PublishTo::Archive => settings.registry.clear(),
        }
        if *settings != before {
            history::keep_settings(&self.places, settings)?;
            self.tell(Event::Settings(settings.clone()));
        }
        Ok(())
    }

    /// Starts a job and returns its id.
    fn start(self: &Arc<Self>, shipment: Shipment) -> u32 {
        let mut shown = self.lock();
        shown.jobs.last_id += 1;
        let id = shown.jobs.last_id;
        let told = Mutex::new(None);
        let inner = Arc::downgrade(self);
        let watch = move |event: &JobEvent, job: &Job| {
            if let Some(inner) = inner.upgrade() {
                inner.moved(event, job, &told);
            }
        };
        // The watcher needs the lock that is held here.
        drop(shown);
        let (kind, title, stages) = (shipment.kind(), shipment.title(), shipment.stages());
        let running = Running::unstarted(id, kind, &title, stages, Arc::new(watch));
        let handle = Handle {
            cancel: running.cancel().clone(),
            ended: CancellationToken::new(),
        };
        let entry = Entry {
            job: running.job(),
            shipment: shipment.clone(),
            running: Some(handle.clone()),
            note: None,
        };
        self.lock().jobs.entries.push(entry);
        running.begin();
        let (inner, work) = (Arc::clone(self), running.clone());
        let task = self
            .runtime
            .spawn(async move { inner.ship(&shipment, &work).await });
        let inner = Arc::clone(self);
        self.runtime.spawn(async move {
            if let Err(panicked) = task.await {
                running.stop(Stop::Failed(panicked.into()));
            }
            if let Some(entry) = inner.lock().jobs.find(id) {
                entry.running = None;
            }
            handle.ended.cancel();
        });
        id
    }

    /// A job moved: keeps how it stands, and tells it, but not too often.
    fn moved(&self, event: &JobEvent, job: &Job, told: &Mutex<Option<Instant>>) {
        let mut shown = self.lock();
        let Some(entry) = shown.jobs.find(job.id) else {
            return;
        };
        entry.job = job.clone();
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = told.is_some_and(|at| at.elapsed() < TELL);
        if recent && matches!(event.change, JobChange::Progress { .. }) {
            return;
        }
        *told = Some(Instant::now());
        self.tell(Event::Job(job.clone()));
    }

    /// Does what a job is for, and ends it.
    async fn ship(&self, shipment: &Shipment, job: &Running) {
        let noted = unfinished::note(&self.places, shipment);
        let result = self.build_or_publish(shipment, job).await;
        if let Some(note) = noted {
            note.remove();
        }
        match result {
            Ok(report) => {
                let identity = &shipment.package.package;
                let (name, version) = (&identity.name, &identity.version);
                if let Ok(list) = history::add_published(&self.places, name, version, &report) {
                    self.tell(Event::History(list));
                }
                let result = serde_json::to_value(&report).unwrap_or_default();
                job.finish(result, Some(report));
            }
            Err(stop) => job.stop(stop),
        }
    }

    async fn build_or_publish(&self, shipment: &Shipment, job: &Running) -> Result<Report, Stop> {
        let build = build_request(shipment, &self.places).await?;
        let to: Reference = match (&shipment.request.to, &shipment.archive) {
            (PublishTo::Archive, Some(file)) => {
                return publish::build_archive(&self.share, &build, None, file, job).await;
            }
            (PublishTo::Archive, None) => {
                return Err(Failure::internal("no file was chosen for the archive").into());
            }
            (PublishTo::Registry { reference }, _) => reference.parse()?,
        };
        let connection = self.connection();
        let client = connection.client(to.registry(), &self.accounts, &self.places);
        let client = job.or_cancelled(client).await?;
        let prove = shipment.request.prove && !shipment.samples.is_empty();
        let request = publish::PublishRequest {
            build,
            to,
            replace: shipment.request.replace,
            samples: prove.then(|| shipment.samples.clone()),
            max_pixels: self.lock().settings.max_pixels,
            client,
        };
        publish::publish(&self.share, &request, job).await
    }
}

async fn build_request(shipment: &Shipment, places: &Places) -> Result<BuildRequest> {
    let targets: Vec<Target> = shipment.targets()?;
    let (package, root) = (shipment.package.clone(), shipment.root.clone());
    let model = shipment.model.clone();
    let (package, model) = blocking(move || -> Result<_> {
        Ok((
            LoadedPackage::from_parts(package, &root)?,
            boxwright_model::inspect(&model)?,
        ))
    })
    .await?;
    let (cache, builder) = (places.cache.clone(), Builder::Embedded);
    let base_client = ClientOptions::default();
    Ok(BuildRequest {
        package,
        model,
        targets,
        builder,
        base: None,
        base_client,
        cache,
    })
}

impl Shipment {
    /// What kind of job it is.
    pub(super) fn kind(&self) -> JobKind {
        match self.request.to {
            PublishTo::Archive => JobKind::Build,
            PublishTo::Registry { .. } => JobKind::Publish,
        }
    }

    /// What it is about, in words.
    pub(super) fn title(&self) -> String {
        match (&self.request.to, &self.archive) {
            (PublishTo::Registry { reference }, _) => reference.clone(),
            (PublishTo::Archive, file) => {
                let name = file
                    .as_deref()
                    .and_then(Path::file_name)
                    .unwrap_or_default();
                name.to_string_lossy().into_owned()
            }
        }
    }

    /// The stages that it goes through.
    pub(super) fn stages(&self) -> &'static [&'static str] {
        match self.request.to {
            PublishTo::Archive => &publish::BUILD_STAGES,
            PublishTo::Registry { .. } if self.request.prove && !self.samples.is_empty() => {
                &publish::PROVEN_STAGES
            }
            PublishTo::Registry { .. } => &publish::PUBLISH_STAGES,
        }
    }

    fn targets(&self) -> Result<Vec<Target>> {
        let targets = Target::parse_list(&self.request.targets.join(","));
        Ok(targets.map_err(boxwright_build::Error::from)?)
    }

    /// What can be refused at once.
    fn check(&self) -> Result<()> {
        self.targets()?;
        if let PublishTo::Registry { reference } = &self.request.to {
            reference.parse::<Reference>()?;
        }
        Ok(())
    }
}
