//! What is dropped, picked or named decides what happens.

use std::path::{Path, PathBuf};

use boxwright_model::package::{self, FILE_NAME, Opened};

use super::{Inner, Result, Studio};
use crate::api::{Document, Event};
use crate::beside::{bring, bring_labels};
use crate::document::OpenDocument;
use crate::errors::blocking;
use crate::failure::{Code, Failure};
use crate::samples::{self, SampleFile};

/// The files of Hugging Face's libraries that say how a model is fed.
const CONFIGURATIONS: [&str; 2] = ["preprocessor_config.json", "config.json"];
/// The sample package's folder.
const SAMPLE: &str = "efficientnet-lite0";

/// What a path is opened as.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    /// A package file, a folder that holds one, or a model in any format.
    Package,
    /// A text file with labels.
    Labels,
    /// A configuration beside a model.
    Configuration,
    /// A picture, or a folder of pictures.
    Samples,
}

/// What is opened together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sorted {
    packages: Vec<PathBuf>,
    labels: Vec<PathBuf>,
    configurations: Vec<PathBuf>,
    samples: Vec<PathBuf>,
}

impl Studio {
    /// Opens what was dropped, picked or named on the command line; what each path is decides
    /// what happens.
    ///
    /// # Errors
    /// What the first of them is refused for; it also goes out as [`Event::Failure`].
    pub async fn open(&self, paths: Vec<PathBuf>) -> Result<()> {
        let result = self.open_sorted(paths).await;
        if let Err(failure) = &result {
            self.inner.tell(Event::Failure(failure.clone()));
        }
        result
    }

    /// Opens a package of the list of recent ones.
    ///
    /// # Errors
    /// What it is refused for.
    pub async fn open_recent(&self, id: u32) -> Result<()> {
        let entry = self.inner.lock().recent.get(id as usize).cloned();
        match entry {
            Some(entry) => self.open_package(&entry.path).await,
            None => Err(Failure::internal("this package is no longer on the list")),
        }
    }

    /// Opens the sample package with its pictures.
    ///
    /// # Errors
    /// If the share folder does not hold it.
    pub async fn open_sample(&self) -> Result<()> {
        let installed = self.inner.share.samples().join(SAMPLE);
        let own = self.inner.places.cache.join("samples").join(SAMPLE);
        let copied = blocking(move || Ok::<_, Failure>(copy_sample(&installed, &own))).await?;
        self.open_package(&copied).await?;
        self.add_samples(vec![copied.join("images")]).await
    }

    /// Closes the package, unsaved changes included.
    ///
    /// # Errors
    /// None at present.
    pub async fn close_document(&self) -> Result<()> {
        let mut shown = self.inner.lock();
        if let Some(document) = shown.document.take() {
            shown.last_revision = document.revision() + 1;
            self.inner.tell_document(&shown);
            self.inner.restart_preview(&mut shown);
            self.inner.live().close();
        }
        Ok(())
    }

    /// Takes the labels from a text file: one beside the model is named, any other is copied
    /// there.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if it is no list of labels, or there is no model yet.
    pub async fn set_labels(&self, path: &Path) -> Result<Document> {
        let root = self.inner.root("labels")?;
        let from = path.to_owned();
        let file = blocking(move || bring_labels(&from, &root)).await?;
        self.inner.change(|document| {
            let mut package = document.package().clone();
            package.labels = Some(package::Labels { file });
            document.step(package);
            Ok(())
        })
    }

    async fn open_sorted(&self, paths: Vec<PathBuf>) -> Result<()> {
        let sorted = blocking(move || sort(paths)).await?;
        if let [first, second, ..] = &sorted.packages[..] {
            return Err(Failure::new(
                Code::PackageInvalid,
                format!(
                    "{} and {} can't be open together",
                    shown(first),
                    shown(second)
                ),
                "Open one model at a time.",
            ));
        }
        if let Some(path) = sorted.packages.first() {
            self.open_package(path).await?;
        }
        for path in &sorted.configurations {
            self.apply_configuration(path).await?;
        }
        for path in &sorted.labels {
            self.set_labels(path).await?;
        }
        if sorted.samples.is_empty() {
            Ok(())
        } else {
            self.add_samples(sorted.samples).await
        }
    }

    async fn open_package(&self, path: &Path) -> Result<()> {
        self.inner.check_saved()?;
        let from = path.to_owned();
        let opened = blocking(move || package::open_any(&from)).await?;
        let (path, name) = self.inner.show(opened)?;
        self.inner.remember(path, name).await;
        Ok(())
    }

    async fn add_samples(&self, paths: Vec<PathBuf>) -> Result<()> {
        let found: Vec<SampleFile> = blocking(move || samples::collect(&paths)).await?;
        let mut shown = self.inner.lock();
        let left_out = shown.samples.add(found);
        self.inner.go_on(&mut shown);
        if left_out > 0 {
            let most = samples::MAX_SAMPLES;
            return Err(Failure::new(
                Code::SampleUnreadable,
                format!("{left_out} pictures were left out: at most {most} are shown at a time"),
                "Remove some, or preview the rest with `boxwright preview`.",
            ));
        }
        Ok(())
    }

    /// Fills in what a configuration beside the model says; one from elsewhere is copied there.
    async fn apply_configuration(&self, path: &Path) -> Result<()> {
        let root = self.inner.root("a configuration")?;
        let from = path.to_owned();
        let model = self
            .inner
            .lock()
            .document
            .as_ref()
            .map(|open| open.model().clone());
        let Some(model) = model else {
            return Ok(());
        };
        let guessed = blocking(move || {
            bring(&from, &root)?;
            boxwright_model::guess::package(&model, &root).map_err(Failure::from)
        })
        .await?;
        self.inner.change(|document| {
            let mut package = document.package().clone();
            package.preprocess = guessed.package.preprocess;
            package.input = guessed.package.input;
            package.labels = guessed.package.labels.or(package.labels);
            document.step(package);
            Ok(())
        })?;
        Ok(())
    }
}

