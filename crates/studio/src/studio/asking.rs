//! The question about a guess: when it comes up, and what becomes of the answer.

use std::sync::Arc;

use boxwright_model::guess;

use super::open_question::OpenQuestion;
use super::window_state::{Inner, Studio, WindowState, no_document};
use crate::api::{Document, Event, Question};
use crate::errors::blocking;
use crate::failure::{Code, Failure, Result};
use crate::question::try_choices;

impl WindowState {
    /// What is asked now.
    pub(super) fn question(&self) -> Option<Question> {
        let package = self.document.as_ref()?.package();
        self.question.as_ref()?.view(package)
    }
}

impl Studio {
    /// Makes the package that of an answer, in one step that can be undone: the question then comes
    /// back.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if nothing is asked, or there is no such answer.
    pub async fn answer_question(&self, answer: usize) -> Result<Document> {
        let chosen = {
            let state = self.inner.lock();
            let open = state
                .question
                .as_ref()
                .filter(|_| state.question().is_some());
            let tried = open.and_then(|open| open.tried.as_ref());
            let choice = tried.and_then(|(_, tried)| tried.question.choices.get(answer));
            choice.map(|choice| choice.package.clone())
        };
        let package = chosen.ok_or_else(|| {
            let hint = "Change the fields of the package in place of it.";
            Failure::new(Code::PackageInvalid, "this is no longer asked", hint)
        })?;
        if self
            .inner
            .lock()
            .document
            .as_ref()
            .ok_or_else(no_document)?
            .package()
            == &package
        {
            // The guess was right.
            return self.dismiss_question().await;
        }
        self.inner.change(|document| {
            document.step(package);
            Ok(())
        })
    }

    /// Asks no more about this model.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if no model is open.
    pub async fn dismiss_question(&self) -> Result<Document> {
        let mut state = self.inner.lock();
        if let Some(open) = &mut state.question {
            open.dismissed = true;
        }
        self.inner.emit_question(&state);
        let document = state.document.as_ref().ok_or_else(no_document)?;
        Ok(document.snapshot())
    }
}

impl Inner {
    pub(super) fn emit_question(&self, state: &WindowState) {
        self.emit(Event::Question(state.question().map(Box::new)));
    }

    /// Tries the answers once the first sample of a guess that nobody has changed has a result.
    pub(super) fn ask(self: &Arc<Self>, state: &mut WindowState) {
        let Some(document) = &state.document else {
            return;
        };
        if state.question.is_some() || !document.is_guess() {
            return;
        }
        let first = state
            .samples
            .samples()
            .find(|sample| sample.outcome.is_some());
        let Some((id, file)) =
            first.and_then(|sample| Some((sample.id, state.samples.file(sample.id)?.clone())))
        else {
            return;
        };
        let (model, root) = (document.model().clone(), document.root().to_owned());
        let package = document.package().clone();
        let options = state.options();
        state.question = Some(OpenQuestion {
            about: package.clone(),
            tried: None,
            dismissed: false,
        });
        let inner = Arc::downgrade(self);
        let data_dir = self.data_dir.clone();
        self.runtime.spawn(async move {
            let (folder, about) = (root.clone(), package.clone());
            let asked =
                blocking(move || Ok::<_, Failure>(guess::question(&model, &folder, &about)));
            let Ok(Some(question)) = asked.await else {
                return;
            };
            let tried = try_choices(&data_dir, &root, question, &file, &options).await;
            let (Ok(Some(tried)), Some(inner)) = (tried, inner.upgrade()) else {
                return;
            };
            let mut state = inner.lock();
            if let Some(open) = &mut state.question
                && open.about == package
            {
                open.tried = Some((id, tried));
                inner.emit_question(&state);
            }
        });
    }

    /// Forgets the question, of another document.
    pub(super) fn drop_question(&self, state: &mut WindowState) {
        if state.question.take().is_some() {
            self.emit(Event::Question(None));
        }
    }
}
