//! The open package.

use boxwright_model::inspect::ModelSummary;
use boxwright_model::package::Package;
use serde::Serialize;

/// The open package, with what its model says about itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Document {
    /// Counts every change; an edit names the revision that it started from.
    pub revision: u32,
    /// The folder's name, for the title bar.
    pub folder: String,
    /// Whether the package differs from its file.
    pub dirty: bool,
    /// Whether there is a step to undo.
    pub can_undo: bool,
    /// Whether there is a step to do again.
    pub can_redo: bool,
    /// The package as edited.
    pub package: Package,
    /// The name of the preset that it follows, where it follows one.
    pub preset: Option<String>,
    /// The model, as read from its file.
    pub model: ModelSummary,
    /// Fields that were guessed rather than read or chosen, with the reason.
    pub guesses: Vec<Guess>,
    /// Labels, where the package names some.
    pub labels: Option<LabelsSummary>,
    /// What is wrong with the package as edited; it can't be previewed or published until it is
    /// mended.
    pub problems: Vec<Problem>,
}

/// One guessed field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Guess {
    /// The field's dotted path in the package file, such as `preprocess.mean`.
    pub field: String,
    /// Why this value, in words.
    pub reason: String,
}

/// One thing that is wrong with an edited package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Problem {
    /// The field's dotted path in the package file.
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// The labels of the open package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LabelsSummary {
    /// The file's name, or the model's metadata.
    pub source: String,
    /// How many there are.
    pub count: usize,
    /// The first few.
    pub first: Vec<String>,
}
