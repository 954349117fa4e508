//! The window's samples and their predictions, and which samples have none yet.

use std::collections::HashSet;

use boxwright_model::prediction::{DeviceUsed, Outcome, PictureDetails, Timing};

use super::spool::{SpoolFile, SpoolKind};
use crate::api::{Preview, PreviewChange, PreviewStatus, Sample};
use crate::failure::Failure;
use crate::samples::{MAX_SAMPLES, SampleFile};

/// Elements of raw outputs that are kept for showing; the whole outcome is spooled.
const MAX_ELEMENTS: usize = 256;

/// The samples and the newest predictions.
#[derive(Default)]
pub struct PreviewSamples {
    entries: Vec<Entry>,
    last_id: u32,
    run: u32,
    status: PreviewStatus,
    failure: Option<Failure>,
    device: Option<DeviceUsed>,
    model_digest: Option<String>,
    batch_size: usize,
    timing: Option<Timing>,
    /// Samples whose cards are on screen.
    in_view: HashSet<u32>,
}

struct Entry {
    file: SampleFile,
    sample: Sample,
}

/// The samples of a run that have no outcome yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PendingSamples {
    /// The run.
    pub run: u32,
    /// Samples without an outcome that need a thumbnail.
    pub with_thumbnail: Vec<(u64, SampleFile)>,
    /// Samples without an outcome that have one.
    pub without_thumbnail: Vec<(u64, SampleFile)>,
    /// How many of the latter are on screen: the first ones.
    pub on_screen: usize,
}

impl PendingSamples {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.with_thumbnail.is_empty() && self.without_thumbnail.is_empty()
    }
}

/// A sample's new outcome.
pub struct SampleUpdate {
    /// The sample.
    pub id: u32,
    /// Its outcome.
    pub outcome: Outcome,
    /// Width and height of the upright picture.
    pub picture: Option<[u32; 2]>,
    /// What its file says about itself.
    pub details: Option<PictureDetails>,
    /// Its thumbnail, where one was made.
    pub thumbnail: Option<bytes::Bytes>,
}

impl PreviewSamples {
    /// Adds samples that are not there yet, and says how many were left out because there would
    /// be too many.
    pub fn add(&mut self, files: Vec<SampleFile>) -> usize {
        let known: HashSet<_> = self
            .entries
            .iter()
            .map(|entry| entry.file.path.clone())
            .collect();
        let mut names: HashSet<_> = self.samples().map(|sample| sample.name.clone()).collect();
        let mut left_out = 0;
        for file in files.into_iter().filter(|file| !known.contains(&file.path)) {
            if self.entries.len() == MAX_SAMPLES {
                left_out += 1;
                continue;
            }
            self.last_id += 1;
            // A file of another folder has this name already.
            let name = match names.contains(&file.name) {
                true => file.path.to_string_lossy().into_owned(),
                false => file.name.clone(),
            };
            names.insert(name.clone());
            let sample = Sample {
                id: self.last_id,
                name,
                outcome: None,
                thumbnail: 0,
                picture: None,
                details: None,
            };
            self.entries.push(Entry { file, sample });
        }
        left_out
    }

    /// Takes samples off.
    pub fn remove(&mut self, ids: &[u32]) {
        self.entries.retain(|entry| !ids.contains(&entry.sample.id));
        if self.entries.is_empty() {
            self.clear_outcomes();
        }
    }

    /// The files of the samples.
    pub fn files(&self) -> Vec<SampleFile> {
        self.entries
            .iter()
            .map(|entry| entry.file.clone())
            .collect()
    }

    /// The file of a sample.
    pub fn file(&self, id: u32) -> Option<&SampleFile> {
        self.entries
            .iter()
            .find(|entry| entry.sample.id == id)
            .map(|entry| &entry.file)
    }

    /// The samples of these files, in the order of the list.
    pub fn of(&self, files: &[SampleFile]) -> Vec<u32> {
        let paths: HashSet<_> = files.iter().map(|file| &file.path).collect();
        let given = |entry: &&Entry| paths.contains(&entry.file.path);
        let entries = self.entries.iter().filter(given);
        entries.map(|entry| entry.sample.id).collect()
    }

