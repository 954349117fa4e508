//! The state of a job, and which of it has not been emitted yet.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::api::{Job, JobItem, JobKind, JobStatus, Unit};

/// The time over which the speed is averaged.
const SPEED_WINDOW: Duration = Duration::from_secs(3);

/// The stage in which bytes are sent to a registry; its speed is measured.
pub const PUSH: &str = "push";

/// The state of a job, and which of it has not been emitted yet.
pub(super) struct JobState {
    pub(super) job: Job,
    pub(super) seq: u64,
    /// The index in `job.items` of an item of a stage.
    indexes: HashMap<(String, String), usize>,
    /// Labels and targets of items.
    pub(super) descriptions: HashMap<String, (String, Option<String>)>,
    /// Indexes of items that changed since they were last emitted.
    pub(super) changed: BTreeSet<usize>,
    /// Bytes sent at points in time.
    pub(super) sent: VecDeque<(Instant, u64)>,
}

impl JobState {
    /// The state of a job that has not started.
    pub(super) fn new(id: u32, kind: JobKind, title: &str, stages: &[&str]) -> Self {
        let job = Job {
            id,
            kind,
            title: title.to_owned(),
            stages: stages.iter().map(|stage| (*stage).to_owned()).collect(),
            stage: String::new(),
            items: Vec::new(),
            log: Vec::new(),
            status: JobStatus::Running,
            elapsed_ms: 0,
            bytes_per_second: 0,
        };
        Self {
            job,
            seq: 0,
            indexes: HashMap::new(),
            descriptions: HashMap::new(),
            changed: BTreeSet::new(),
            sent: VecDeque::new(),
        }
    }

    /// Sets the progress of `item`.
    pub(super) fn set(
        &mut self,
        stage: &str,
        item: &str,
        unit: Unit,
        done: u64,
        total: Option<u64>,
        reused: bool,
    ) {
        let key = (stage.to_owned(), item.to_owned());
        let next = self.job.items.len();
        let index = *self.indexes.entry(key).or_insert(next);
        if index == next {
            let (label, target) = self.descriptions.get(item).cloned().unwrap_or_default();
            let (item, stage) = (item.to_owned(), stage.to_owned());
            let entry = JobItem {
                item,
                label,
                target,
                stage,
                unit,
                done,
                total,
                reused,
            };
            self.job.items.push(entry);
        } else {
            let entry = &mut self.job.items[index];
            (entry.done, entry.total, entry.reused) = (done, total, reused);
        }
        self.changed.insert(index);
    }

    /// Updates the speed of sending, an average over the last seconds.
    pub(super) fn update_speed(&mut self) {
        if self.job.stage != PUSH {
            return;
        }
        let sending = |item: &&JobItem| item.stage == PUSH && !item.reused;
        let sent = self
            .job
            .items
            .iter()
            .filter(sending)
            .map(|item| item.done)
            .sum();
        let now = Instant::now();
        self.sent.push_back((now, sent));
        while self
            .sent
            .front()
            .is_some_and(|(at, _)| now - *at > SPEED_WINDOW)
        {
            self.sent.pop_front();
        }
        if let Some((at, before)) = self.sent.front() {
            let millis = u64::try_from((now - *at).as_millis())
                .unwrap_or(u64::MAX)
                .max(1);
            let bytes: u64 = sent;
            self.job.bytes_per_second = bytes.saturating_sub(*before).saturating_mul(1000) / millis;
        }
    }
}
