//! A running job.
//!
//! Copying loops report progress far more often than it can be shown. It is recorded, and a thread
//! of the job emits an event for every item that changed, every 200 ms: at least two events a
//! second while anything changes, and always one with the last value.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use boxwright_files::{Level, Progress};
use tokio_util::sync::CancellationToken;

use super::event::{JobChange, JobEvent};
use super::state::JobState;
use crate::api::{Job, JobItem, JobKind, JobOutput, JobResult, JobStatus, LogLine, Unit};
use crate::failure::{Failure, Stop};

/// How often progress events are emitted.
const TICK: Duration = Duration::from_millis(200);
/// Most lines of the log.
const LOG_LINES: usize = 200;

/// Called with each event of a job and the job's state after it, one call at a time, in order.
/// Must return quickly, and must not call the job.
pub type JobObserver = dyn Fn(&JobEvent, &Job) + Send + Sync;

/// A running job. Cheap to clone; all clones are the same job.
#[derive(Clone)]
pub struct JobHandle {
    shared: Arc<Shared>,
    // The thread that emits progress ends when the last clone is dropped.
    _ticker: Arc<Sender<()>>,
}

struct Shared {
    cancel: CancellationToken,
    started: Instant,
    observer: Arc<JobObserver>,
    state: Mutex<JobState>,
}

impl JobHandle {
    /// Starts a job: `observer` is called with `started` before this returns.
    pub fn start(
        id: u32,
        kind: JobKind,
        title: &str,
        stages: &[&str],
        observer: Arc<JobObserver>,
    ) -> Self {
        let job = Self::unstarted(id, kind, title, stages, observer);
        job.begin();
        job
    }

    /// A job that has emitted no event yet.
    pub fn unstarted(
        id: u32,
        kind: JobKind,
        title: &str,
        stages: &[&str],
        observer: Arc<JobObserver>,
    ) -> Self {
        let state = JobState::new(id, kind, title, stages);
        let shared = Arc::new(Shared {
            cancel: CancellationToken::new(),
            started: Instant::now(),
            observer,
            state: Mutex::new(state),
        });
        Self {
            shared: Arc::clone(&shared),
            _ticker: Arc::new(tick(shared)),
        }
    }

    /// Emits `started`.
    pub fn begin(&self) {
        let mut state = self.shared.lock();
        let (kind, stages) = (state.job.kind, state.job.stages.clone());
        self.shared
            .emit(&mut state, JobChange::Started { kind, stages });
    }

    /// The token that stops the job's work.
    pub fn cancel(&self) -> &CancellationToken {
        &self.shared.cancel
    }

    /// [`Stop::Cancelled`] once the job is cancelled.
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

    /// The state of the job.
    pub fn job(&self) -> Job {
        let mut state = self.shared.lock();
        state.job.elapsed_ms = self.shared.elapsed_ms();
        state.job.clone()
    }

    /// Begins a stage.
    pub fn stage(&self, stage: &str) {
        let mut state = self.shared.lock();
        self.shared.flush(&mut state);
        if state.job.stage != stage {
            stage.clone_into(&mut state.job.stage);
            state.sent.clear();
            state.job.bytes_per_second = 0;
            self.shared.emit(
                &mut state,
                JobChange::Stage {
                    stage: stage.to_owned(),
                },
            );
        }
    }

    /// Sets an item's label, before or after its first progress.
    pub fn describe(&self, item: &str, label: &str, target: Option<&str>) {
        let mut state = self.shared.lock();
        for entry in state
            .job
            .items
            .iter_mut()
            .filter(|entry| entry.item == item)
        {
            label.clone_into(&mut entry.label);
            entry.target = target.map(str::to_owned);
        }
        let description = (label.to_owned(), target.map(str::to_owned));
        state.descriptions.insert(item.to_owned(), description);
    }

    /// Sets how many pictures of `item` are done.
    pub fn images(&self, stage: &str, item: &str, done: u64, total: u64) {
        let mut state = self.shared.lock();
        state.set(stage, item, Unit::Images, done, Some(total), false);
    }

    /// Ends the job with its result. If the result is a failure, the job ends as failed, with the
    /// result.
    pub fn finish(&self, result: JobResult) {
        match result.failure() {
            Some(failure) => self.fail(failure, Some(result)),
            None => {
                let change = JobChange::Finished {
                    result: result.to_json(),
                };
                self.end(JobStatus::Finished { result }, change);
            }
        }
    }

