//! The state of the window, and how it is changed.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use boxwright_build::DataDir;
use boxwright_model::LoadedPackage;
use tokio::runtime::Handle;
use tokio::sync::broadcast;

use super::job_list::JobList;
use super::open_question::OpenQuestion;
use super::recipe_search::OpenSearch;
use crate::api::{Event, Recent, Settings};
use crate::credentials::Accounts;
use crate::directories::Directories;
use crate::document::OpenDocument;
use crate::errors::blocking;
use crate::failure::{Code, Failure};
use crate::history::{self, RecentPath};
use crate::preview::{LivePreview, PreviewSamples, SpoolFile};

/// The window's state and its use cases. Cheap to clone; all clones are the same studio.
#[derive(Clone)]
pub struct Studio {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) data_dir: DataDir,
    pub(super) directories: Directories,
    pub(super) accounts: Arc<Accounts>,
    pub(super) runtime: Handle,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) preview: LivePreview,
    pub(super) state: Mutex<WindowState>,
}

/// What the window shows. Events are sent while it is locked, so that they have the order of the
/// changes.
pub(super) struct WindowState {
    pub(super) document: Option<OpenDocument>,
    /// The revision at which the last document was closed.
    pub(super) last_revision: u32,
    pub(super) samples: PreviewSamples,
    /// The question about the open document's guess, from when its answers are first tried.
    pub(super) question: Option<OpenQuestion>,
    /// The search for a recipe that the window shows.
    pub(super) recipe: Option<OpenSearch>,
    /// The id of the last such search.
    pub(super) last_recipe: u32,
    /// The package that the preview runs with; edits that don't affect predictions don't change it.
    pub(super) previewed: Option<LoadedPackage>,
    pub(super) spool: SpoolFile,
    pub(super) jobs: JobList,
    pub(super) recent: Vec<RecentPath>,
    pub(super) settings: Settings,
    /// The folder of the last archive or export.
    pub(super) last_folder: Option<PathBuf>,
}

impl Inner {
    pub(super) fn lock(&self) -> MutexGuard<'_, WindowState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends an event; it is lost if there is no receiver yet.
    pub(super) fn emit(&self, event: Event) {
        let _ = self.events.send(event);
    }

    pub(super) fn emit_document(&self, state: &WindowState) {
        let document = state
            .document
            .as_ref()
            .map(|document| Box::new(document.snapshot()));
        self.emit(Event::Document(document));
    }

    /// Adds a package to the recent ones. That the list can't be written is not a failure.
    pub(super) async fn add_recent(self: &Arc<Self>, path: PathBuf, name: String) {
        let directories = self.directories.clone();
        let adding = blocking(move || history::add_recent(&directories, &path, &name));
        if let Ok(recent) = adding.await {
            let mut state = self.lock();
            state.recent = recent;
            self.emit(Event::Recent(state.recent()));
        }
    }
}

impl WindowState {
    pub(super) fn recent(&self) -> Vec<Recent> {
        (0..)
            .zip(&self.recent)
            .map(|(id, entry)| entry.view(id))
            .collect()
    }
}

/// The failure of a use case that needs an open package.
pub(super) fn no_document() -> Failure {
    Failure::new(
        Code::PackageInvalid,
        "no model is open",
        "Drop a model onto the window, or choose one.",
    )
}
