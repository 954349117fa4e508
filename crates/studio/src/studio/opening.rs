//! Opening files: a package, labels, a configuration, samples or what a notebook saved, by what each
//! file is.

use std::io::Read;
use std::path::{Path, PathBuf};

use boxwright_model::package::{self, FILE_NAME, Opened, Task};

use super::window_state::{Inner, Studio};
use crate::api::{Document, Event};
use crate::document::OpenDocument;
use crate::errors::blocking;
use crate::failure::{Code, Failure, Result};
use crate::notebook_file::is_torch_evidence;
use crate::samples::{self, SampleFile};
use crate::sidecar::{copy_configuration, copy_labels};

/// Files that say how a model is fed, or what its classes are called.
const CONFIGURATIONS: [&str; 10] = [
    "preprocessor_config.json",
    "config.json",
    "data.yaml",
    "data.yml",
    "metadata.json",
    "signature.json",
    "labels.json",
    "classes.json",
    "labels.csv",
    "classes.csv",
];
/// The sample package's folder.
const SAMPLE: &str = "efficientnet-lite0";

/// What a file is opened as.
#[derive(Debug, PartialEq, Eq)]
enum FileKind {
    /// A package file, a folder that holds one, or a model in any format.
    Package,
    /// A text file with labels.
    Labels,
    /// A configuration from Hugging Face's libraries.
    Configuration,
    /// A picture, or a folder of pictures.
    Samples,
    /// An array: what a notebook saved of photos, or a sample of a package that takes tensors.
    Array,
    /// What a notebook saved of photos, in a file that is nothing else.
    Notebook,
}

/// Files that are opened together.
#[derive(Debug, Default, PartialEq, Eq)]
struct FilesByKind {
    packages: Vec<PathBuf>,
    labels: Vec<PathBuf>,
    configurations: Vec<PathBuf>,
    samples: Vec<PathBuf>,
    arrays: Vec<PathBuf>,
    notebooks: Vec<PathBuf>,
}

