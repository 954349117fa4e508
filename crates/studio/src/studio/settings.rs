//! The window's settings.

use std::path::PathBuf;

use super::window_state::Studio;
use crate::api::{Event, Settings};
use crate::failure::Result;
use crate::history;

impl Studio {
    /// Stores the settings.
    ///
    /// # Errors
    /// If they can't be written.
    pub fn set_settings(&self, settings: Settings) -> Result<()> {
        history::save_settings(&self.inner.directories, &settings)?;
        let mut state = self.inner.lock();
        let affects_preview = (state.settings.max_pixels, state.settings.batch_size)
            != (settings.max_pixels, settings.batch_size);
        state.settings = settings.clone();
        self.inner.emit(Event::Settings(settings));
        if affects_preview {
            self.inner.restart_preview(&mut state);
        }
        Ok(())
    }

    /// The folder in which something was saved last, for the next dialog to start in.
    pub fn last_folder(&self) -> Option<PathBuf> {
        self.inner.lock().last_folder.clone()
    }
}
