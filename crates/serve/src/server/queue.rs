//! The one queue before the one pipeline: every door puts its pictures here.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use boxwright_model::Outcome;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::problem::Problem;

/// Pictures that wait, and the threads that predict them. Dropping it ends the threads.
pub struct Queue {
    shared: Arc<Shared>,
    capacity: usize,
}

struct Shared {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Job {
    picture: Bytes,
    reply: oneshot::Sender<Outcome>,
}

impl Queue {
    /// Starts `threads` threads that predict. At most `capacity` pictures wait.
    pub fn start(
        threads: usize,
        capacity: usize,
        predict: impl Fn(&[u8]) -> Outcome + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
        });
        let predict = Arc::new(predict);
        for _ in 0..threads.max(1) {
            let (shared, predict) = (Arc::clone(&shared), Arc::clone(&predict));
            std::thread::spawn(move || work(&shared, &*predict));
        }
        Self { shared, capacity }
    }

    /// Predicts pictures, in order. A request with more pictures than may wait is taken while
    /// nothing else waits. Dropping the future frees its places.
    pub async fn predict(&self, pictures: Vec<Bytes>) -> Result<Vec<Outcome>, Problem> {
        let mut replies = Vec::with_capacity(pictures.len());
        {
            let mut waiting = self.shared.lock();
            let jobs = &mut waiting.jobs;
            if jobs.len() + pictures.len() > self.capacity {
                jobs.retain(|job| !job.reply.is_closed());
            }
            if !jobs.is_empty() && jobs.len() + pictures.len() > self.capacity {
                return Err(Problem::busy());
            }
            for picture in pictures {
                let (reply, outcome) = oneshot::channel();
                jobs.push_back(Job { picture, reply });
                replies.push(outcome);
            }
        }
        self.shared.arrived.notify_all();
        let mut outcomes = Vec::with_capacity(replies.len());
        for reply in replies {
            // A reply that was dropped is a prediction that panicked.
            outcomes.push(reply.await.map_err(|_| Problem::internal())?);
        }
        Ok(outcomes)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.arrived.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next picture that somebody still waits for; `None` when the queue has ended.
    fn next(&self) -> Option<Job> {
        let mut waiting = self.lock();
        loop {
            match waiting.jobs.pop_front() {
                Some(job) if job.reply.is_closed() => {}
                Some(job) => return Some(job),
                None if waiting.closed => return None,
                None => {
                    waiting = self
                        .arrived
                        .wait(waiting)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

fn work(shared: &Shared, predict: &(dyn Fn(&[u8]) -> Outcome + Sync)) {
    while let Some(Job { picture, reply }) = shared.next() {
        if let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| predict(&picture))) {
            // Nobody may wait any more.
            let _ = reply.send(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use boxwright_model::prediction::ClassPrediction;

    use super::*;

    fn echo(picture: &[u8]) -> Outcome {
        let class = String::from_utf8_lossy(picture).into_owned();
        Outcome::Classes(vec![ClassPrediction { class, score: 1.0 }])
    }

    fn pictures(names: &[&'static str]) -> Vec<Bytes> {
        names
            .iter()
            .map(|name| Bytes::from_static(name.as_bytes()))
            .collect()
    }

    /// A queue with one thread that says when it begins a picture, then waits to be let on.
    fn gated(capacity: usize) -> (Arc<Queue>, mpsc::Receiver<Vec<u8>>, mpsc::Sender<()>) {
        let (begun, sees) = mpsc::channel();
        let (lets, gate) = mpsc::channel();
        let gate = Mutex::new((begun, gate));
        let queue = Queue::start(1, capacity, move |picture| {
            let gate = gate.lock().unwrap();
            gate.0.send(picture.to_vec()).unwrap();
            gate.1.recv().unwrap();
            echo(picture)
        });
        (Arc::new(queue), sees, lets)
    }

    fn asked(queue: &Arc<Queue>, names: &[&'static str]) -> tokio::task::JoinHandle<bool> {
        let (queue, pictures) = (Arc::clone(queue), pictures(names));
        tokio::spawn(async move { queue.predict(pictures).await.is_ok() })
    }

    #[tokio::test]
    async fn answers_keep_the_order_of_the_pictures() {
        let queue = Queue::start(4, 100, echo);
        let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let pictures = names.iter().map(|name| Bytes::from(name.clone())).collect();
        let outcomes = queue.predict(pictures).await.unwrap();
        let expected: Vec<Outcome> = names.iter().map(|name| echo(name.as_bytes())).collect();
        assert_eq!(outcomes, expected);
    }

    #[tokio::test]
    async fn a_panic_costs_its_own_request() {
        let queue = Queue::start(1, 100, |picture| match picture {
            b"bad" => panic!("a fault in the pipeline"),
            _ => echo(picture),
        });
        let (bad, good) = tokio::join!(
            queue.predict(pictures(&["bad"])),
            queue.predict(pictures(&["good"]))
        );
        assert!(bad.is_err());
        assert_eq!(good.unwrap(), [echo(b"good")]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn past_the_capacity_a_request_is_refused_and_a_caller_that_left_frees_its_places() {
        let (queue, sees, lets) = gated(2);
        let first = asked(&queue, &["first"]);
        assert_eq!(sees.recv().unwrap(), b"first");
        let left = asked(&queue, &["gone", "gone too"]);
        while queue.shared.lock().jobs.len() < 2 {
            tokio::task::yield_now().await;
        }
        assert!(queue.predict(pictures(&["too much"])).await.is_err());
        left.abort();
        assert!(left.await.is_err());
        let last = asked(&queue, &["last"]);
        for _ in 0..2 {
            lets.send(()).unwrap();
        }
        assert_eq!(
            sees.recv().unwrap(),
            b"last",
            "a picture nobody waits for was predicted"
        );
        assert!(first.await.unwrap() && last.await.unwrap());
    }

    #[tokio::test]
    async fn a_request_larger_than_the_queue_is_taken_when_nothing_waits() {
        let queue = Queue::start(2, 2, echo);
        assert_eq!(
            queue
                .predict(pictures(&["a", "b", "c", "d"]))
                .await
                .unwrap()
                .len(),
            4
        );
    }
}
