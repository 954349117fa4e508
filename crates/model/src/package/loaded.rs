//! A package together with the files that it names.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use boxwright_files::WriteOptions;
use boxwright_tensor::Signature;

use super::digest::hash_files;
use super::file::{FILE_NAME, Package};
use super::labels;
use crate::error::{Error, Result};
use crate::inspect::{Model, inspect};
use crate::pipeline::{Pipeline, Problem};
use crate::{guess, paths};

/// Most bytes of a package file.
const LARGEST: u64 = 1 << 20;

/// A package whose files were found and checked.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadedPackage {
    /// The package file.
    pub package: Package,
    /// The canonical folder that it lies in.
    pub root: PathBuf,
    /// Canonical paths of the model's files, in the order of `package.model.files`.
    pub files: Vec<PathBuf>,
    /// Class names by index: those of the labels file, or of the model itself where that file has
    /// not been written yet.
    pub labels: Option<Vec<String>>,
}

impl LoadedPackage {
    /// Opens a package file, or the folder that holds one.
    ///
    /// # Errors
    /// As [`Package::from_toml`] and [`LoadedPackage::from_parts`]; [`Error::Io`] if the file
    /// can't be read.
    pub fn open(path: &Path) -> Result<Self> {
        let file = if path.is_dir() {
            path.join(FILE_NAME)
        } else {
            path.to_owned()
        };
        let package = Package::from_toml(&read(&file)?, &file)?;
        Self::from_parts(package, &paths::folder_of(&file)?)
    }

    /// A package that lies, or will lie, in the folder `root`. Every file that it names is a
    /// regular file inside that folder once links are resolved. The labels file alone may be
    /// missing, as long as the model or its `config.json` names its classes.
    ///
    /// # Errors
    /// [`Error::Package`] for a file that is missing or not such a file; [`Error::Io`] if the
    /// folder or the labels can't be read.
    pub fn from_parts(package: Package, root: &Path) -> Result<Self> {
        let root = fs::canonicalize(root).map_err(|error| Error::io(root, "read", error))?;
        let refused = |field: &str, reason: String| Error::Package {
            path: root.join(FILE_NAME),
            line: None,
            field: Some(field.to_owned()),
            reason: format!("{field}: {reason}"),
            hint: "A package names only regular files inside its own folder, with `/` between \
                   folders."
                .to_owned(),
        };
        let find = |field: &str, name: &str| {
            let name = paths::normal(name).map_err(|reason| refused(field, reason))?;
            paths::resolve(&root, &name).map_err(|reason| refused(field, reason))
        };
        if package.model.files.is_empty() {
            return Err(refused(
                "model.files",
                "no file is named: the first is the model".into(),
            ));
        }
        let mut files = Vec::with_capacity(package.model.files.len());
        for (index, file) in package.model.files.iter().enumerate() {
            files.push(find(&format!("model.files.{index}.path"), &file.path)?.0);
        }
        let labels = match &package.labels {
            None => None,
            Some(named) => Some(match find("labels.file", &named.file) {
                Ok((file, _)) => labels::read_labels(&file).map_err(|error| match error {
                    Error::Io { .. } => refused("labels.file", error.to_string()),
                    other => other,
                })?,
                Err(error) if root.join(&named.file).exists() => return Err(error),
                Err(error) => own_labels(&files[0], &root).ok_or(error)?,
            }),
        };
        Ok(Self {
            package,
            root,
            files,
            labels,
        })
    }

    /// What is wrong with the package for a model with this signature: [`Package::problems`], and
    /// whether there are as many labels as classes.
    pub fn problems(&self, signature: &Signature) -> Vec<Problem> {
        self.pipeline(signature).err().unwrap_or_default()
    }

    /// The package resolved against its model's signature.
    ///
    /// # Errors
    /// Everything that is wrong with the package, by itself and for this model.
    pub fn pipeline(&self, signature: &Signature) -> Result<Pipeline, Vec<Problem>> {
        let mut problems = self.package.problems(None);
        match Pipeline::resolve(&self.package, signature, self.labels.as_deref()) {
            Ok(pipeline) if problems.is_empty() => Ok(pipeline),
            Ok(_) => Err(problems),
            Err(unfit) => {
                problems.extend(unfit);
                Err(problems)
            }
        }
    }

    /// The text of the labels file: as it ships, and as [`save`](Self::save) writes it.
    pub fn labels_text(&self) -> Option<String> {
        self.labels.as_deref().map(labels::to_text)
    }

    /// The model's files as a package lists them: path in the package, and canonical path.
    pub fn model_files(&self) -> impl Iterator<Item = (&str, &Path)> {
        let paths = self
            .package
            .model
            .files
            .iter()
            .map(|file| file.path.as_str());
        paths.zip(self.files.iter().map(PathBuf::as_path))
    }

    /// Whether the model's files are those that the package was saved with; `found` are their
    /// SHA-256 in lower-case hexadecimal, in the order of `files`. A package that was never saved
    /// names none.
    ///
    /// # Errors
    /// [`Error::Package`] for the first file that is another one.
    pub fn check_hashes(&self, found: &[String]) -> Result<()> {
        let named = self.package.model.files.iter().zip(found).enumerate();
        for (index, (file, found)) in named {
            if let Some(sha256) = file.sha256.as_ref().filter(|sha256| *sha256 != found) {
                return Err(Error::Package {
                    path: self.root.join(FILE_NAME),
                    line: None,
                    field: Some(format!("model.files.{index}.sha256")),
                    reason: format!(
                        "model.files.{index}.sha256: {} is not the file that the package was \
                         saved with: its SHA-256 is {found} instead of {sha256}",
                        file.path
                    ),
                    hint: "Put the file back, or save the package again to take the one that is \
                           there."
                        .to_owned(),
                });
            }
        }
        Ok(())
    }