    /// The samples, whole.
    pub fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.entries.iter().map(|entry| &entry.sample)
    }

    /// The ids of all samples.
    pub fn ids(&self) -> Vec<u32> {
        self.samples().map(|sample| sample.id).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Starts a new run: all outcomes are removed.
    pub fn begin(&mut self, batch_size: usize) {
        self.clear_outcomes();
        self.batch_size = batch_size;
        if !self.entries.is_empty() {
            self.status = PreviewStatus::Loading;
        }
    }

    /// Continues the run with samples that were added.
    pub fn resume(&mut self) {
        if !self.without_outcome().is_empty() {
            self.status = PreviewStatus::Loading;
        }
    }

    /// Removes all outcomes; nothing is predicted until the next run.
    pub fn clear_outcomes(&mut self) {
        self.run += 1;
        self.status = PreviewStatus::Idle;
        self.failure = None;
        self.timing = None;
        for entry in &mut self.entries {
            entry.sample.outcome = None;
        }
    }

    /// Stops the run, if one goes on.
    pub fn cancel(&mut self) {
        if self.is_active() {
            self.status = PreviewStatus::Cancelled;
        }
    }

    /// The run has failed.
    pub fn fail(&mut self, failure: Failure) {
        self.status = PreviewStatus::Failed;
        self.failure = Some(failure);
    }

    /// The number of the current run.
    pub fn run(&self) -> u32 {
        self.run
    }

    /// Whether a run goes on.
    pub fn is_active(&self) -> bool {
        matches!(self.status, PreviewStatus::Loading | PreviewStatus::Running)
    }

    /// These are on screen, and predicted before the others. Returns whether this changes the order of
    /// what a run has yet to predict.
    pub fn set_in_view(&mut self, ids: Vec<u32>) -> bool {
        let before = self.pending();
        self.in_view = ids.into_iter().collect();
        self.pending() != before
    }

    /// The samples that the run has yet to predict, those on screen first; `None` when no run goes on.
    pub fn pending(&self) -> Option<PendingSamples> {
        self.is_active().then(|| self.without_outcome())
    }

    fn without_outcome(&self) -> PendingSamples {
        let mut pending = PendingSamples {
            run: self.run,
            ..PendingSamples::default()
        };
        for Entry { file, sample } in self
            .entries
            .iter()
            .filter(|entry| entry.sample.outcome.is_none())
        {
            let list = match sample.thumbnail {
                0 => &mut pending.with_thumbnail,
                _ => &mut pending.without_thumbnail,
            };
            list.push((u64::from(sample.id), file.clone()));
        }
        let seen = |id: u64| u32::try_from(id).is_ok_and(|id| self.in_view.contains(&id));
        for list in [&mut pending.with_thumbnail, &mut pending.without_thumbnail] {
            list.sort_by_key(|(id, _)| !seen(*id));
        }
        let seen = pending.without_thumbnail.iter().filter(|(id, _)| seen(*id));
        pending.on_screen = seen.count();
        pending
    }

    /// The package is loaded.
    pub fn loaded(&mut self, device: DeviceUsed, model_digest: String) {
        self.status = PreviewStatus::Running;
        self.device = Some(device);
        self.model_digest = Some(model_digest);
    }

    /// The digest of the model's files that was loaded last.
    pub fn model_digest(&self) -> Option<&str> {
        self.model_digest.as_deref()
    }

    /// Takes results of `run` in, spooling what is large, and returns the samples that changed.
    pub fn apply(
        &mut self,
        run: u32,
        results: Vec<SampleUpdate>,
        spool: &mut SpoolFile,
    ) -> Vec<Sample> {
        if run != self.run {
            return Vec::new();
        }
        let indexes: std::collections::HashMap<u32, usize> = self
            .entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (entry.sample.id, index))
            .collect();
        let mut changed = Vec::with_capacity(results.len());
        for SampleUpdate {
            id,
            outcome,
            picture,
            details,
            thumbnail,
        } in results
        {
            let Some(entry) = indexes
                .get(&id)
                .and_then(|index| self.entries.get_mut(*index))
            else {
                continue;
            };
            let sample = &mut entry.sample;
            if let Some(bytes) = thumbnail
                && spool.put(SpoolKind::Thumbnail, id, &bytes).is_ok()
            {
                sample.thumbnail += 1;
            }
            sample.picture = picture.or(sample.picture);
            // Whether it was turned changes with the package.
            sample.details = details.or(sample.details.take());
            sample.outcome = Some(shortened(id, outcome, spool));
            changed.push(sample.clone());
        }
        changed
    }

    /// Where the time went up to now, or in the end.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = Some(timing);
    }

    /// Every sample has an outcome.
    pub fn finish(&mut self) {
        self.status = PreviewStatus::Done;
    }

    /// Samples with an outcome.
    pub fn done(&self) -> usize {
        self.samples()
            .filter(|sample| sample.outcome.is_some())
            .count()
    }

    /// What the page shows.
    pub fn snapshot(&self) -> Preview {
        Preview {
            run: self.run,
            status: self.status,
            failure: self.failure.clone(),
            samples: self.samples().cloned().collect(),
            done: self.done(),
            device: self.device.clone(),
            batch_size: self.batch_size,
            timing: self.timing,
        }
    }

    /// The event of a change; with `order` where the list changed.
    pub fn change(&self, order: bool) -> PreviewChange {
        PreviewChange {
            run: self.run,
            status: self.status,
            failure: self.failure.clone(),
            order: order.then(|| self.ids()),
            done: self.done(),
            device: self.device.clone(),
            batch_size: self.batch_size,
            timing: self.timing,
        }
    }
}

/// Raw outputs can be millions of numbers: the first are kept in memory, all are spooled.
fn shortened(id: u32, outcome: Outcome, spool: &mut SpoolFile) -> Outcome {
    let Outcome::Outputs(mut outputs) = outcome else {
        return outcome;
    };
    if outputs
        .values()
        .all(|output| output.data.len() <= MAX_ELEMENTS)
    {
        return Outcome::Outputs(outputs);
    }
    let whole = Outcome::Outputs(outputs.clone());
    if let Ok(json) = serde_json::to_vec(&whole) {
        // If it can't be written, the export lacks the rest; the shape still says how much there was.
        let _ = spool.put(SpoolKind::Outcome, id, &json);
    }
    for output in outputs.values_mut() {
        output.data = output.data.first(MAX_ELEMENTS);
    }
    Outcome::Outputs(outputs)
}

/// A sample's outcome as it was predicted.
pub fn whole_outcome(sample: &Sample, spool: &mut SpoolFile) -> Option<Outcome> {
    let mut spooled = || serde_json::from_slice(&spool.get(SpoolKind::Outcome, sample.id)?).ok();
    match &sample.outcome {
        Some(Outcome::Outputs(_)) => spooled().or_else(|| sample.outcome.clone()),
        other => other.clone(),
    }
}

#[cfg(test)]
#[path = "samples_tests.rs"]
mod tests;
