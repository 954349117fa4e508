//! Dynamic batching: one queue before the one model. The handlers of all protocols submit their items
//! here, and worker threads make batches of whatever waits, whichever requests it belongs to.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use boxwright_model::Outcome;
use boxwright_model::prediction::Timing;
use boxwright_predict::Concurrency;
use boxwright_tensor::{Tensor, TensorBatch};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::server::metrics::Metrics;
use crate::server::problem::Problem;

/// How many items that don't fit a batch are skipped in search of others that do.
const LOOK_AHEAD: usize = 64;

/// One item of a request.
#[derive(Debug)]
pub enum Item {
    /// An encoded sample for the whole pipeline.
    Sample(Bytes),
    /// Tensors for the model alone.
    Tensors(TensorBatch),
}

impl Item {
    /// How many rows of a batch it takes.
    fn rows(&self) -> usize {
        match self {
            Self::Sample(_) => 1,
            Self::Tensors(batch) => batch.rows(),
        }
    }

    /// Whether both can run in one batch.
    fn joins(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sample(_), Self::Sample(_)) => true,
            (Self::Tensors(one), Self::Tensors(other)) => one.joins(other),
            _ => false,
        }
    }
}

/// The result of one item.
#[derive(Debug)]
pub enum Output {
    /// Of a sample.
    Sample(Outcome),
    /// Of tensors.
    Tensors(boxwright_predict::Result<Vec<Tensor>>),
}

impl Output {
    fn succeeded(&self) -> bool {
        match self {
            Self::Sample(outcome) => !matches!(outcome, Outcome::Error(_)),
            Self::Tensors(outputs) => outputs.is_ok(),
        }
    }
}

/// Runs batches; several worker threads call it at once.
pub trait BatchRunner: Send + Sync + 'static {
    /// Rows at most of a batch that begins with `first`.
    fn max_rows(&self, first: &Item) -> usize;

    /// Runs items that join each other, and hands each output to `respond` with the item's index.
    /// `exclusive` says that no other batch runs or waits, so that this one may use all cores.
    fn run(
        &self,
        batch: &[Item],
        exclusive: bool,
        respond: &(dyn Fn(usize, Output) + Sync),
    ) -> Timing;
}

/// The items that wait, and the worker threads. Dropping it ends the threads.
pub struct BatchQueue {
    shared: Arc<Shared>,
    capacity: usize,
}

struct Shared {
    pending: Mutex<Pending>,
    submitted: Condvar,
    /// Into how many batches the items that wait are divided, at least one.
    batches: usize,
    metrics: Arc<Metrics>,
}

#[derive(Default)]
struct Pending {
    items: VecDeque<PendingItem>,
    /// Rows of all items; those of requests that were given up count until they are found.
    rows: usize,
    /// Worker threads that are running a batch.
    running: usize,
    closed: bool,
}

struct PendingItem {
    item: Item,
    since: Instant,
    reply: oneshot::Sender<Output>,
}

impl BatchQueue {
    /// Starts the worker threads. At most `capacity` rows wait.
    pub fn start(
        concurrency: Concurrency,
        capacity: usize,
        metrics: Arc<Metrics>,
        runner: impl BatchRunner,
    ) -> Self {
        let shared = Arc::new(Shared {
            pending: Mutex::default(),
            submitted: Condvar::new(),
            batches: concurrency.batches().max(1),
            metrics,
        });
        let runner = Arc::new(runner);
        for _ in 0..concurrency.concurrent_runs.max(1) {
            let (shared, runner) = (Arc::clone(&shared), Arc::clone(&runner));
            std::thread::spawn(move || run_batches(&shared, &*runner));
        }
        Self { shared, capacity }
    }

    /// Runs items, and hands their outputs to `collect` in order. More items than may wait are accepted
    /// while nothing else waits. Dropping the future frees their places.
    ///
    /// # Errors
    /// Where the queue is full, or a batch panicked; and the first of `collect`, after which no more of
    /// the items are run.
    pub async fn submit(
        &self,
        items: Vec<Item>,
        mut collect: impl FnMut(Output) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        let replies = self.enqueue(items)?;
        self.shared.submitted.notify_all();
        for reply in replies {
            // The sender is dropped without an output where the batch panicked.
            collect(reply.await.map_err(|_| Problem::internal())?)?;
        }
        Ok(())
    }

