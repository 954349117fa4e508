//! The open package with its edits, undo and redo.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use boxwright_files::FileStamp;
use boxwright_model::guess::Preset;
use boxwright_model::package::{FILE_NAME, Package};
use boxwright_model::{LoadedPackage, Model};
use serde_json::Value;

use crate::api::{Document, Guess, LabelsSummary, Problem};
use crate::failure::{Code, Failure};

/// Edits of the same fields within this time are one step to undo.
const COALESCE: Duration = Duration::from_secs(1);
/// Steps that can be undone.
const MAX_STEPS: usize = 200;
/// Labels that are shown.
const FIRST_LABELS: usize = 5;

/// The open package.
#[derive(Debug, Clone)]
pub struct OpenDocument {
    root: PathBuf,
    model: Model,
    package: Package,
    /// What the file says, or the guess while there is no file.
    baseline: Package,
    has_file: bool,
    guesses: Vec<Guess>,
    revision: u32,
    undo: Vec<Package>,
    redo: Vec<Package>,
    last_edit: Option<(Instant, Vec<String>)>,
    /// The problems of `package`, or its files where it has none; updated with every change.
    problems: Vec<Problem>,
    loaded: Option<LoadedPackage>,
    /// Stamps of the model's files when they were last read.
    stamps: Option<Vec<FileStamp>>,
    /// Whether the model's files changed since the package file was written.
    stale: bool,
}

impl OpenDocument {
    /// Opens what [`boxwright_model::package::open_any`] has read. Revisions go on from
    /// `revision`, so that an edit of a document that is closed never hits the next one.
    pub fn new(
        loaded: LoadedPackage,
        model: Model,
        guesses: Vec<(String, String)>,
        revision: u32,
    ) -> Self {
        let has_file = loaded.root.join(FILE_NAME).is_file() && guesses.is_empty();
        let guesses = guesses
            .into_iter()
            .map(|(field, reason)| Guess { field, reason })
            .collect();
        let mut document = Self {
            root: loaded.root,
            stamps: stamps(&model),
            stale: false,
            model,
            baseline: loaded.package.clone(),
            package: loaded.package,
            has_file,
            guesses,
            revision,
            undo: Vec::new(),
            redo: Vec::new(),
            last_edit: None,
            problems: Vec::new(),
            loaded: None,
        };
        document.check();
        document
    }

    /// The package as edited.
    pub fn package(&self) -> &Package {
        &self.package
    }

    /// The folder that its files lie in.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The names of its classes, where nothing is wrong with it and it has some.
    pub fn class_names(&self) -> Option<&[String]> {
        self.loaded.as_ref()?.labels.as_deref()
    }

    /// Counts every change.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Whether it is as it was guessed, without a package file.
    pub fn is_guess(&self) -> bool {
        !self.has_file && !self.guesses.is_empty() && !self.is_edited()
    }

    /// Whether it has edits that are not saved.
    pub fn is_edited(&self) -> bool {
        !same(&self.package, &self.baseline)
    }

    /// The package as edited, with its files.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if it has problems.
    pub fn loaded(&self) -> Result<LoadedPackage, Failure> {
        match (&self.loaded, self.problems.first()) {
            (Some(loaded), _) => Ok(loaded.clone()),
            (None, Some(problem)) => Err(Failure::new(
                Code::PackageInvalid,
                format!("{}: {}", problem.field, problem.message),
                "Mend this field of the package, and try again.",
            )),
            (None, None) => Err(Failure::internal("the package was not checked")),
        }
    }

    /// Checks the package and the files that it names, which may have changed.
    pub fn check(&mut self) {
        self.reload_model();
        let signature = &self.model.summary.signature;
        let found = self.package.problems(Some(signature));
        self.problems = found
            .into_iter()
            .map(|(field, message)| Problem { field, message })
            .collect();
        self.loaded = None;
        if !self.problems.is_empty() {
            return;
        }
        match LoadedPackage::from_parts(self.package.clone(), &self.root) {
            Ok(loaded) => self.loaded = Some(loaded),
            Err(error) => self.problems.push(file_problem(error)),
        }
    }

