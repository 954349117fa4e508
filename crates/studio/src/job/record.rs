//! How a job stands.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::PUSH;
use crate::api::{Job, JobItem, JobKind, JobStatus, Unit};

/// The time over which the speed is averaged.
const SPEED_WINDOW: Duration = Duration::from_secs(3);

/// How a job stands, and what of it has not been told.
pub(super) struct Record {
    pub(super) job: Job,
    pub(super) seq: u64,
    /// Where an item of a stage is in `job.items`.
    pub(super) places: HashMap<(String, String), usize>,
    /// What items are: their label and target.
    pub(super) descriptions: HashMap<String, (String, Option<String>)>,
    /// Items that moved since they were last told.
    pub(super) moved: BTreeSet<usize>,
    /// Bytes sent, over time.
    pub(super) sent: VecDeque<(Instant, u64)>,
}

impl Record {
    /// The record of a job that has not begun.
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
            places: HashMap::new(),
            descriptions: HashMap::new(),
            moved: BTreeSet::new(),
            sent: VecDeque::new(),
        }
    }

    /// Something of `item` is done.
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
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
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
            let entry = &mut self.job.items[place];
            (entry.done, entry.total, entry.reused) = (done, total, reused);
        }
        self.moved.insert(place);
    }

    /// The speed of what is sent, over the last seconds.
    pub(super) fn measure(&mut self) {
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
