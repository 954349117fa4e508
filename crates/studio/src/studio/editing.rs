//! Editing the open package: a page sends whole packages, each made from a revision.

use boxwright_model::LoadedPackage;
use boxwright_model::guess::Preset;
use boxwright_model::package::{FILE_NAME, InputKind, Package, Preprocess};
use boxwright_tensor::TensorSpec;

use super::{Inner, Result, Studio};
use crate::api::Document;
use crate::document::OpenDocument;
use crate::errors::blocking;
use crate::failure::{Code, Failure};

impl Studio {
    /// Replaces the package by an edited one that was made from `revision`; where it matters, the
    /// preview starts anew.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if `revision` is not the current one.
    pub async fn edit(&self, revision: u32, package: Package) -> Result<Document> {
        self.inner
            .change(|document| document.edit(revision, package))
    }

    /// Takes the last edit back.
    ///
    /// # Errors
    /// If no package is open.
    pub async fn undo(&self) -> Result<Document> {
        self.inner.change(|document| {
            document.undo();
            Ok(())
        })
    }

    /// Does an edit again that was taken back.
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
            .ok_or_else(nothing_open)?
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
        self.inner.remember(root.join(FILE_NAME), name).await;
        Ok(document)
    }

    /// The preprocessing of a preset for the open model.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if there is no such preset, or the model takes no pictures.
    pub fn preset(&self, name: &str) -> Result<Preprocess> {
        let shown = self.inner.lock();
        let document = shown.document.as_ref().ok_or_else(nothing_open)?;
        let refused = |message: String| {
            let hint = "Choose imagenet, tf, efficientnet-lite, unit or raw.";
            Failure::new(Code::PackageInvalid, message, hint)
        };
        let preset: Preset = name
            .parse()
            .map_err(|_| refused(format!("there is no preset {name:?}")))?;
        let input = document
            .package()
            .input
            .iter()
            .find(|input| input.kind == InputKind::Image);
        let specs = &document.model().summary.signature.inputs;
        let spec: Option<&TensorSpec> =
            input.and_then(|input| specs.iter().find(|spec| spec.name == input.name));
        match input.zip(spec) {
            Some((input, spec)) => Ok(preset.preprocess(input, spec)),
            None => Err(refused("the model takes no pictures".to_owned())),
        }
    }
}

impl Inner {
    /// Changes the open package, tells of it, and previews anew where predictions may change.
    pub(super) fn change(
        &self,
        change: impl FnOnce(&mut OpenDocument) -> Result<()>,
    ) -> Result<Document> {
        let mut shown = self.lock();
        let document = shown.document.as_mut().ok_or_else(nothing_open)?;
        let (revision, before) = (document.revision(), document.package().clone());
        let labels = document.class_names().map(<[String]>::to_vec);
        change(document)?;
        let snapshot = document.snapshot();
        // A file of labels may say something else under the same name. A package with a problem
        // has none.
        let others = labels.zip(document.class_names());
        let affects_preview = affects_preview(&before, document.package())
            || others.is_some_and(|(before, now)| before != now);
        if document.revision() != revision {
            self.tell_document(&shown);
        }
        if affects_preview {
            self.restart_preview(&mut shown);
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

/// No package is open.
pub(super) fn nothing_open() -> Failure {
    Failure::new(
        Code::PackageInvalid,
        "no model is open",
        "Drop a model onto the window, or choose one.",
    )
}
