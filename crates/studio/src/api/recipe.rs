//! The search for a notebook's recipe, as the window shows it.

use boxwright_model::recipe::{Evidence, Recipe, Verdict};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// A search for the recipe that a notebook prepares its photos by: what was chosen for it, and
/// what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RecipeSearch {
    /// Tells it from earlier ones.
    pub id: u32,
    /// Counts its runs: with `id`, the address of the heat map (`/heat/ID/RUN`).
    pub run: u32,
    /// The names of the files that the notebook saved.
    pub files: Vec<String>,
    /// What they hold.
    pub evidence: Evidence,
    /// Photos that the files are of; 0 where that is not known.
    pub rows: usize,
    /// Samples that the files are of, in the order of their rows.
    pub photos: Vec<u32>,
    /// Where it stands.
    pub status: RecipeStatus,
    /// When the search began, in RFC 3339, while it goes on.
    pub started: Option<String>,
    /// What was found.
    pub answer: Option<RecipeFinding>,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// Where a search stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "kebab-case")]
pub enum RecipeStatus {
    /// Files and photos are chosen.
    Choosing,
    /// It goes on.
    Searching,
    /// There is an answer.
    Found,
    /// It failed.
    Failed,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RecipeFinding {
    /// How well the recipe does.
    pub verdict: Verdict,
    /// The recipe; the nearest where none is exact.
    pub recipe: Option<Recipe>,
    /// The largest difference, in `unit`s.
    pub max_difference: f64,
    /// The mean difference, in `unit`s.
    pub mean_difference: f64,
    /// The unit of the differences, in words: `levels of 255`.
    pub unit: String,
    /// Numbers that differ by more than their last digits.
    pub differing: usize,
    /// Numbers that were compared.
    pub compared: usize,
    /// What the recipe changes in the open package.
    pub changes: Vec<RecipeChange>,
    /// Whether the open package has it already.
    pub in_package: bool,
    /// Recipes that do as well on these photos: in what each differs from the one that was found.
    pub same: Vec<Vec<RecipeValue>>,
    /// Whether there is a picture of where the nearest recipe differs on the first photo.
    pub heat_map: bool,
    /// How long it took, in milliseconds.
    pub elapsed_ms: f64,
    /// Whether time ran out before every recipe was tried.
    pub out_of_time: bool,
}

/// A field of the package file that a recipe changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RecipeChange {
    /// Its name.
    pub field: String,
    /// Its value in the open package.
    pub was: String,
    /// Its value in the recipe.
    pub found: String,
}

/// A field of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RecipeValue {
    /// Its name in the package file.
    pub field: String,
    /// Its value.
    pub value: String,
}

/// What a search goes by, as its user has chosen.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct RecipeChoice {
    /// Samples, in the order of the files' rows.
    pub photos: Vec<u32>,
    /// What the files hold.
    pub evidence: Evidence,
}
