use std::sync::mpsc;

use boxwright_model::prediction::ClassPrediction;

use super::*;
use crate::server::memory::MemoryBudget;

/// Answers with the sample as the name of a class.
struct Echo;

fn echo(item: &Item) -> Output {
    let Item::Sample(sample) = item else {
        panic!("only samples are asked here");
    };
    if &sample[..] == b"bad" {
        panic!("a fault in the pipeline");
    }
    let class = String::from_utf8_lossy(sample).into_owned();
    Output::Sample(Outcome::Classes(vec![ClassPrediction {
        class,
        score: 1.0,
    }]))
}

impl BatchRunner for Echo {
    fn max_rows(&self, _: &Item) -> usize {
        1
    }

    fn run(&self, batch: &[Item], _: bool, respond: &(dyn Fn(usize, Output) + Sync)) -> Timing {
        respond(0, echo(&batch[0]));
        Timing::default()
    }
}

/// What a batch holds, and whether it is exclusive.
type Batch = (Vec<String>, bool);

/// Reports what each batch holds, then waits for a permit to finish it.
struct Gated {
    reports: Mutex<mpsc::Sender<Batch>>,
    permits: Mutex<mpsc::Receiver<()>>,
}

impl BatchRunner for Gated {
    fn max_rows(&self, _: &Item) -> usize {
        4
    }

    fn run(
        &self,
        batch: &[Item],
        exclusive: bool,
        respond: &(dyn Fn(usize, Output) + Sync),
    ) -> Timing {
        self.reports
            .lock()
            .unwrap()
            .send((names(batch), exclusive))
            .unwrap();
        self.permits.lock().unwrap().recv().unwrap();
        batch
            .iter()
            .enumerate()
            .for_each(|(index, item)| respond(index, echo(item)));
        Timing::default()
    }
}

fn names(batch: &[Item]) -> Vec<String> {
    let name = |item: &Item| match item {
        Item::Sample(sample) => String::from_utf8_lossy(sample).into_owned(),
        Item::Tensors(_) => panic!("only samples are asked here"),
    };
    batch.iter().map(name).collect()
}

