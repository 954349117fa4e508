//! The window's state machine: everything that the page shows and may ask for, without a
//! transport. A shell forwards commands to [`Studio`] and [`Event`]s to the page.

mod editing;
mod opening;
mod previewing;
mod shipping;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use boxwright_build::DataDir;
use boxwright_model::LoadedPackage;
use tokio::runtime::Handle;
use tokio::sync::broadcast;

use crate::api::{Doctor, Event, Settings, State};
use crate::credentials::Accounts;
use crate::doctor;
use crate::document::OpenDocument;
use crate::errors::blocking;
use crate::failure::Failure;
use crate::history::{self, RecentPath};
use crate::places::Places;
use crate::preview::{Live, Pictures, PreviewSamples};
use crate::targets;
use shipping::Jobs;

/// A result that a front end shows.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Events that a slow receiver may be behind.
const EVENTS: usize = 1024;

/// The window's state. Cheap to clone; all clones are the same studio.
#[derive(Clone)]
pub struct Studio {
    inner: Arc<Inner>,
}

struct Inner {
    share: DataDir,
    places: Places,
    accounts: Arc<Accounts>,
    runtime: Handle,
    events: broadcast::Sender<Event>,
    live: OnceLock<Live>,
    shown: Mutex<Shown>,
}

/// What the window shows. Events go out while it is locked, so that they tell of changes in the
/// order in which they happened.
struct Shown {
    document: Option<OpenDocument>,
    /// The revision at which the last document was closed.
    last_revision: u32,
    samples: PreviewSamples,
    /// The package that the preview runs with: edits that don't concern it change nothing here.
    previewed: Option<LoadedPackage>,
    pictures: Pictures,
    jobs: Jobs,
    recent: Vec<RecentPath>,
    settings: Settings,
    /// The folder of the last archive or export.
    last_folder: Option<PathBuf>,
}

impl Studio {
    /// The studio of this user. Must be called within a tokio runtime, which it keeps for its
    /// tasks.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::Code::Internal) if the share folder is missing.
    pub fn new() -> Result<Self> {
        Ok(Self::at(DataDir::find()?, Places::find()))
    }

    /// A studio with these folders. Must be called within a tokio runtime.
    pub fn at(share: DataDir, places: Places) -> Self {
        let runtime = Handle::current();
        let shown = Shown {
            document: None,
            last_revision: 0,
            samples: PreviewSamples::default(),
            previewed: None,
            pictures: Pictures::default(),
            jobs: Jobs::interrupted(&places),
            recent: history::recent(&places),
            settings: history::settings(&places),
            last_folder: None,
        };
        let inner = Arc::new(Inner {
            accounts: Arc::new(Accounts::new(&places)),
            share,
            places,
            runtime: runtime.clone(),
            events: broadcast::Sender::new(EVENTS),
            live: OnceLock::new(),
            shown: Mutex::new(shown),
        });
        // Weak: the task ends with the last studio.
        let desk = previewing::Desk(Arc::downgrade(&inner));
        inner
            .live
            .get_or_init(|| Live::start(&runtime, &inner.share, Arc::new(desk)));
        Self { inner }
    }

    /// The events from now on. A receiver that lags must read [`Studio::state`] anew.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// All that the window shows.
    pub fn state(&self) -> State {
        let accounts = self.inner.accounts.list();
        let targets = targets::choices(&self.inner.share);
        let history = history::published(&self.inner.places);
        let shown = self.inner.lock();
        State {
            document: shown.document.as_ref().map(OpenDocument::snapshot),
            preview: shown.samples.snapshot(),
            jobs: shown.jobs.list(),
            history,
            recent: shown.recent(),
            accounts,
            targets,
            settings: shown.settings.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Remembers choices.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn set_settings(&self, settings: Settings) -> Result<()> {
        history::keep_settings(&self.inner.places, &settings)?;
        let mut shown = self.inner.lock();
        let affects_preview = (shown.settings.max_pixels, shown.settings.batch_size)
            != (settings.max_pixels, settings.batch_size);
        shown.settings = settings.clone();
        self.inner.tell(Event::Settings(settings));
        if affects_preview {
            self.inner.restart_preview(&mut shown);
        }
        Ok(())
    }

    /// The folder in which something was saved last, for the next dialog to start in.
    pub fn last_folder(&self) -> Option<PathBuf> {
        self.inner.lock().last_folder.clone()
    }

    /// What works on this machine.
    pub async fn doctor(&self) -> Doctor {
        doctor::examine(Ok(self.inner.share.clone()), &self.inner.places).await
    }

    /// Whether the window may be closed without a question: nothing is unsaved and no job runs.
    pub fn may_close(&self) -> bool {
        let shown = self.inner.lock();
        let edited = shown.document.as_ref().is_some_and(OpenDocument::is_edited);
        !edited && !shown.jobs.any_runs()
    }

    /// Has the page send what is being typed, and then close the window, or ask its user.
    pub fn ask_to_close(&self) {
        self.inner.tell(Event::CloseRequested);
    }

    /// Ends jobs and workers before the program ends.
    pub async fn shut_down(&self) {
        let running = {
            let mut shown = self.inner.lock();
            shown.samples.cancel();
            shown.jobs.cancel_all()
        };
        self.inner.live().close();
        for job in running {
            job.ended().await;
        }
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an event; nobody may be listening yet.
    fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }

    fn live(&self) -> &Live {
        self.live.get_or_init(|| {
            let desk = previewing::Desk(Weak::new());
            Live::start(&self.runtime, &self.share, Arc::new(desk))
        })
    }

    fn tell_document(&self, shown: &Shown) {
        let document = shown
            .document
            .as_ref()
            .map(|document| Box::new(document.snapshot()));
        self.tell(Event::Document(document));
    }

    /// Remembers that a package was opened or saved; a list that can't be kept is no failure.
    async fn remember(self: &Arc<Self>, path: PathBuf, name: String) {
        let places = self.places.clone();
        if let Ok(recent) = blocking(move || history::add_recent(&places, &path, &name)).await {
            let mut shown = self.lock();
            shown.recent = recent;
            self.tell(Event::Recent(shown.recent()));
        }
    }
}

impl Shown {
    fn recent(&self) -> Vec<crate::api::Recent> {
        (0..)
            .zip(&self.recent)
            .map(|(id, entry)| entry.shown(id))
            .collect()
    }
}
