//! A job: named stages, progress in real units, a log, cancel, and one outcome.
//!
//! Progress comes from the copying loops far more often than anybody can read. It is kept, and a
//! thread of the job's own tells what has moved every 200 ms: however busy the rest is, at least
//! two events a second go out while anything moves, and what came last is always told.

mod event;
mod record;
mod within;

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use boxwright_files::{Level, Progress};
use tokio_util::sync::CancellationToken;

use crate::api::{Job, JobItem, JobKind, JobStatus, LogLine, Report, Unit};
use crate::failure::{Failure, Stop};
pub use event::{JobChange, JobEvent};
use record::Record;
pub use within::Within;

/// How often what has moved is told.
const TICK: Duration = Duration::from_millis(200);
/// Lines of the log that are kept.
const LOG_LINES: usize = 200;

/// The stage in which bytes go to a registry; its speed is shown.
pub const PUSH: &str = "push";

/// Who watches a job: called with each event and the job as it then stands, one call at a time,
/// in order. Must be quick, and must not call the job back.
pub type Watch = dyn Fn(&JobEvent, &Job) + Send + Sync;

/// A job that runs. Cheap to clone; all clones are the same job.
#[derive(Clone)]
pub struct Running {
    shared: Arc<Shared>,
    // The ticker ends when the last clone is gone.
    _ticker: Arc<Sender<()>>,
}

struct Shared {
    cancel: CancellationToken,
    started: Instant,
    watch: Arc<Watch>,
    record: Mutex<Record>,
}

impl Running {
    /// Starts a job. `watch` is called with `started` before this returns.
    pub fn start(id: u32, kind: JobKind, title: &str, stages: &[&str], watch: Arc<Watch>) -> Self {
        let job = Self::unstarted(id, kind, title, stages, watch);
        job.begin();
        job
    }

    /// A job that has not told anything yet.
    pub fn unstarted(
        id: u32,
        kind: JobKind,
        title: &str,
        stages: &[&str],
        watch: Arc<Watch>,
    ) -> Self {
        let record = Record::new(id, kind, title, stages);
        let shared = Arc::new(Shared {
            cancel: CancellationToken::new(),
            started: Instant::now(),
            watch,
            record: Mutex::new(record),
        });
        Self {
            shared: Arc::clone(&shared),
            _ticker: Arc::new(tick(shared)),
        }
    }

    /// Tells that the job has started.
    pub fn begin(&self) {
        let mut record = self.shared.lock();
        let (kind, stages) = (record.job.kind, record.job.stages.clone());
        self.shared
            .tell(&mut record, JobChange::Started { kind, stages });
    }

    /// A job that nobody watches.
    pub fn unwatched(kind: JobKind) -> Self {
        Self::start(0, kind, "", &[], Arc::new(|_, _| {}))
    }

    /// The token that stops the job's work.
    pub fn cancel(&self) -> &CancellationToken {
        &self.shared.cancel
    }

