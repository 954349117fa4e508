//! A search for a notebook's recipe: what was chosen for it, and where it stands.

use std::path::{Path, PathBuf};

use boxwright_model::package::Package;
use boxwright_model::recipe::{Evidence, Recipe, Verdict};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::api::{
    RecipeChange, RecipeChoice, RecipeFinding, RecipeSearch, RecipeStatus, RecipeValue,
};
use crate::failure::{Failure, Stop};
use crate::notebook_file::{self, NotebookFile};
use crate::recipe::{MAX_PHOTOS, RecipeAnswer};

/// Recipes that are listed as doing as well.
const MAX_SAME: usize = 8;

/// The search that the window shows. When it is dropped, it is cancelled.
pub(super) struct OpenSearch {
    id: u32,
    /// The folder of the package whose recipe is looked for.
    root: PathBuf,
    files: Vec<NotebookFile>,
    evidence: Evidence,
    photos: Vec<u32>,
    /// Samples that were dropped together with the files; empty where all may be meant.
    came_with: Vec<u32>,
    /// Whether photos and evidence are the user's choice, and no proposal any more.
    is_chosen: bool,
    run: u32,
    stage: Stage,
}

enum Stage {
    Choosing,
    Searching {
        since: Timestamp,
        cancel: CancellationToken,
    },
    Found(Box<RecipeAnswer>),
    Failed(Failure),
}