    /// Reads the model again if its files changed. That it can't be read is reported when it is
    /// used.
    fn reload_model(&mut self) {
        let now = stamps(&self.model);
        if now.is_none() || now == self.stamps {
            return;
        }
        if let Ok(model) = boxwright_model::inspect(&self.model.path) {
            self.stamps = stamps(&model);
            self.model = model;
            self.stale = true;
        }
    }

    /// Replaces the package by one that was made from `revision`.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if `revision` is not the current one, or the model's files would
    /// change.
    pub fn edit(&mut self, revision: u32, package: Package) -> Result<(), Failure> {
        if revision != self.revision {
            return Err(Failure::new(
                Code::PackageInvalid,
                "the package has changed since this edit began",
                "Make the edit again.",
            )
            .retryable());
        }
        if package.model != self.package.model || package.format != self.package.format {
            return Err(Failure::new(
                Code::PackageInvalid,
                "a package's model files are not edited",
                "Open the other model instead.",
            ));
        }
        let fields = changed(&self.package, &package);
        if fields.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        let goes_on = self.last_edit.as_ref().is_some_and(|(at, last)| {
            *last == fields && now.duration_since(*at) < COALESCE && self.redo.is_empty()
        });
        self.last_edit = Some((now, fields));
        if goes_on {
            self.package = package;
            self.revision += 1;
            self.check();
        } else {
            self.step(package);
        }
        Ok(())
    }

    /// Makes the package one of `preset`, in a step of its own.
    ///
    /// # Errors
    /// [`Code::PackageInvalid`] if the package takes no pictures.
    pub fn apply_preset(&mut self, preset: Preset) -> Result<(), Failure> {
        let mut package = self.package.clone();
        preset
            .apply(&mut package, &self.model.summary.signature)
            .map_err(|message| {
                let hint = "Open a model that takes pictures.";
                Failure::new(Code::PackageInvalid, message, hint)
            })?;
        if package != self.package {
            self.step(package);
            self.last_edit = None;
        }
        Ok(())
    }

    /// Replaces the package in a step of its own.
    pub fn step(&mut self, package: Package) {
        if self.undo.len() == MAX_STEPS {
            self.undo.remove(0);
        }
        self.undo
            .push(std::mem::replace(&mut self.package, package));
        self.redo.clear();
        self.revision += 1;
        self.check();
    }

    /// Undoes the last step, if there is one.
    pub fn undo(&mut self) {
        if let Some(package) = self.undo.pop() {
            self.redo
                .push(std::mem::replace(&mut self.package, package));
            self.step_done();
        }
    }

    /// Repeats a step that was undone, if there is one.
    pub fn redo(&mut self) {
        if let Some(package) = self.redo.pop() {
            self.undo
                .push(std::mem::replace(&mut self.package, package));
            self.step_done();
        }
    }

    /// Goes back to the file, or to the guess; can be undone.
    pub fn revert(&mut self) {
        if self.is_edited() {
            self.step(self.baseline.clone());
            self.last_edit = None;
        }
    }

    /// The package was saved as `saved`.
    pub fn saved(&mut self, saved: Package) {
        // Edits made while it was written are kept.
        if same(&self.package, &saved) {
            self.package = saved.clone();
        }
        self.baseline = saved;
        self.has_file = true;
        self.stale = false;
        self.guesses.clear();
        self.step_done();
    }

    fn step_done(&mut self) {
        self.last_edit = None;
        self.revision += 1;
        self.check();
    }

    /// What the page shows of it.
    pub fn snapshot(&self) -> Document {
        let (now, guessed) = (as_json(&self.package), as_json(&self.baseline));
        // A guess that the user has changed is a choice.
        let unchanged =
            |guess: &&Guess| value_at(&now, &guess.field) == value_at(&guessed, &guess.field);
        let folder = self.root.file_name().unwrap_or(self.root.as_os_str());
        Document {
            revision: self.revision,
            folder: folder.to_string_lossy().into_owned(),
            dirty: !self.has_file || self.stale || self.is_edited(),
            can_undo: !self.undo.is_empty(),
            can_redo: !self.redo.is_empty(),
            package: self.package.clone(),
            preset: Preset::of(&self.package).map(|preset| preset.name().to_owned()),
            model: self.model.summary.clone(),
            guesses: self.guesses.iter().filter(unchanged).cloned().collect(),
            labels: self.labels(),
            problems: self.problems.clone(),
        }
    }