impl Inner {
    /// Makes a package the open one; returns where it lies and what it is called.
    fn show(&self, (loaded, model, guesses): Opened) -> Result<(PathBuf, String)> {
        let file = loaded.root.join(FILE_NAME);
        let path = if guesses.is_empty() {
            file
        } else {
            model.path.clone()
        };
        let name = loaded.package.package.name.clone();
        let mut shown = self.lock();
        let last = shown
            .document
            .as_ref()
            .map_or(shown.last_revision, OpenDocument::revision);
        shown.document = Some(OpenDocument::new(loaded, model, guesses, last + 1));
        self.tell_document(&shown);
        self.restart_preview(&mut shown);
        Ok((std::path::absolute(&path).unwrap_or(path), name))
    }

    /// What is open may only be replaced when nothing is lost.
    fn check_saved(&self) -> Result<()> {
        let shown = self.lock();
        match shown
            .document
            .as_ref()
            .filter(|document| document.is_edited())
        {
            None => Ok(()),
            Some(document) => Err(Failure::new(
                Code::PackageInvalid,
                format!(
                    "{} has changes that are not saved",
                    document.package().package.name
                ),
                "Save or revert them first.",
            )),
        }
    }

    /// The folder of the open package.
    fn root(&self, what: &str) -> Result<PathBuf> {
        let shown = self.lock();
        match &shown.document {
            Some(document) => Ok(document.root().to_owned()),
            None => Err(Failure::new(
                Code::PackageInvalid,
                format!("there is no model yet that {what} could belong to"),
                "Open the model first.",
            )),
        }
    }
}

/// A copy of the sample that may be edited and saved: what is installed stays as it is. Where it
/// can't be copied, the installed one is opened.
fn copy_sample(installed: &Path, own: &Path) -> PathBuf {
    let attempt = || -> std::io::Result<()> {
        for entry in walkdir::WalkDir::new(installed) {
            let entry = entry?;
            let Ok(relative) = entry.path().strip_prefix(installed) else {
                continue;
            };
            let to = own.join(relative);
            if entry.file_type().is_dir() {
                std::fs::create_dir_all(&to)?;
            } else if !to.exists() {
                std::fs::copy(entry.path(), &to)?;
            }
        }
        Ok(())
    };
    match attempt() {
        Ok(()) => own.to_owned(),
        Err(error) => {
            tracing::warn!(%error, "the sample can't be copied");
            installed.to_owned()
        }
    }
}

/// Sorts paths by what they are.
fn sort(paths: Vec<PathBuf>) -> Result<Sorted> {
    let mut sorted = Sorted::default();
    for path in paths {
        if !path.exists() {
            return Err(Failure::new(
                Code::ModelUnreadable,
                format!("{} does not exist", path.display()),
                "Check the name.",
            ));
        }
        match kind(&path) {
            Kind::Package => sorted.packages.push(path),
            Kind::Labels => sorted.labels.push(path),
            Kind::Configuration => sorted.configurations.push(path),
            Kind::Samples => sorted.samples.push(path),
        }
    }
    // A package's own folder says more than the files of it that were dropped along.
    if let [package] = &sorted.packages[..]
        && package.is_dir()
    {
        let own = |path: &PathBuf| !path.starts_with(package);
        sorted.configurations.retain(own);
        sorted.labels.retain(own);
    }
    Ok(sorted)
}

fn kind(path: &Path) -> Kind {
    let extension = path
        .extension()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    if path.is_dir() {
        let is_model = |entry: std::fs::DirEntry| {
            entry
                .path()
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"))
        };
        let mut entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let holds = path.join(FILE_NAME).is_file() || entries.any(is_model);
        return if holds { Kind::Package } else { Kind::Samples };
    }
    match extension.as_str() {
        "toml" | "onnx" => Kind::Package,
        "txt" => Kind::Labels,
        "json" if CONFIGURATIONS.contains(&name.as_str()) => Kind::Configuration,
        _ if samples::is_picture(path) || samples::is_array(path) => Kind::Samples,
        // Whatever it is, reading it says so.
        _ => Kind::Package,
    }
}

fn shown(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_a_path_is_decides_what_it_is_opened_as() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for directory in ["package", "model", "photos"] {
            fs::create_dir(root.join(directory)).expect("made");
        }
        let files: [(&str, &[u8]); 9] = [
            ("package/boxwright.toml", b""),
            ("model/net.ONNX", b""),
            ("photos/a.jpg", b""),
            ("net.pt", b"PK"),
            ("unnamed", &[0xff, 0xd8, 0xff]),
            ("classes.txt", b"cat"),
            ("preprocessor_config.json", b"{}"),
            ("config.json", b"{}"),
            ("other.json", b"{}"),
        ];
        for (name, bytes) in files {
            fs::write(root.join(name), bytes).expect("written");
        }
        for (name, expected) in [
            ("package", Kind::Package),
            ("package/boxwright.toml", Kind::Package),
            ("model", Kind::Package),
            ("model/net.ONNX", Kind::Package),
            ("net.pt", Kind::Package),
            ("other.json", Kind::Package),
            ("photos", Kind::Samples),
            ("photos/a.jpg", Kind::Samples),
            ("unnamed", Kind::Samples),
            ("classes.txt", Kind::Labels),
            ("preprocessor_config.json", Kind::Configuration),
            ("config.json", Kind::Configuration),
        ] {
            assert_eq!(kind(&root.join(name)), expected, "{name}");
        }
    }
}