impl OpenSearch {
    /// One without files yet.
    pub(super) fn new(id: u32, root: PathBuf) -> Self {
        Self {
            id,
            root,
            files: Vec::new(),
            evidence: Evidence::Tensors,
            photos: Vec::new(),
            came_with: Vec::new(),
            is_chosen: false,
            run: 0,
            stage: Stage::Choosing,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.id
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Files to search by, in their order.
    pub(super) fn files(&self) -> &[NotebookFile] {
        &self.files
    }

    pub(super) fn evidence(&self) -> Evidence {
        self.evidence
    }

    pub(super) fn photos(&self) -> &[u32] {
        &self.photos
    }

    /// Adds files with the samples that came with them. Once there was a search, they take the
    /// place of the earlier ones.
    pub(super) fn add_files(&mut self, files: Vec<NotebookFile>, photos: Vec<u32>) {
        if files.is_empty() {
            return;
        }
        if !matches!(self.stage, Stage::Choosing) {
            self.files.clear();
            self.came_with.clear();
        }
        self.stop();
        let known: Vec<PathBuf> = self.files.iter().map(|file| file.path.clone()).collect();
        let is_new = |file: &NotebookFile| !known.contains(&file.path);
        self.files.extend(files.into_iter().filter(is_new));
        self.came_with.extend(photos);
        self.files_changed();
    }

    /// Takes a file off.
    pub(super) fn remove_file(&mut self, place: usize) {
        self.stop();
        if place < self.files.len() {
            self.files.remove(place);
        }
        self.files_changed();
    }

    fn files_changed(&mut self) {
        self.is_chosen = false;
        self.evidence = notebook_file::evidence(&self.files);
        let unreadable = |file: &NotebookFile| file.content.as_ref().err().cloned();
        if let Some(failure) = self.files.iter().find_map(unreadable) {
            self.stage = Stage::Failed(failure);
        }
    }

    /// Proposes photos, while their user has chosen none: those that the files name, or the first.
    /// Returns whether there is no doubt about them.
    pub(super) fn propose(&mut self, samples: &[(u32, &str)]) -> bool {
        if self.is_chosen || !matches!(self.stage, Stage::Choosing) {
            return false;
        }
        let together = |sample: &(u32, &str)| self.came_with.contains(&sample.0);
        let mut candidates: Vec<(u32, &str)> = samples.iter().copied().filter(together).collect();
        if candidates.is_empty() {
            candidates = samples.to_vec();
        }
        let words = self.photo_words();
        if words.is_empty() || words.len() > MAX_PHOTOS {
            self.photos.clear();
            return false;
        }
        if let Some(named) = named(&words, &candidates) {
            self.photos = named;
            return true;
        }
        let first = candidates.iter().take(words.len());
        self.photos = first.map(|(id, _)| *id).collect();
        candidates.len() == words.len()
    }

    fn photo_words(&self) -> Vec<String> {
        notebook_file::photo_words(&self.files, self.evidence)
    }

    /// Takes its user's choice, and ends what was searched by another.
    pub(super) fn choose(&mut self, choice: RecipeChoice) {
        self.stop();
        self.photos = choice.photos;
        self.evidence = choice.evidence;
        self.is_chosen = true;
    }

    /// Samples that are gone are no photos any more.
    pub(super) fn forget(&mut self, ids: &[u32]) {
        if self.photos.iter().any(|id| ids.contains(id)) {
            self.stop();
            self.photos.retain(|id| !ids.contains(id));
        }
        self.came_with.retain(|id| !ids.contains(id));
    }

    /// Begins a run; returns its number and what cancels it.
    pub(super) fn begin(&mut self) -> (u32, CancellationToken) {
        self.stop();
        self.run += 1;
        let cancel = CancellationToken::new();
        self.stage = Stage::Searching {
            since: Timestamp::now(),
            cancel: cancel.clone(),
        };
        (self.run, cancel)
    }

    /// Takes what came of a run; returns whether it was waited for.
    pub(super) fn finish(&mut self, run: u32, result: Result<RecipeAnswer, Stop>) -> bool {
        if run != self.run || !matches!(self.stage, Stage::Searching { .. }) {
            return false;
        }
        self.stage = match result {
            Ok(answer) => Stage::Found(Box::new(answer)),
            Err(Stop::Failed(failure)) => Stage::Failed(failure),
            Err(Stop::Cancelled) => Stage::Choosing,
        };
        true
    }

    /// It failed before it began.
    pub(super) fn fail(&mut self, failure: Failure) {
        self.stop();
        self.stage = Stage::Failed(failure);
    }

    /// Goes back to choosing, and doesn't begin by itself again: cancels the run, or drops its answer.
    pub(super) fn cancel(&mut self) {
        self.stop();
        self.is_chosen = true;
    }

    fn stop(&mut self) {
        if let Stage::Searching { cancel, .. } = std::mem::replace(&mut self.stage, Stage::Choosing)
        {
            cancel.cancel();
        }
    }

    /// The recipe that was found, or one of those that do as well.
    pub(super) fn recipe(&self, same: Option<usize>) -> Option<&Recipe> {
        let Stage::Found(answer) = &self.stage else {
            return None;
        };
        match same {
            None => answer.report.recipe.as_ref(),
            Some(place) => answer.report.same.get(place),
        }
    }

    /// The picture of where the nearest recipe differs, of this run: a JPEG.
    pub(super) fn heat_map(&self, run: u32) -> Option<Vec<u8>> {
        match &self.stage {
            Stage::Found(answer) if run == self.run => {
                answer.heat_map.as_ref().map(|jpeg| jpeg.to_vec())
            }
            _ => None,
        }
    }

    /// What the page shows, beside this package.
    pub(super) fn snapshot(&self, package: Option<&Package>) -> RecipeSearch {
        let (status, started, answer, failure) = match &self.stage {
            Stage::Choosing => (RecipeStatus::Choosing, None, None, None),
            Stage::Searching { since, .. } => {
                (RecipeStatus::Searching, Some(since.to_string()), None, None)
            }
            Stage::Found(answer) => (
                RecipeStatus::Found,
                None,
                Some(finding(answer, package)),
                None,
            ),
            Stage::Failed(failure) => (RecipeStatus::Failed, None, None, Some(failure.clone())),
        };
        RecipeSearch {
            id: self.id,
            run: self.run,
            files: self.files.iter().map(|file| file.name.clone()).collect(),
            evidence: self.evidence,
            rows: self.photo_words().len(),
            photos: self.photos.clone(),
            status,
            started,
            answer,
            failure,
        }
    }
}

impl Drop for OpenSearch {
    fn drop(&mut self) {
        self.stop();
    }
}

fn finding(answer: &RecipeAnswer, package: Option<&Package>) -> RecipeFinding {
    let report = &answer.report;
    // One that makes nothing like it is none to put into a package.
    let recipe = report
        .recipe
        .as_ref()
        .filter(|_| report.verdict != Verdict::None);
    let changes: Vec<RecipeChange> = match (recipe, package) {
        (Some(recipe), Some(package)) => Recipe::of(package, recipe)
            .differences(recipe)
            .into_iter()
            .map(|(field, was, found)| RecipeChange { field, was, found })
            .collect(),
        _ => Vec::new(),
    };
    let values = |recipe: &Recipe, other: &Recipe| -> Vec<RecipeValue> {
        let differences = recipe.differences(other).into_iter();
        let value = |(field, _, value)| RecipeValue { field, value };
        differences.map(value).collect()
    };
    let same = recipe.iter().flat_map(|recipe| {
        let others = report.same.iter().take(MAX_SAME);
        others.map(|other| values(recipe, other))
    });
    RecipeFinding {
        verdict: report.verdict,
        recipe: recipe.cloned(),
        max_difference: report.max_difference,
        mean_difference: report.mean_difference,
        unit: report.evidence.unit().to_owned(),
        differing: report.differing,
        compared: report.compared,
        in_package: recipe.is_some() && changes.is_empty(),
        changes,
        same: same.collect(),
        heat_map: answer.heat_map.is_some(),
        elapsed_ms: report.elapsed_ms,
        out_of_time: report.out_of_time,
    }
}

/// The sample that each row's words name, where each names one of its own.
fn named(rows: &[String], samples: &[(u32, &str)]) -> Option<Vec<u32>> {
    let stems: Vec<(u32, Vec<String>)> = samples
        .iter()
        .map(|(id, name)| {
            let file = name.rsplit('/').next().unwrap_or(name);
            let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
            (*id, words(stem))
        })
        .collect();
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let id = best(&words(row), &stems)?;
        if found.contains(&id) {
            return None;
        }
        found.push(id);
    }
    Some(found)
}

/// The sample whose name has the most words that stand in a row's words one after the other; none
/// where two have.
fn best(row: &[String], stems: &[(u32, Vec<String>)]) -> Option<u32> {
    let stands =
        |stem: &[String]| !stem.is_empty() && row.windows(stem.len()).any(|part| part == stem);
    let all = stems.iter().filter(|(_, stem)| stands(stem));
    let most = all.clone().map(|(_, stem)| stem.len()).max()?;
    let mut longest = all.filter(|(_, stem)| stem.len() == most);
    match (longest.next(), longest.next()) {
        (Some((id, _)), None) => Some(*id),
        _ => None,
    }
}

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
#[path = "recipe_search_tests.rs"]
mod tests;
