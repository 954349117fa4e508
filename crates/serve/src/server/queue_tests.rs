use std::sync::mpsc;

use boxwright_model::prediction::ClassPrediction;

use super::*;
use crate::server::budget::Budget;

/// Answers with what it was asked.
struct Echo;

fn echo(work: &Work) -> Answer {
    let Work::Sample(sample) = work else {
        panic!("only samples are asked here");
    };
    if &sample[..] == b"bad" {
        panic!("a fault in the pipeline");
    }
    let class = String::from_utf8_lossy(sample).into_owned();
    Answer::Sample(Outcome::Classes(vec![ClassPrediction {
        class,
        score: 1.0,
    }]))
}

impl Run for Echo {
    fn most_together(&self, _: &Work) -> usize {
        1
    }

    fn run(&self, work: &[Work], _: bool, answer: &(dyn Fn(usize, Answer) + Sync)) -> Timing {
        answer(0, echo(&work[0]));
        Timing::default()
    }
}

/// What a batch holds, and whether it has the machine for itself.
type Batch = (Vec<String>, bool);

/// Says what each batch holds, then waits to be let on.
struct Gated {
    begun: Mutex<mpsc::Sender<Batch>>,
    gate: Mutex<mpsc::Receiver<()>>,
}

impl Run for Gated {
    fn most_together(&self, _: &Work) -> usize {
        4
    }

    fn run(&self, work: &[Work], lone: bool, answer: &(dyn Fn(usize, Answer) + Sync)) -> Timing {
        self.begun
            .lock()
            .unwrap()
            .send((names(work), lone))
            .unwrap();
        self.gate.lock().unwrap().recv().unwrap();
        work.iter()
            .enumerate()
            .for_each(|(place, work)| answer(place, echo(work)));
        Timing::default()
    }
}

fn names(work: &[Work]) -> Vec<String> {
    let name = |work: &Work| match work {
        Work::Sample(sample) => String::from_utf8_lossy(sample).into_owned(),
        Work::Tensors(_) => panic!("only samples are asked here"),
    };
    work.iter().map(name).collect()
}

fn samples(names: &[&'static str]) -> Vec<Work> {
    names
        .iter()
        .map(|name| Work::Sample(Bytes::from_static(name.as_bytes())))
        .collect()
}

fn classes(answers: Vec<Answer>) -> Vec<String> {
    let class = |answer| match answer {
        Answer::Sample(Outcome::Classes(classes)) => classes[0].class.clone(),
        other => panic!("{other:?}"),
    };
    answers.into_iter().map(class).collect()
}

fn start(lanes: usize, capacity: usize, run: impl Run) -> Arc<Queue> {
    let metrics = Metrics::new(capacity, &Budget::new(1, 1));
    let spread = Spread {
        lanes,
        lone_threads: 1,
        batches_pay: true,
    };
    Arc::new(Queue::start(spread, capacity, Arc::new(metrics), run))
}

/// A queue with one thread, what its batches hold, and the way to let them on.
fn gated(capacity: usize) -> (Arc<Queue>, mpsc::Receiver<Batch>, mpsc::Sender<()>) {
    let (begun, sees) = mpsc::channel();
    let (lets, gate) = mpsc::channel();
    let run = Gated {
        begun: Mutex::new(begun),
        gate: Mutex::new(gate),
    };
    (start(1, capacity, run), sees, lets)
}

fn asked(queue: &Arc<Queue>, names: &[&'static str]) -> tokio::task::JoinHandle<Vec<String>> {
    let (queue, work) = (Arc::clone(queue), samples(names));
    tokio::spawn(async move { classes(queue.ask(work).await.unwrap()) })
}

async fn holds(queue: &Queue, count: usize) {
    while queue.shared.lock().jobs.len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answers_keep_the_order_of_the_samples() {
    let queue = start(4, 100, Echo);
    let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let work = names
        .iter()
        .map(|name| Work::Sample(Bytes::from(name.clone())))
        .collect();
    assert_eq!(classes(queue.ask(work).await.unwrap()), names);
}

#[tokio::test]
async fn a_panic_costs_its_own_request() {
    let queue = start(1, 100, Echo);
    let (bad, good) = tokio::join!(queue.ask(samples(&["bad"])), queue.ask(samples(&["good"])));
    assert!(bad.is_err());
    assert_eq!(classes(good.unwrap()), ["good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_made_of_what_different_callers_sent_while_the_core_was_taken() {
    let (queue, sees, lets) = gated(100);
    let first = asked(&queue, &["first"]);
    assert_eq!(sees.recv().unwrap(), (vec!["first".to_owned()], true));
    let mut others = Vec::new();
    for (count, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        others.push(asked(&queue, &[name]));
        holds(&queue, count + 1).await;
    }
    for _ in 0..3 {
        lets.send(()).unwrap();
    }
    assert_eq!(
        sees.recv().unwrap(),
        (["a", "b", "c", "d"].map(String::from).to_vec(), false)
    );
    assert_eq!(sees.recv().unwrap(), (vec!["e".to_owned()], true));
    assert_eq!(first.await.unwrap(), ["first"]);
    for (other, name) in others.into_iter().zip(["a", "b", "c", "d", "e"]) {
        assert_eq!(other.await.unwrap(), [name]);
    }
}

#[tokio::test]
async fn what_waits_is_cut_into_as_many_batches() {
    let mut waiting = Waiting::default();
    let mut answers = Vec::new();
    for work in samples(&["a", "b", "c", "d", "e", "f"]) {
        let (reply, answer) = oneshot::channel();
        waiting.jobs.push_back(Job {
            work,
            since: Instant::now(),
            reply,
        });
        waiting.rows += 1;
        answers.push(answer);
    }
    for expected in [2, 1, 1, 1, 1] {
        assert_eq!(waiting.take(3, |_| 8).unwrap().len(), expected);
    }
    assert!(waiting.take(3, |_| 8).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_capacity_a_request_is_refused_and_a_caller_that_left_frees_its_places() {
    let (queue, sees, lets) = gated(2);
    let first = asked(&queue, &["first"]);
    sees.recv().unwrap();
    let left = asked(&queue, &["gone", "gone too"]);
    holds(&queue, 2).await;
    assert!(queue.ask(samples(&["too much"])).await.is_err());
    left.abort();
    assert!(left.await.is_err());
    let last = asked(&queue, &["last"]);
    for _ in 0..2 {
        lets.send(()).unwrap();
    }
    let (names, _) = sees.recv().unwrap();
    assert_eq!(names, ["last"], "a sample nobody waits for was predicted");
    assert_eq!(first.await.unwrap(), ["first"]);
    assert_eq!(last.await.unwrap(), ["last"]);
}

#[tokio::test]
async fn a_request_larger_than_the_queue_is_taken_when_nothing_waits() {
    let queue = start(2, 2, Echo);
    assert_eq!(
        queue
            .ask(samples(&["a", "b", "c", "d"]))
            .await
            .unwrap()
            .len(),
        4
    );
}