    fn labels(&self) -> Option<LabelsSummary> {
        let of_package = || {
            let source = self.package.labels.as_ref()?.file.clone();
            Some((source, self.loaded.as_ref()?.labels.as_ref()?))
        };
        let of_model = || {
            Some((
                "the model's metadata".to_owned(),
                self.model.labels.as_ref()?,
            ))
        };
        let (source, labels) = of_package().or_else(of_model)?;
        let first = labels.iter().take(FIRST_LABELS).cloned().collect();
        let count = labels.len();
        Some(LabelsSummary {
            source,
            count,
            first,
        })
    }
}

/// `None` where one of the files is gone.
fn stamps(model: &Model) -> Option<Vec<FileStamp>> {
    let files = std::iter::once(&model.path).chain(&model.external_files);
    files.map(|file| FileStamp::of(file).ok()).collect()
}

/// What is wrong with a file that the package names, at the field that names it.
fn file_problem(error: boxwright_model::Error) -> Problem {
    let field = match &error {
        boxwright_model::Error::Package { field, .. } => field.clone(),
        _ => None,
    };
    let failure = Failure::from(error);
    Problem {
        field: field.unwrap_or_else(|| "model.files".to_owned()),
        message: format!("{} {}", failure.message, failure.hint),
    }
}

/// Whether two packages say the same; a hash that is not filled in yet is no difference.
fn same(a: &Package, b: &Package) -> bool {
    let bare = |package: &Package| {
        let mut package = package.clone();
        for file in &mut package.model.files {
            file.sha256 = None;
        }
        package
    };
    bare(a) == bare(b)
}

/// The dotted paths of the fields in which two packages differ.
fn changed(a: &Package, b: &Package) -> Vec<String> {
    let mut fields = Vec::new();
    compare("", &as_json(a), &as_json(b), &mut fields);
    fields
}

fn compare(path: &str, a: &Value, b: &Value, fields: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let keys: std::collections::BTreeSet<&String> = x.keys().chain(y.keys()).collect();
            for key in keys {
                let inner = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let (x, y) = (x.get(key), y.get(key));
                compare(
                    &inner,
                    x.unwrap_or(&Value::Null),
                    y.unwrap_or(&Value::Null),
                    fields,
                );
            }
        }
        _ if a != b => fields.push(path.to_owned()),
        _ => {}
    }
}

/// Converts by way of text, so that single-precision numbers stay as written: 123.675, not
/// 123.67500305175781.
fn as_json(package: &Package) -> Value {
    let text = serde_json::to_string(package).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// The value of a dotted field as JSON, for showing; `None` where the package leaves it out.
pub fn field(package: &Package, path: &str) -> Option<String> {
    value_at(&as_json(package), path).map(Value::to_string)
}

/// The value at a dotted path. Numbers are indexes; a name in a list is looked up in its first
/// element.
fn value_at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let steps = path.split('.').filter(|step| !step.is_empty());
    let mut value = value;
    for step in steps {
        let (name, place) = match step.split_once('[') {
            Some((name, rest)) => (name, rest.trim_end_matches(']').parse::<usize>().ok()),
            None => (step, None),
        };
        value = match (value, name.parse::<usize>()) {
            (Value::Array(list), Ok(place)) => list.get(place)?,
            (Value::Array(list), Err(_)) => list.first()?.get(name)?,
            (other, _) => other.get(name)?,
        };
        if let Some(place) = place {
            value = value.get(place)?;
        }
    }
    Some(value)
}

#[cfg(test)]
#[path = "document_tests.rs"]
mod tests;