fn samples(names: &[&'static str]) -> Vec<Item> {
    names
        .iter()
        .map(|name| Item::Sample(Bytes::from_static(name.as_bytes())))
        .collect()
}

fn classes(outputs: Vec<Output>) -> Vec<String> {
    let class = |output| match output {
        Output::Sample(Outcome::Classes(classes)) => classes[0].class.clone(),
        other => panic!("{other:?}"),
    };
    outputs.into_iter().map(class).collect()
}

fn start(concurrent_runs: usize, capacity: usize, runner: impl BatchRunner) -> Arc<BatchQueue> {
    let metrics = Metrics::new(capacity, &MemoryBudget::new(1, 1));
    let concurrency = Concurrency {
        concurrent_runs,
        single_run_threads: 1,
        batching_is_faster: true,
    };
    Arc::new(BatchQueue::start(
        concurrency,
        capacity,
        Arc::new(metrics),
        runner,
    ))
}

/// A queue with one worker thread, the reports of its batches, and the sender of permits.
fn gated(capacity: usize) -> (Arc<BatchQueue>, mpsc::Receiver<Batch>, mpsc::Sender<()>) {
    let (reporter, reports) = mpsc::channel();
    let (permit, permits) = mpsc::channel();
    let runner = Gated {
        reports: Mutex::new(reporter),
        permits: Mutex::new(permits),
    };
    (start(1, capacity, runner), reports, permit)
}

/// The outputs of items, in their order.
async fn outputs(queue: &BatchQueue, items: Vec<Item>) -> Result<Vec<Output>, Problem> {
    let mut outputs = Vec::new();
    let collect = |output| {
        outputs.push(output);
        Ok(())
    };
    queue.submit(items, collect).await?;
    Ok(outputs)
}

fn spawn_request(
    queue: &Arc<BatchQueue>,
    names: &[&'static str],
) -> tokio::task::JoinHandle<Vec<String>> {
    let (queue, items) = (Arc::clone(queue), samples(names));
    tokio::spawn(async move { classes(outputs(&queue, items).await.unwrap()) })
}

async fn until_pending(queue: &BatchQueue, count: usize) {
    while queue.shared.lock().items.len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answers_keep_the_order_of_the_samples() {
    let queue = start(4, 100, Echo);
    let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let items = names
        .iter()
        .map(|name| Item::Sample(Bytes::from(name.clone())))
        .collect();
    assert_eq!(classes(outputs(&queue, items).await.unwrap()), names);
}

#[tokio::test]
async fn a_panic_costs_its_own_request() {
    let queue = start(1, 100, Echo);
    let (bad, good) = tokio::join!(
        outputs(&queue, samples(&["bad"])),
        outputs(&queue, samples(&["good"]))
    );
    assert!(bad.is_err());
    assert_eq!(classes(good.unwrap()), ["good"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_made_of_what_different_callers_sent_while_the_thread_was_busy() {
    let (queue, reports, permit) = gated(100);
    let first = spawn_request(&queue, &["first"]);
    assert_eq!(reports.recv().unwrap(), (vec!["first".to_owned()], true));
    let mut others = Vec::new();
    for (count, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        others.push(spawn_request(&queue, &[name]));
        until_pending(&queue, count + 1).await;
    }
    for _ in 0..3 {
        permit.send(()).unwrap();
    }
    assert_eq!(
        reports.recv().unwrap(),
        (["a", "b", "c", "d"].map(String::from).to_vec(), false)
    );
    assert_eq!(reports.recv().unwrap(), (vec!["e".to_owned()], true));
    assert_eq!(first.await.unwrap(), ["first"]);
    for (other, name) in others.into_iter().zip(["a", "b", "c", "d", "e"]) {
        assert_eq!(other.await.unwrap(), [name]);
    }
}

#[tokio::test]
async fn what_waits_is_divided_into_as_many_batches() {
    let mut pending = Pending::default();
    let mut outputs = Vec::new();
    for item in samples(&["a", "b", "c", "d", "e", "f"]) {
        let (reply, output) = oneshot::channel();
        pending.items.push_back(PendingItem {
            item,
            since: Instant::now(),
            reply,
        });
        pending.rows += 1;
        outputs.push(output);
    }
    for expected in [2, 1, 1, 1, 1] {
        assert_eq!(pending.next_batch(3, |_| 8).unwrap().len(), expected);
    }
    assert!(pending.next_batch(3, |_| 8).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_capacity_a_request_is_refused_and_a_caller_that_hung_up_frees_its_places() {
    let (queue, reports, permit) = gated(2);
    let first = spawn_request(&queue, &["first"]);
    reports.recv().unwrap();
    let left = spawn_request(&queue, &["gone", "gone too"]);
    until_pending(&queue, 2).await;
    assert!(outputs(&queue, samples(&["too much"])).await.is_err());
    left.abort();
    assert!(left.await.is_err());
    let last = spawn_request(&queue, &["last"]);
    for _ in 0..2 {
        permit.send(()).unwrap();
    }
    let (names, _) = reports.recv().unwrap();
    assert_eq!(names, ["last"], "a sample nobody waits for was predicted");
    assert_eq!(first.await.unwrap(), ["first"]);
    assert_eq!(last.await.unwrap(), ["last"]);
}

#[tokio::test]
async fn a_request_larger_than_the_queue_is_taken_when_nothing_waits() {
    let queue = start(2, 2, Echo);
    assert_eq!(
        outputs(&queue, samples(&["a", "b", "c", "d"]))
            .await
            .unwrap()
            .len(),
        4
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_collected_ends_the_request_and_frees_its_places() {
    let (queue, reports, permit) = gated(8);
    let request = {
        let (queue, items) = (Arc::clone(&queue), samples(&["a", "b", "c"]));
        let refuse = |_| Err(Problem::results_too_large());
        tokio::spawn(async move { queue.submit(items, refuse).await })
    };
    let (names, _) = reports.recv().unwrap();
    assert!(names.contains(&"a".to_owned()), "{names:?}");
    for _ in 0..3 {
        permit.send(()).unwrap();
    }
    let problem = request.await.unwrap().unwrap_err();
    assert_eq!(problem.kind, crate::server::problem::Kind::TooLarge);
}
