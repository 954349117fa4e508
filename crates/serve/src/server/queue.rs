//! The one queue before the one model: every door puts its work here, and batches are made of
//! whatever waits, whoever sent it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use boxwright_model::Outcome;
use boxwright_model::prediction::Timing;
use boxwright_predict::{Spread, Tensor, TensorBatch};
use bytes::Bytes;
use tokio::sync::oneshot;

use super::metrics::Metrics;
use super::problem::Problem;

/// How many jobs that don't join a batch are passed over for others that do.
const LOOK_AHEAD: usize = 64;

/// One piece of work.
#[derive(Debug)]
pub enum Work {
    /// An encoded sample for the whole pipeline.
    Sample(Bytes),
    /// Tensors for the model alone.
    Tensors(TensorBatch),
}

impl Work {
    /// How much of a batch it takes.
    fn rows(&self) -> usize {
        match self {
            Self::Sample(_) => 1,
            Self::Tensors(batch) => batch.rows(),
        }
    }

    fn joins(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sample(_), Self::Sample(_)) => true,
            (Self::Tensors(one), Self::Tensors(other)) => one.joins(other),
            _ => false,
        }
    }
}

/// What became of one piece of work.
#[derive(Debug)]
pub enum Answer {
    /// Of a sample.
    Sample(Outcome),
    /// Of tensors.
    Tensors(boxwright_predict::Result<Vec<Tensor>>),
}

impl Answer {
    fn succeeded(&self) -> bool {
        match self {
            Self::Sample(outcome) => !matches!(outcome, Outcome::Error(_)),
            Self::Tensors(outputs) => outputs.is_ok(),
        }
    }
}

/// What runs batches; several threads call it at once.
pub trait Run: Send + Sync + 'static {
    /// The most rows of a batch that begins with `first`.
    fn most_together(&self, first: &Work) -> usize;

    /// Runs pieces of work that join each other. `lone` says that nothing else runs or waits.
    fn run(&self, work: &[Work], lone: bool, answer: &(dyn Fn(usize, Answer) + Sync)) -> Timing;
}

/// Work that waits, and the threads that do it. Dropping it ends the threads.
pub struct Queue {
    shared: Arc<Shared>,
    capacity: usize,
}

struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    /// Into how many batches what waits is cut, at least one.
    batches: usize,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// Of all jobs, also of those that nobody waits for any more until they are met.
    rows: usize,
    /// Threads that are running a batch.
    busy: usize,
    closed: bool,
}

struct Job {
    work: Work,
    since: Instant,
    reply: oneshot::Sender<Answer>,
}

impl Queue {
    /// Starts the threads that run batches. At most `capacity` rows wait.
    pub fn start(spread: Spread, capacity: usize, metrics: Arc<Metrics>, run: impl Run) -> Self {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            batches: spread.batches().max(1),
            metrics,
        });
        let run = Arc::new(run);
        for _ in 0..spread.lanes.max(1) {
            let (shared, run) = (Arc::clone(&shared), Arc::clone(&run));
            std::thread::spawn(move || lane(&shared, &*run));
        }
        Self { shared, capacity }
    }

    /// Does work, and gives the answers in its order. A request with more than may wait is taken
    /// while nothing else waits. Dropping the future frees its places.
    pub async fn ask(&self, work: Vec<Work>) -> Result<Vec<Answer>, Problem> {
        let mut replies = Vec::with_capacity(work.len());
        {
            let mut waiting = self.shared.lock();
            let added = work.iter().map(Work::rows).sum::<usize>();
            if waiting.rows + added > self.capacity {
                waiting.forget();
            }
            if !waiting.jobs.is_empty() && waiting.rows + added > self.capacity {
                return Err(Problem::busy());
            }
            let since = Instant::now();
            for work in work {
                let (reply, answer) = oneshot::channel();
                waiting.jobs.push_back(Job { work, since, reply });
                replies.push(answer);
            }
            waiting.rows += added;
            self.shared.metrics.queue_holds(waiting.rows);
        }
        self.shared.arrived.notify_all();
        let mut answers = Vec::with_capacity(replies.len());
        for reply in replies {
            // A reply that was dropped is a run that panicked.
            answers.push(reply.await.map_err(|_| Problem::internal())?);
        }
        Ok(answers)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.arrived.notify_all();
    }
}

impl Waiting {
    /// Drops what nobody waits for any more.
    fn forget(&mut self) {
        self.jobs.retain(|job| !job.reply.is_closed());
        self.rows = self.jobs.iter().map(|job| job.work.rows()).sum();
    }

    /// The job at a place, out of the queue.
    fn remove(&mut self, place: usize) -> Option<Job> {
        let job = self.jobs.remove(place)?;
        self.rows -= job.work.rows();
        Some(job)
    }

    /// The next batch: one of as many as what waits is cut into. Threads that are busy will be back
    /// for theirs: whoever comes next waits for short batches only, and no core idles while another
    /// has more than one piece to do.
    fn take(&mut self, batches: usize, most: impl Fn(&Work) -> usize) -> Option<Vec<Job>> {
        while self.jobs.front().is_some_and(|job| job.reply.is_closed()) {
            self.remove(0);
        }
        let share = self.rows / batches;
        let first = self.remove(0)?;
        let most = most(&first.work);
        let mut rows = first.work.rows();
        let mut taken = vec![first];
        let mut place = 0;
        while place < LOOK_AHEAD
            && rows < share.min(most)
            && let Some(job) = self.jobs.get(place)
        {
            if job.reply.is_closed() {
                self.remove(place);
            } else if rows + job.work.rows() <= most && taken[0].work.joins(&job.work) {
                rows += job.work.rows();
                taken.extend(self.remove(place));
            } else {
                place += 1;
            }
        }
        Some(taken)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch that somebody still waits for, and whether it has the machine for itself;
    /// `None` when the queue has ended. No thread waits for a batch to fill up while it could run:
    /// batches form while all cores are taken.
    fn next(&self, run: &dyn Run) -> Option<(Vec<Job>, bool)> {
        let mut waiting = self.lock();
        loop {
            if let Some(jobs) = waiting.take(self.batches, |work| run.most_together(work)) {
                waiting.busy += 1;
                self.metrics.queue_holds(waiting.rows);
                return Some((jobs, waiting.busy == 1 && waiting.jobs.is_empty()));
            }
            if waiting.closed {
                return None;
            }
            waiting = self
                .arrived
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn lane(shared: &Shared, run: &dyn Run) {
    while let Some((jobs, lone)) = shared.next(run) {
        let begun = Instant::now();
        let waits: Vec<Duration> = jobs.iter().map(|job| begun - job.since).collect();
        let (work, replies): (Vec<Work>, Vec<_>) = jobs
            .into_iter()
            .map(|job| (job.work, Mutex::new(Some(job.reply))))
            .unzip();
        let answer = |place: usize, answer: Answer| {
            shared.metrics.item_ran(answer.succeeded());
            let reply = replies
                .get(place)
                .and_then(|reply| reply.lock().unwrap_or_else(PoisonError::into_inner).take());
            if let Some(reply) = reply {
                // Nobody may wait any more.
                let _ = reply.send(answer);
            }
        };
        let rows = work.iter().map(Work::rows).sum();
        match catch_unwind(AssertUnwindSafe(|| run.run(&work, lone, &answer))) {
            Ok(timing) => shared.metrics.batch_ran(rows, &waits, &timing),
            Err(_) => tracing::error!(rows, "a batch panicked"),
        }
        shared.lock().busy -= 1;
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