impl Studio {
    /// Opens what was dropped, picked or named on the command line; what each path is decides
    /// what happens.
    ///
    /// # Errors
    /// What the first of them is refused for; it also goes out as [`Event::Failure`].
    pub async fn open(&self, paths: Vec<PathBuf>) -> Result<()> {
        let result = self.open_by_kind(paths).await;
        if let Err(failure) = &result {
            self.inner.emit(Event::Failure(failure.clone()));
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
        let installed = self.inner.data_dir.samples().join(SAMPLE);
        let copy = self.inner.directories.cache.join("samples").join(SAMPLE);
        let copied = blocking(move || Ok::<_, Failure>(copy_sample(&installed, &copy))).await?;
        self.open_package(&copied).await?;
        self.add_samples(vec![copied.join("images")])
            .await
            .map(drop)
    }

    /// Closes the package, unsaved changes included.
    ///
    /// # Errors
    /// None at present.
    pub async fn close_document(&self) -> Result<()> {
        let mut state = self.inner.lock();
        if let Some(document) = state.document.take() {
            state.last_revision = document.revision() + 1;
            self.inner.emit_document(&state);
            self.inner.drop_question(&mut state);
            self.inner.drop_recipe(&mut state);
            self.inner.restart_preview(&mut state);
            self.inner.preview.close();
        }
        Ok(())
    }

    /// Takes the labels from a text file, which is copied into the model's folder unless it is
    /// there.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if it is no list of labels, or there is no model yet.
    pub async fn set_labels(&self, path: &Path) -> Result<Document> {
        let root = self.inner.root("labels")?;
        let from = path.to_owned();
        let file = blocking(move || copy_labels(&from, &root)).await?;
        self.inner.change(|document| {
            let mut package = document.package().clone();
            package.labels = Some(package::Labels { file });
            document.step(package);
            Ok(())
        })
    }

    async fn open_by_kind(&self, paths: Vec<PathBuf>) -> Result<()> {
        let mut files = blocking(move || by_kind(paths)).await?;
        // Only beside a package that takes pictures a notebook's file is more than a file.
        if files.packages.is_empty() && !self.inner.takes_pictures() {
            let (requests, others) = files.notebooks.drain(..).partition(|path| is_request(path));
            files.samples.extend::<Vec<_>>(requests);
            files.packages.extend::<Vec<_>>(others);
        }
        if let [first, second, ..] = &files.packages[..] {
            return Err(Failure::new(
                Code::PackageInvalid,
                format!(
                    "{} and {} can't be open together",
                    file_name(first),
                    file_name(second)
                ),
                "Open one model at a time.",
            ));
        }
        if let Some(path) = files.packages.first() {
            self.open_package(path).await?;
        }
        for path in &files.configurations {
            self.apply_configuration(path).await?;
        }
        for path in &files.labels {
            self.set_labels(path).await?;
        }
        if !self.inner.takes_pictures() {
            files.samples.append(&mut files.arrays);
        }
        let mut saved = files.arrays;
        saved.append(&mut files.notebooks);
        if saved.is_empty() {
            return match files.samples.is_empty() {
                true => Ok(()),
                false => self.add_samples(files.samples).await.map(drop),
            };
        }
        let photos = match files.samples.is_empty() {
            true => Vec::new(),
            false => self.add_samples(files.samples).await?,
        };
        self.find_recipe(saved, photos).await
    }

    async fn open_package(&self, path: &Path) -> Result<()> {
        self.inner.check_saved()?;
        let from = path.to_owned();
        let opened = blocking(move || package::open_any(&from)).await?;
        let (path, name) = self.inner.set_document(opened)?;
        self.inner.add_recent(path, name).await;
        Ok(())
    }

    /// Adds samples; returns the ids of those that these files are.
    pub(super) async fn add_samples(&self, paths: Vec<PathBuf>) -> Result<Vec<u32>> {
        let found: Vec<SampleFile> = blocking(move || samples::collect(&paths)).await?;
        let mut state = self.inner.lock();
        let left_out = state.samples.add(found.clone());
        self.inner.continue_preview(&mut state);
        self.inner.settle_recipe(&mut state);
        if left_out > 0 {
            let most = samples::MAX_SAMPLES;
            return Err(Failure::new(
                Code::SampleUnreadable,
                format!("{left_out} pictures were left out: at most {most} are shown at a time"),
                "Remove some, or preview the rest with `boxwright preview`.",
            ));
        }
        Ok(state.samples.of(&found))
    }

    /// Applies a configuration file, which is copied into the model's folder unless it is there.
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
            copy_configuration(&from, &root)?;
            boxwright_model::guess::package(&model, &root).map_err(Failure::from)
        })
        .await?;
        self.inner.change(|document| {
            let mut package = document.package().clone();
            package.preprocess = guessed.package.preprocess;
            package.input = guessed.package.input;
            package.labels = guessed.package.labels.or(package.labels);
            // What was tuned for a task stays with it.
            let task = guessed.package.postprocess.task;
            if task != Task::Raw && task != package.postprocess.task {
                package.postprocess = guessed.package.postprocess;
            }
            document.step(package);
            Ok(())
        })?;
        Ok(())
    }
}

impl Inner {
    /// Makes a package the open one; returns its path and name.
    fn set_document(&self, (loaded, model, guesses): Opened) -> Result<(PathBuf, String)> {
        let file = loaded.root.join(FILE_NAME);
        let path = if guesses.is_empty() {
            file
        } else {
            model.path.clone()
        };
        let name = loaded.package.package.name.clone();
        let mut state = self.lock();
        let last = state
            .document
            .as_ref()
            .map_or(state.last_revision, OpenDocument::revision);
        if state
            .recipe
            .as_ref()
            .is_some_and(|search| search.root() != loaded.root)
        {
            self.drop_recipe(&mut state);
        }
        state.document = Some(OpenDocument::new(loaded, model, guesses, last + 1));
        self.emit_document(&state);
        self.drop_question(&mut state);
        self.restart_preview(&mut state);
        Ok((std::path::absolute(&path).unwrap_or(path), name))
    }

    /// Fails if the open package has changes that are not saved.
    fn check_saved(&self) -> Result<()> {
        let state = self.lock();
        match state
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
        let state = self.lock();
        match &state.document {
            Some(document) => Ok(document.root().to_owned()),
            None => Err(Failure::new(
                Code::PackageInvalid,
                format!("there is no model yet that {what} could belong to"),
                "Open the model first.",
            )),
        }
    }
}