    /// Ends the job without a result.
    pub fn stop(&self, stop: Stop) {
        match stop {
            Stop::Cancelled => self.end(JobStatus::Cancelled, JobChange::Cancelled {}),
            Stop::Failed(failure) => self.fail(failure, None),
        }
    }

    fn fail(&self, failure: Failure, result: Option<JobResult>) {
        let error = failure.clone();
        self.end(
            JobStatus::Failed { failure, result },
            JobChange::Failed { error },
        );
    }

    fn end(&self, status: JobStatus, change: JobChange) {
        let mut state = self.shared.lock();
        if matches!(state.job.status, JobStatus::Running) {
            self.shared.flush(&mut state);
            state.job.status = status;
            state.job.bytes_per_second = 0;
            self.shared.emit(&mut state, change);
        }
    }
}

impl Progress for JobHandle {
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
        let mut state = self.shared.lock();
        let line = LogLine {
            level: level.to_owned(),
            text: text.to_owned(),
        };
        if state.job.log.len() == LOG_LINES {
            state.job.log.remove(0);
        }
        state.job.log.push(line);
        let change = JobChange::Log {
            level: level.to_owned(),
            text: text.to_owned(),
        };
        self.shared.emit(&mut state, change);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, JobState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn emit(&self, state: &mut JobState, change: JobChange) {
        state.seq += 1;
        state.job.elapsed_ms = self.elapsed_ms();
        let at = jiff::Timestamp::now().to_string();
        let event = JobEvent {
            job: state.job.id,
            seq: state.seq,
            at,
            change,
        };
        (self.observer)(&event, &state.job);
    }

    /// Emits the progress of every item that changed since the last call.
    fn flush(&self, state: &mut JobState) {
        if state.changed.is_empty() {
            return;
        }
        state.update_speed();
        for index in std::mem::take(&mut state.changed) {
            let Some(item) = state.job.items.get(index).cloned() else {
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
            self.emit(
                state,
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

/// Starts the thread that emits progress; it ends when the returned sender is dropped.
fn tick(shared: Arc<Shared>) -> Sender<()> {
    let (alive, ended) = channel();
    std::thread::spawn(move || {
        while ended.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            let mut state = shared.lock();
            if matches!(state.job.status, JobStatus::Running) {
                shared.flush(&mut state);
            }
        }
    });
    alive
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Receiver;

    use super::*;
    use crate::api::PreviewSummary;
    use crate::job::state::PUSH;

    fn result() -> JobResult {
        JobResult::Preview(PreviewSummary { samples: 1 })
    }

    fn observed() -> (JobHandle, Receiver<(JobEvent, Job)>) {
        let (sender, receiver) = channel();
        let sender = Mutex::new(sender);
        let observer = move |event: &JobEvent, job: &Job| {
            let sender = sender.lock().expect("not poisoned");
            let _ = sender.send((event.clone(), job.clone()));
        };
        let stages = ["build", PUSH];
        (
            JobHandle::start(7, JobKind::Publish, "cat:1", &stages, Arc::new(observer)),
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
    fn the_first_progress_is_emitted_within_half_a_second_and_the_last_always() {
        let (job, events) = observed();
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
        job.finish(result());
        assert!(matches!(
            next(&events).0,
            JobChange::Progress { done: 100, .. }
        ));
        let (change, last) = next(&events);
        assert!(matches!(change, JobChange::Finished { .. }));
        assert!(matches!(last.status, JobStatus::Finished { .. }));
    }

    #[test]
    fn stages_of_lower_crates_are_replaced_by_the_jobs() {
        let (job, _events) = observed();
        job.stage("build");
        let progress = job.stage_progress("build");
        progress.bytes("hash", "model.onnx", 1, Some(2));
        progress.reused("pull", "sha256:ab", 3);
        let items = job.job().items;
        let stages: Vec<&str> = items.iter().map(|item| item.stage.as_str()).collect();
        assert_eq!(stages, ["build", "build"]);
        assert_eq!((items[0].done, items[1].reused), (1, true));
    }

    #[test]
    fn a_job_has_one_outcome() {
        let (job, events) = observed();
        next(&events);
        job.stop(Stop::Cancelled);
        job.finish(result());
        assert!(matches!(next(&events).0, JobChange::Cancelled {}));
        drop(job);
        assert!(events.recv_timeout(Duration::from_millis(500)).is_err());
    }

    #[test]
    fn an_item_knows_what_it_is_and_what_was_there_already() {
        let (job, _events) = observed();
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