    /// [`Stop::Cancelled`] once the job is to stop.
    ///
    /// # Errors
    /// See above.
    pub fn check(&self) -> Result<(), Stop> {
        if self.shared.cancel.is_cancelled() {
            Err(Stop::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Waits for `work`, or for the job to be cancelled, whichever comes first.
    ///
    /// # Errors
    /// [`Stop::Cancelled`], or what `work` fails with.
    pub async fn or_cancelled<T, E: Into<Stop>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Stop> {
        tokio::select! {
            result = work => result.map_err(Into::into),
            () = self.shared.cancel.cancelled() => Err(Stop::Cancelled),
        }
    }

    /// Time since the job began, in milliseconds.
    pub fn elapsed_ms(&self) -> u64 {
        self.shared.elapsed_ms()
    }

    /// The job as it stands.
    pub fn job(&self) -> Job {
        let mut record = self.shared.lock();
        record.job.elapsed_ms = self.shared.elapsed_ms();
        record.job.clone()
    }

    /// Begins a stage.
    pub fn stage(&self, stage: &str) {
        let mut record = self.shared.lock();
        self.shared.flush(&mut record);
        if record.job.stage != stage {
            stage.clone_into(&mut record.job.stage);
            record.sent.clear();
            record.job.bytes_per_second = 0;
            self.shared.tell(
                &mut record,
                JobChange::Stage {
                    stage: stage.to_owned(),
                },
            );
        }
    }

    /// Says what an item is, before or after it first moves.
    pub fn describe(&self, item: &str, label: &str, target: Option<&str>) {
        let mut record = self.shared.lock();
        for entry in record
            .job
            .items
            .iter_mut()
            .filter(|entry| entry.item == item)
        {
            label.clone_into(&mut entry.label);
            entry.target = target.map(str::to_owned);
        }
        let description = (label.to_owned(), target.map(str::to_owned));
        record.descriptions.insert(item.to_owned(), description);
    }

    /// Pictures of `item` that are done.
    pub fn images(&self, stage: &str, item: &str, done: u64, total: u64) {
        let mut record = self.shared.lock();
        record.set(stage, item, Unit::Images, done, Some(total), false);
    }

    /// Ends the job. `result` is what the command prints, `report` what the window shows. A report
    /// whose proof differs is a failure that carries the report.
    pub fn finish(&self, result: serde_json::Value, report: Option<Report>) {
        match report.as_ref().and_then(Report::failure) {
            Some(failure) => self.fail(failure, report),
            None => self.end(
                JobStatus::Finished { report },
                JobChange::Finished { result },
            ),
        }
    }

    /// Ends the job without a result.
    pub fn stop(&self, stop: Stop) {
        match stop {
            Stop::Cancelled => self.end(JobStatus::Cancelled, JobChange::Cancelled {}),
            Stop::Failed(failure) => self.fail(failure, None),
        }
    }

    fn fail(&self, failure: Failure, report: Option<Report>) {
        let error = failure.clone();
        self.end(
            JobStatus::Failed { failure, report },
            JobChange::Failed { error },
        );
    }

    fn end(&self, status: JobStatus, change: JobChange) {
        let mut record = self.shared.lock();
        if matches!(record.job.status, JobStatus::Running) {
            self.shared.flush(&mut record);
            record.job.status = status;
            record.job.bytes_per_second = 0;
            self.shared.tell(&mut record, change);
        }
    }
}

impl Progress for Running {
    fn bytes(&self, stage: &str, item: &str, done: u64, total: Option<u64>) {
        self.shared
            .lock()
            .set(stage, item, Unit::Bytes, done, total, false);
    }

    fn reused(&self, stage: &str, item: &str, total: u64) {
        self.shared
            .lock()
            .set(stage, item, Unit::Bytes, total, Some(total), true);
    }

    fn log(&self, level: Level, text: &str) {
        let level = match level {
            Level::Info => "info",
            Level::Warn => "warn",
        };
        let mut record = self.shared.lock();
        let line = LogLine {
            level: level.to_owned(),
            text: text.to_owned(),
        };
        if record.job.log.len() == LOG_LINES {
            record.job.log.remove(0);
        }
        record.job.log.push(line);
        let change = JobChange::Log {
            level: level.to_owned(),
            text: text.to_owned(),
        };
        self.shared.tell(&mut record, change);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn tell(&self, record: &mut Record, change: JobChange) {
        record.seq += 1;
        record.job.elapsed_ms = self.elapsed_ms();
        let at = jiff::Timestamp::now().to_string();
        let event = JobEvent {
            job: record.job.id,
            seq: record.seq,
            at,
            change,
        };
        (self.watch)(&event, &record.job);
    }

    /// Tells what has moved since the last time.
    fn flush(&self, record: &mut Record) {
        if record.moved.is_empty() {
            return;
        }
        record.measure();
        for place in std::mem::take(&mut record.moved) {
            let Some(item) = record.job.items.get(place).cloned() else {
                continue;
            };
            let JobItem {
                stage,
                item,
                unit,
                done,
                total,
                ..
            } = item;
            self.tell(
                record,
                JobChange::Progress {
                    stage,
                    item,
                    unit,
                    done,
                    total,
                },
            );
        }
    }
}

/// A thread that tells what has moved until the sender is dropped.
fn tick(shared: Arc<Shared>) -> Sender<()> {
    let (alive, ended) = channel();
    std::thread::spawn(move || {
        while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            let mut record = shared.lock();
            if matches!(record.job.status, JobStatus::Running) {
                shared.flush(&mut record);
            }
        }
    });
    alive
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;

    use super::*;

    fn watched() -> (Running, Receiver<(JobEvent, Job)>) {
        let (sender, receiver) = channel();
        let sender = Mutex::new(sender);
        let watch = move |event: &JobEvent, job: &Job| {
            let sender = sender.lock().expect("not poisoned");
            let _ = sender.send((event.clone(), job.clone()));
        };
        let stages = ["build", PUSH];
        (
            Running::start(7, JobKind::Publish, "cat:1", &stages, Arc::new(watch)),
            receiver,
        )
    }

    fn next(events: &Receiver<(JobEvent, Job)>) -> (JobChange, Job) {
        let (event, job) = events
            .recv_timeout(Duration::from_millis(500))
            .expect("in time");
        (event.change, job)
    }

    #[test]
    fn the_first_progress_is_told_within_half_a_second_and_the_last_always() {
        let (job, events) = watched();
        assert!(matches!(next(&events).0, JobChange::Started { .. }));
        job.stage(PUSH);
        assert!(matches!(next(&events).0, JobChange::Stage { .. }));
        for done in 1..=50 {
            job.bytes(PUSH, "sha256:ab", done, Some(100));
        }
        let (change, _) = next(&events);
        assert!(matches!(
            change,
            JobChange::Progress {
                done: 50,
                total: Some(100),
                ..
            }
        ));
        job.bytes(PUSH, "sha256:ab", 100, Some(100));
        job.finish(serde_json::json!({}), None);
        assert!(matches!(
            next(&events).0,
            JobChange::Progress { done: 100, .. }
        ));
        let (change, last) = next(&events);
        assert!(matches!(change, JobChange::Finished { .. }));
        assert!(matches!(last.status, JobStatus::Finished { .. }));
    }

    #[test]
    fn what_lower_crates_call_their_stages_is_told_as_the_jobs() {
        let (job, _events) = watched();
        job.stage("build");
        let within = job.within("build");
        within.bytes("hash", "model.onnx", 1, Some(2));
        within.reused("pull", "sha256:ab", 3);
        let items = job.job().items;
        let stages: Vec<&str> = items.iter().map(|item| item.stage.as_str()).collect();
        assert_eq!(stages, ["build", "build"]);
        assert_eq!((items[0].done, items[1].reused), (1, true));
    }

    #[test]
    fn a_job_has_one_outcome() {
        let (job, events) = watched();
        next(&events);
        job.stop(Stop::Cancelled);
        job.finish(serde_json::json!({}), None);
        assert!(matches!(next(&events).0, JobChange::Cancelled {}));
        drop(job);
        assert!(events.recv_timeout(Duration::from_millis(500)).is_err());
    }

    #[test]
    fn an_item_knows_what_it_is_and_what_was_there_already() {
        let (job, _events) = watched();
        job.describe("sha256:ab", "model", None);
        job.describe("sha256:cd", "base", Some("cpu"));
        job.bytes(PUSH, "sha256:ab", 1, None);
        job.reused(PUSH, "sha256:cd", 30);
        let items = job.job().items;
        assert_eq!((items[0].label.as_str(), items[0].reused), ("model", false));
        assert_eq!(
            (items[1].label.as_str(), items[1].target.as_deref()),
            ("base", Some("cpu"))
        );
        assert_eq!(
            (items[1].done, items[1].total, items[1].reused),
            (30, Some(30), true)
        );
    }

    #[test]
    fn an_event_is_one_flat_object() {
        let change = JobChange::Cancelled {};
        let event = JobEvent {
            job: 1,
            seq: 2,
            at: "2020-01-01T00:00:00Z".into(),
            change,
        };
        let json = serde_json::to_string(&event).expect("serialised");
        assert_eq!(
            json,
            r#"{"job":1,"seq":2,"at":"2020-01-01T00:00:00Z","type":"cancelled"}"#
        );
    }
}
