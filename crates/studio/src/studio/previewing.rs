//! The window's preview: what starts it, and how its results change the window's state.

use std::sync::{Arc, Weak};

use boxwright_model::prediction::{DeviceUsed, Timing};

use super::window_state::{Inner, Studio, WindowState, no_document};
use crate::api::{Event, PreviewStatus, Sample};
use crate::document::OpenDocument;
use crate::failure::{Code, Failure, Result};
use crate::preview::{PendingRun, PreviewDelegate, SampleUpdate, SpoolKind};
use crate::worker_session::RunOptions;

impl Studio {
    /// Predicts all samples again.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if no model is open.
    pub async fn preview(&self) -> Result<()> {
        let mut state = self.inner.lock();
        // A file that was missing may be there now.
        state.document.as_mut().ok_or_else(no_document)?.check();
        self.inner.emit_document(&state);
        self.inner.restart_preview(&mut state);
        Ok(())
    }

    /// Stops the running preview.
    ///
    /// # Errors
    /// None at present.
    pub async fn cancel_preview(&self) -> Result<()> {
        let mut state = self.inner.lock();
        state.samples.cancel();
        self.inner.emit(Event::Preview(state.samples.change(false)));
        self.inner.preview.wake();
        Ok(())
    }

    /// Predicts the samples with these ids first: the user sees them.
    ///
    /// # Errors
    /// None at present.
    pub async fn set_in_view(&self, ids: Vec<u32>) -> Result<()> {
        if self.inner.lock().samples.set_in_view(ids) {
            self.inner.preview.wake();
        }
        Ok(())
    }

    /// Removes samples from the list.
    ///
    /// # Errors
    /// None at present.
    pub async fn remove_samples(&self, ids: Vec<u32>) -> Result<()> {
        let mut state = self.inner.lock();
        state.samples.remove(&ids);
        if let Some(search) = &mut state.recipe {
            search.forget(&ids);
        }
        for id in ids {
            state.spool.remove(id);
        }
        self.inner.emit(Event::Preview(state.samples.change(true)));
        self.inner.settle_recipe(&mut state);
        self.inner.preview.wake();
        Ok(())
    }

    /// Removes all samples from the list.
    ///
    /// # Errors
    /// None at present.
    pub async fn clear_samples(&self) -> Result<()> {
        let ids = self.inner.lock().samples.ids();
        self.remove_samples(ids).await
    }

    /// A sample's thumbnail as JPEG; `None` where there is none (yet).
    pub fn thumbnail(&self, id: u32) -> Option<Vec<u8>> {
        self.inner.lock().spool.get(SpoolKind::Thumbnail, id)
    }

    /// A sample's picture as JPEG, its longer side at most 1600 pixels, made by the worker.
    ///
    /// # Errors
    /// [`Code::SampleUnreadable`] if there is no such sample or it is no picture; what the worker
    /// fails with.
    pub async fn large(&self, id: u32) -> Result<Vec<u8>> {
        let (file, package, options) = {
            let state = self.inner.lock();
            let package = state.previewed.clone().ok_or_else(no_document)?;
            let file = state.samples.file(id).cloned().ok_or_else(|| {
                let hint = "It has been taken off the list.";
                Failure::new(Code::SampleUnreadable, "there is no such sample", hint)
            })?;
            (file, package, state.options())
        };
        self.inner.preview.large(file, package, options).await
    }
}

impl Inner {
    /// Predicts all samples again, if there is a package that can be run.
    pub(super) fn restart_preview(&self, state: &mut WindowState) {
        state.previewed = None;
        match state.document.as_ref().map(OpenDocument::loaded) {
            None => state.samples.clear_outcomes(),
            Some(Ok(package)) => {
                let batch_size = match state.settings.batch_size {
                    0 => package.package.batch.max_size,
                    chosen => chosen,
                };
                state.samples.begin(batch_size);
                state.previewed = Some(package);
            }
            Some(Err(failure)) => {
                state.samples.clear_outcomes();
                if !state.samples.is_empty() {
                    state.samples.fail(failure);
                }
            }
        }
        self.emit(Event::Preview(state.samples.change(false)));
        self.preview.wake();
    }

    /// Sends samples that were added to the page, and predicts them in the same run.
    pub(super) fn continue_preview(&self, state: &mut WindowState) {
        let fresh = state.samples.done() == 0 && !state.samples.is_active();
        if state.previewed.is_some() && !fresh {
            state.samples.resume();
        }
        let added: Vec<Sample> = state
            .samples
            .samples()
            .filter(|sample| sample.outcome.is_none())
            .cloned()
            .collect();
        self.emit(Event::Samples {
            run: state.samples.run(),
            samples: added,
        });
        self.emit(Event::Preview(state.samples.change(true)));
        if fresh {
            self.restart_preview(state);
        }
        self.preview.wake();
    }
}

impl WindowState {
    pub(super) fn options(&self) -> RunOptions {
        RunOptions {
            max_pixels: Some(self.settings.max_pixels),
            ..RunOptions::default()
        }
    }
}

/// The window's side of the preview's task.
pub(super) struct WindowPreview(pub(super) Weak<Inner>);

impl WindowPreview {
    /// Changes the state, if `run` is still the current run.
    fn with(&self, run: u32, change: impl FnOnce(&Arc<Inner>, &mut WindowState)) {
        if let Some(inner) = self.0.upgrade() {
            let mut state = inner.lock();
            if state.samples.run() == run {
                change(&inner, &mut state);
            }
        }
    }
}

impl PreviewDelegate for WindowPreview {
    fn pending(&self) -> Option<PendingRun> {
        let inner: Arc<Inner> = self.0.upgrade()?;
        let state = inner.lock();
        let samples = state.samples.pending()?;
        let package = state.previewed.clone()?;
        let batch_size = state.settings.batch_size;
        Some(PendingRun {
            package,
            options: state.options(),
            batch_size,
            samples,
        })
    }

    fn loaded(&self, run: u32, device: DeviceUsed, model_digest: String) {
        self.with(run, |inner, state| {
            if state.samples.is_active() {
                state.samples.loaded(device, model_digest);
                inner.emit(Event::Preview(state.samples.change(false)));
            }
        });
    }

    fn results(&self, run: u32, results: Vec<SampleUpdate>, timing: Timing) {
        self.with(run, |inner, state| {
            let WindowState { samples, spool, .. } = state;
            let changed = samples.apply(run, results, spool);
            samples.set_timing(timing);
            if !changed.is_empty() {
                inner.emit(Event::Samples {
                    run,
                    samples: changed,
                });
                inner.emit(Event::Preview(samples.change(false)));
                inner.ask(state);
            }
        });
    }

    fn finished(&self, run: u32, timing: Timing) {
        self.with(run, |inner, state| {
            state.samples.set_timing(timing);
            state.samples.finish();
            inner.emit(Event::Preview(state.samples.change(false)));
        });
    }

    fn failed(&self, run: u32, failure: Failure) {
        self.with(run, |inner, state| {
            if state.samples.change(false).status != PreviewStatus::Cancelled {
                state.samples.fail(failure);
                inner.emit(Event::Preview(state.samples.change(false)));
            }
        });
    }
}