/// Copies the sample, so that it can be edited and saved; returns the installed one where it can't
/// be copied.
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

/// Groups paths by the kind of file.
fn by_kind(paths: Vec<PathBuf>) -> Result<FilesByKind> {
    let mut files = FilesByKind::default();
    for path in paths {
        if !path.exists() {
            return Err(Failure::new(
                Code::ModelUnreadable,
                format!("{} does not exist", path.display()),
                "Check the name.",
            ));
        }
        match file_kind(&path) {
            FileKind::Package => files.packages.push(path),
            FileKind::Labels => files.labels.push(path),
            FileKind::Configuration => files.configurations.push(path),
            FileKind::Samples => files.samples.push(path),
            FileKind::Array => files.arrays.push(path),
            FileKind::Notebook => files.notebooks.push(path),
        }
    }
    // Files of the package's own folder that were dropped with it are left to the package.
    if let [package] = &files.packages[..]
        && package.is_dir()
    {
        let own = |path: &PathBuf| !path.starts_with(package);
        files.configurations.retain(own);
        files.labels.retain(own);
    }
    Ok(files)
}

fn file_kind(path: &Path) -> FileKind {
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
        return if holds {
            FileKind::Package
        } else {
            FileKind::Samples
        };
    }
    match extension.as_str() {
        "toml" | "onnx" => FileKind::Package,
        "txt" | "names" => FileKind::Labels,
        _ if CONFIGURATIONS.contains(&name.as_str()) => FileKind::Configuration,
        "csv" | "json" => FileKind::Notebook,
        "pt" | "pth" if is_torch_evidence(path) => FileKind::Notebook,
        _ if samples::is_picture(path) => FileKind::Samples,
        _ if samples::is_array(path) => FileKind::Array,
        // Reading it reports what is wrong with it.
        _ => FileKind::Package,
    }
}

/// Whether a file begins as a sample in the Open Inference Protocol's JSON does.
fn is_request(path: &Path) -> bool {
    let mut start = Vec::new();
    let json = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let mut read = || {
        std::fs::File::open(path)?
            .take(4096)
            .read_to_end(&mut start)
    };
    json && read().is_ok() && String::from_utf8_lossy(&start).contains("\"inputs\"")
}

fn file_name(path: &Path) -> String {
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
    fn a_file_is_opened_by_its_kind() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        for directory in ["package", "model", "photos"] {
            fs::create_dir(root.join(directory)).expect("made");
        }
        let files: [(&str, &[u8]); 11] = [
            ("package/boxwright.toml", b""),
            ("model/net.ONNX", b""),
            ("photos/a.jpg", b""),
            ("net.pt", b"PK"),
            ("unnamed", &[0xff, 0xd8, 0xff]),
            ("classes.txt", b"cat"),
            ("preprocessor_config.json", b"{}"),
            ("config.json", b"{}"),
            ("other.json", b"{}"),
            ("scores.CSV", b"0.5"),
            ("cat.npy", b""),
        ];
        for (name, bytes) in files {
            fs::write(root.join(name), bytes).expect("written");
        }
        for (name, expected) in [
            ("package", FileKind::Package),
            ("package/boxwright.toml", FileKind::Package),
            ("model", FileKind::Package),
            ("model/net.ONNX", FileKind::Package),
            ("net.pt", FileKind::Package),
            ("other.json", FileKind::Notebook),
            ("scores.CSV", FileKind::Notebook),
            ("cat.npy", FileKind::Array),
            ("photos", FileKind::Samples),
            ("photos/a.jpg", FileKind::Samples),
            ("unnamed", FileKind::Samples),
            ("classes.txt", FileKind::Labels),
            ("preprocessor_config.json", FileKind::Configuration),
            ("config.json", FileKind::Configuration),
            ("data.yaml", FileKind::Configuration),
            ("coco.names", FileKind::Labels),
        ] {
            assert_eq!(file_kind(&root.join(name)), expected, "{name}");
        }
    }
}