    fn enqueue(&self, items: Vec<Item>) -> Result<Vec<oneshot::Receiver<Output>>, Problem> {
        let mut pending = self.shared.lock();
        let added = items.iter().map(Item::rows).sum::<usize>();
        if pending.rows + added > self.capacity {
            pending.drop_abandoned();
        }
        if !pending.items.is_empty() && pending.rows + added > self.capacity {
            return Err(Problem::queue_full());
        }
        let since = Instant::now();
        let mut replies = Vec::with_capacity(items.len());
        for item in items {
            let (reply, output) = oneshot::channel();
            pending.items.push_back(PendingItem { item, since, reply });
            replies.push(output);
        }
        pending.rows += added;
        self.shared.metrics.set_queue_depth(pending.rows);
        Ok(replies)
    }
}

impl Drop for BatchQueue {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.submitted.notify_all();
    }
}

impl Pending {
    /// Drops the items of requests that were given up.
    fn drop_abandoned(&mut self) {
        self.items.retain(|item| !item.reply.is_closed());
        self.rows = self.items.iter().map(|item| item.item.rows()).sum();
    }

    fn remove(&mut self, index: usize) -> Option<PendingItem> {
        let item = self.items.remove(index)?;
        self.rows -= item.item.rows();
        Some(item)
    }

    /// The next batch: an equal part of what waits, so that no thread has several items to run while
    /// others are idle. Threads that are busy come back for their part, and what arrives meanwhile
    /// waits for short batches only.
    fn next_batch(
        &mut self,
        batches: usize,
        max_rows: impl Fn(&Item) -> usize,
    ) -> Option<Vec<PendingItem>> {
        while self
            .items
            .front()
            .is_some_and(|item| item.reply.is_closed())
        {
            self.remove(0);
        }
        let part = self.rows / batches;
        let first = self.remove(0)?;
        let max_rows = max_rows(&first.item);
        let mut rows = first.item.rows();
        let mut batch = vec![first];
        let mut index = 0;
        while index < LOOK_AHEAD
            && rows < part.min(max_rows)
            && let Some(next) = self.items.get(index)
        {
            if next.reply.is_closed() {
                self.remove(index);
            } else if rows + next.item.rows() <= max_rows && batch[0].item.joins(&next.item) {
                rows += next.item.rows();
                batch.extend(self.remove(index));
            } else {
                index += 1;
            }
        }
        Some(batch)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next batch, and says whether it is exclusive; `None` when the queue is closed. A
    /// thread never waits for a batch to fill up: batches form while all threads are busy.
    fn next(&self, runner: &dyn BatchRunner) -> Option<(Vec<PendingItem>, bool)> {
        let mut pending = self.lock();
        loop {
            if let Some(batch) = pending.next_batch(self.batches, |item| runner.max_rows(item)) {
                pending.running += 1;
                self.metrics.set_queue_depth(pending.rows);
                return Some((batch, pending.running == 1 && pending.items.is_empty()));
            }
            if pending.closed {
                return None;
            }
            pending = self
                .submitted
                .wait(pending)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A worker thread.
fn run_batches(shared: &Shared, runner: &dyn BatchRunner) {
    while let Some((batch, exclusive)) = shared.next(runner) {
        let started = Instant::now();
        let waits: Vec<Duration> = batch.iter().map(|item| started - item.since).collect();
        let (items, replies): (Vec<Item>, Vec<_>) = batch
            .into_iter()
            .map(|item| (item.item, Mutex::new(Some(item.reply))))
            .unzip();
        let respond = |index: usize, output: Output| {
            shared.metrics.item_completed(output.succeeded());
            let reply = replies
                .get(index)
                .and_then(|reply| reply.lock().unwrap_or_else(PoisonError::into_inner).take());
            if let Some(reply) = reply {
                // The request may have been given up.
                let _ = reply.send(output);
            }
        };
        let rows = items.iter().map(Item::rows).sum();
        let run = || runner.run(&items, exclusive, &respond);
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(timing) => shared.metrics.batch_completed(rows, &waits, &timing),
            Err(_) => tracing::error!(rows, "a batch panicked"),
        }
        shared.lock().running -= 1;
    }
}

#[cfg(test)]
mod tests;