    /// Writes the package file, with the SHA-256 of every file of the model, and the labels file
    /// if it differs from `labels`. Each file is written whole or not at all.
    ///
    /// # Errors
    /// [`Error::Package`] if the package has problems, [`Error::Io`] if a file can't be read or
    /// written.
    pub fn save(&self) -> Result<()> {
        let path = self.root.join(FILE_NAME);
        if let Some((field, message)) = self.package.problems(None).into_iter().next() {
            let reason = format!("{field}: {message}");
            let hint = "Correct the field, and save again.".to_owned();
            return Err(Error::Package {
                path,
                line: None,
                field: Some(field),
                reason,
                hint,
            });
        }
        let mut package = self.package.clone();
        let hashes = hash_files(&self.files, &mut |_| {})?;
        for (file, hash) in package.model.files.iter_mut().zip(hashes) {
            file.sha256 = Some(hash);
        }
        if let (Some(named), Some(labels)) = (&package.labels, &self.labels) {
            let file = paths::writable(&self.root, &named.file).map_err(|reason| {
                let (line, hint) = (None, "Choose another labels file.".to_owned());
                Error::Package {
                    path: path.clone(),
                    line,
                    field: Some("labels.file".to_owned()),
                    reason,
                    hint,
                }
            })?;
            if labels::read_labels(&file).ok().as_ref() != Some(labels) {
                write(&file, &labels::to_text(labels))?;
            }
        }
        write(&path, &package.to_toml())
    }
}

/// Class names that come with the model, apart from any labels file.
fn own_labels(model: &Path, root: &Path) -> Option<Vec<String>> {
    guess::names::own(&inspect(model).ok()?, root).map(|(labels, _)| labels)
}

/// A package, its model, and one entry a guessed field: its dotted path, and the reason.
pub type Opened = (LoadedPackage, Model, Vec<(String, String)>);

/// Opens whatever names a model: a package file, a folder that holds one or a single ONNX file,
/// or a bare model file, whose package is then guessed. Nothing is guessed for a package file.
///
/// # Errors
/// As [`LoadedPackage::open`], [`inspect`] and [`guess::package`]; [`Error::Package`] if the
/// package does not fit its model or leaves out a file of it.
pub fn open_any(path: &Path) -> Result<Opened> {
    let path = if path.is_dir() {
        in_folder(path)?
    } else {
        path.to_owned()
    };
    if !path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("toml"))
    {
        let model = inspect(&path)?;
        let folder = paths::folder_of(&path)?;
        let guessed = guess::package(&model, &folder)?;
        let loaded = LoadedPackage::from_parts(guessed.package, &folder)?;
        return Ok((loaded, model, guessed.reasons));
    }
    let loaded = LoadedPackage::open(&path)?;
    // The name is the package's, so that what is shown is what was written there.
    let model = inspect(&loaded.root.join(&loaded.package.model.files[0].path))?;
    let refused = |field: &str, reason: String, hint: &str| {
        Err(Error::Package {
            path: path.clone(),
            line: None,
            field: Some(field.to_owned()),
            reason: format!("{field}: {reason}"),
            hint: hint.to_owned(),
        })
    };
    for (name, file) in model
        .summary
        .external_data
        .iter()
        .zip(&model.external_files)
    {
        if !loaded.files.contains(file) {
            let reason = format!("the model keeps weights in `{name}`, which is missing");
            return refused(
                "model.files",
                reason,
                "Name every file of the model, the model itself first.",
            );
        }
    }
    match loaded.problems(&model.summary.signature).into_iter().next() {
        None => Ok((loaded, model, Vec::new())),
        Some((field, message)) => refused(
            &field,
            message,
            "`boxwright inspect` shows what the model has.",
        ),
    }
}

/// What a folder is opened for.
fn in_folder(folder: &Path) -> Result<PathBuf> {
    let file = folder.join(FILE_NAME);
    if file.exists() {
        return Ok(file);
    }
    let entries = fs::read_dir(folder).map_err(|error| Error::io(folder, "read", error))?;
    let mut models: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|e| e.eq_ignore_ascii_case("onnx"))
        })
        .take(2)
        .collect();
    match (models.pop(), models.pop()) {
        (Some(model), None) => Ok(model),
        (None, _) => Ok(folder.to_owned()),
        (Some(_), Some(_)) => Err(Error::Unsupported {
            path: folder.to_owned(),
            what: "a folder with several ONNX models and no boxwright.toml".to_owned(),
            hint: "Open one of the models, or write a package for one with `boxwright init MODEL`."
                .to_owned(),
        }),
    }
}

/// The text of a package file.
fn read(path: &Path) -> Result<String> {
    let io = |error| Error::io(path, "read", error);
    let refused = |reason: &str| Error::Package {
        path: path.to_owned(),
        line: None,
        field: None,
        reason: reason.to_owned(),
        hint: "A package file is a short text in TOML; `boxwright init MODEL` writes one."
            .to_owned(),
    };
    let metadata = fs::metadata(path).map_err(io)?;
    if !metadata.is_file() {
        return Err(refused("is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)
        .map_err(io)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if bytes.len() as u64 > LARGEST {
        return Err(refused("is larger than any package file (1 MiB)"));
    }
    String::from_utf8(bytes).map_err(|_| refused("is not UTF-8"))
}

/// Writes a file of a package atomically.
fn write(path: &Path, text: &str) -> Result<()> {
    // A link would lead out of the package.
    WriteOptions::new()
        .regular_only()
        .synced()
        .write(path, text.as_bytes())
        .map_err(|error| Error::io(path, "written", error))
}
