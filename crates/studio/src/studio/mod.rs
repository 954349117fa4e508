//! The window's state machine: everything that the page shows and may ask for, without a
//! transport. A shell forwards commands to [`Studio`] and [`Event`]s to the page.

mod accounts;
mod asking;
#[cfg(test)]
mod asking_tests;
mod editing;
mod example;
mod export;
mod finding;
#[cfg(test)]
mod finding_tests;
mod job_list;
mod jobs;
mod open_question;
mod opening;
mod previewing;
mod recipe_search;
mod settings;
#[cfg(test)]
mod tests;
mod window_state;

use std::sync::{Arc, Mutex};

use boxwright_build::DataDir;
use boxwright_model::guess::Preset;
use boxwright_model::package::Decoder;
use tokio::runtime::Handle;
use tokio::sync::broadcast;

use crate::api::{Doctor, Event, PresetChoice, State};
use crate::credentials::Accounts;
use crate::directories::Directories;
use crate::doctor;
use crate::document::OpenDocument;
use crate::failure::Result;
use crate::history;
use crate::preview::{LivePreview, PreviewSamples, SpoolFile};
use crate::targets;
use job_list::JobList;
use previewing::WindowPreview;
pub use window_state::Studio;
use window_state::{Inner, WindowState};

/// Events that a slow receiver may be behind.
const EVENTS: usize = 1024;

impl Studio {
    /// The studio of this user. Must be called within a tokio runtime, which it uses for its
    /// tasks.
    ///
    /// # Errors
    /// [`Code::Internal`](crate::failure::Code::Internal) if the share folder is missing.
    pub fn new() -> Result<Self> {
        Ok(Self::at(DataDir::find()?, Directories::find()))
    }

    /// A studio with these folders. Must be called within a tokio runtime.
    pub fn at(data_dir: DataDir, directories: Directories) -> Self {
        let runtime = Handle::current();
        let state = WindowState {
            document: None,
            last_revision: 0,
            samples: PreviewSamples::default(),
            question: None,
            recipe: None,
            last_recipe: 0,
            previewed: None,
            spool: SpoolFile::default(),
            jobs: JobList::interrupted(&directories),
            recent: history::recent(&directories),
            settings: history::settings(&directories),
            last_folder: None,
        };
        // The preview's task holds a weak reference: it ends with the last studio.
        let inner = Arc::new_cyclic(|inner| {
            let delegate = Arc::new(WindowPreview(inner.clone()));
            Inner {
                accounts: Arc::new(Accounts::new(&directories)),
                preview: LivePreview::start(&runtime, &data_dir, delegate),
                data_dir,
                directories,
                runtime,
                events: broadcast::Sender::new(EVENTS),
                state: Mutex::new(state),
            }
        });
        Self { inner }
    }

    /// The events from now on. A receiver that lags must read [`Studio::state`] again.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.inner.events.subscribe()
    }

    /// All that the window shows.
    pub fn state(&self) -> State {
        let accounts = self.inner.accounts.list();
        let targets = targets::choices(&self.inner.data_dir);
        let history = history::published(&self.inner.directories);
        let choice = |preset: Preset| PresetChoice {
            name: preset.name().to_owned(),
            title: preset.title().to_owned(),
        };
        let state = self.inner.lock();
        State {
            document: state.document.as_ref().map(OpenDocument::snapshot),
            preview: state.samples.snapshot(),
            question: state.question(),
            recipe: state
                .recipe
                .as_ref()
                .map(|search| search.snapshot(state.document.as_ref().map(OpenDocument::package))),
            jobs: state.jobs.list(),
            history,
            recent: state.recent(),
            accounts,
            targets,
            presets: Preset::ALL.map(choice).to_vec(),
            decoders: Decoder::ALL.iter().map(|&one| one.into()).collect(),
            settings: state.settings.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// What works on this machine.
    pub async fn doctor(&self) -> Doctor {
        doctor::examine(Ok(self.inner.data_dir.clone()), &self.inner.directories).await
    }

    /// Whether the window can be closed without asking: nothing is unsaved and no job runs.
    pub fn can_close(&self) -> bool {
        let state = self.inner.lock();
        let edited = state.document.as_ref().is_some_and(OpenDocument::is_edited);
        !edited && !state.jobs.any_runs()
    }

    /// Asks the page to send pending edits, and then to close the window or ask its user.
    pub fn request_close(&self) {
        self.inner.emit(Event::CloseRequested);
    }

    /// Ends jobs and workers before the program ends.
    pub async fn shut_down(&self) {
        let running = {
            let mut state = self.inner.lock();
            state.samples.cancel();
            state.recipe = None;
            state.jobs.cancel_all()
        };
        self.inner.preview.close();
        for job in running {
            job.ended().await;
        }
    }
}
