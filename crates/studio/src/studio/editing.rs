//! Editing the open package: a page sends whole packages, each made from a revision.

use boxwright_model::LoadedPackage;
use boxwright_model::package::{FILE_NAME, Package};

use super::window_state::{Inner, Studio, no_document};
use crate::api::Document;
use crate::document::OpenDocument;
use crate::errors::blocking;
use crate::failure::{Code, Failure, Result};
use crate::python;

impl Studio {
    /// Replaces the package by an edited one that was made from `revision`. The preview starts again
    /// if predictions may change.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if `revision` is not the current one.
    pub async fn edit(&self, revision: u32, package: Package) -> Result<Document> {
        self.inner
            .change(|document| document.edit(revision, package))
    }

    /// Undoes the last edit.
    ///
    /// # Errors
    /// If no package is open.
    pub async fn undo(&self) -> Result<Document> {
        self.inner.change(|document| {
            document.undo();
            Ok(())
        })
    }

    /// Repeats an edit that was undone.
    ///
    /// # Errors
    /// If no package is open.
    pub async fn redo(&self) -> Result<Document> {
        self.inner.change(|document| {
            document.redo();
            Ok(())
        })
    }

    /// Goes back to what was saved, or to the guess where nothing was; can be undone.
    ///
    /// # Errors
    /// If no package is open.
    pub async fn revert(&self) -> Result<Document> {
        self.inner.change(|document| {
            document.revert();
            Ok(())
        })
    }

    /// Writes `boxwright.toml`, with the hashes of the model's files.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if the package has problems, [`Code::DiskFull`], or that the
    /// folder can't be written.
    pub async fn save(&self) -> Result<Document> {
        let loaded = self
            .inner
            .lock()
            .document
            .as_ref()
            .ok_or_else(no_document)?
            .loaded()?;
        let (saved, root) = blocking(move || -> Result<(LoadedPackage, _)> {
            loaded.save()?;
            let saved = LoadedPackage::open(&loaded.root)?;
            Ok((saved, loaded.root))
        })
        .await?;
        let name = saved.package.package.name.clone();
        let document = self.inner.change(|document| {
            // Another one may have been opened while the hashes were computed.
            if document.root() == root {
                document.saved(saved.package);
            }
            Ok(())
        })?;
        self.inner.add_recent(root.join(FILE_NAME), name).await;
        Ok(document)
    }

    /// Makes the package one of the preset `name`, in one step that can be undone.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if there is no such preset, or the package takes no pictures.
    pub async fn apply_preset(&self, name: &str) -> Result<Document> {
        let hint = "Choose one of those of `boxwright init --preset`.";
        let preset = name
            .parse()
            .map_err(|message: String| Failure::new(Code::PackageInvalid, message, hint))?;
        self.inner.change(|document| document.apply_preset(preset))
    }

    /// The pipeline of the package as edited, as Python: see [`python::code`].
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if the package has problems, or takes no pictures.
    pub fn python(&self) -> Result<String> {
        let state = self.inner.lock();
        let document = state.document.as_ref().ok_or_else(no_document)?;
        let signature = &document.model().summary.signature;
        python::code(&document.loaded()?, signature)
    }
}

impl Inner {
    /// Changes the open package, emits it, and restarts the preview if predictions may change.
    pub(super) fn change(
        &self,
        change: impl FnOnce(&mut OpenDocument) -> Result<()>,
    ) -> Result<Document> {
        let mut state = self.lock();
        let document = state.document.as_mut().ok_or_else(no_document)?;
        let (revision, before) = (document.revision(), document.package().clone());
        let labels = document.class_names().map(<[String]>::to_vec);
        change(document)?;
        let snapshot = document.snapshot();
        // The content of the labels file may change under the same name. A package with a problem has
        // no labels.
        let renamed = labels.zip(document.class_names());
        let affects_preview = affects_preview(&before, document.package())
            || renamed.is_some_and(|(before, now)| before != now);
        if document.revision() != revision {
            self.emit_document(&state);
            if state.question.is_some() {
                self.emit_question(&state);
            }
            // It says what it would change in the package.
            if state.recipe.is_some() {
                self.emit_recipe(&state);
            }
        }
        if affects_preview {
            self.restart_preview(&mut state);
        }
        Ok(snapshot)
    }
}

/// Whether predictions may differ between two packages of one model.
fn affects_preview(before: &Package, after: &Package) -> bool {
    (
        &before.input,
        &before.preprocess,
        &before.postprocess,
        &before.labels,
        &before.batch,
    ) != (
        &after.input,
        &after.preprocess,
        &after.postprocess,
        &after.labels,
        &after.batch,
    )
}
