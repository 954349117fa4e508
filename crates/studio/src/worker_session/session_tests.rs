//! The session on a worker that the test plays.

use boxwright_model::DeviceKind;
use boxwright_worker::{Frame, FromWorker, Limits, ToWorker, Want};
use tokio::io::DuplexStream;

use super::*;
use crate::samples::SampleFile;
use crate::worker_session::batch::Transport;

/// The worker's end of the pipe.
struct FakeWorker(DuplexStream);

impl FakeWorker {
    async fn send(&mut self, request: u64, message: FromWorker) {
        let frame = Frame::new(request, message, "").unwrap();
        frame.write(&mut self.0, &|| {}).await.unwrap();
    }

    /// The number of the next request and its samples.
    async fn receive(&mut self) -> (u64, Vec<u64>) {
        let frame = Frame::read(&mut self.0, &Limits::default()).await;
        let header = frame.unwrap().unwrap().parse().unwrap();
        match header.message {
            ToWorker::Predict { items, .. } => {
                (header.id, items.iter().map(|item| item.id).collect())
            }
            ToWorker::Cancel => (header.id, Vec::new()),
            other => panic!("{other:?}"),
        }
    }

    async fn result(&mut self, request: u64, sample: u64) {
        let result = FromWorker::Result {
            sample,
            outcome: Outcome::Classes(Vec::new()),
            picture: None,
            details: None,
            thumbnail: None,
            tensors: BTreeMap::new(),
        };
        self.send(request, result).await;
    }

    async fn done(&mut self, request: u64, cancelled: bool) {
        let timing = Timing {
            wall_ms: 1.0,
            ..Timing::default()
        };
        self.send(request, FromWorker::Done { timing, cancelled })
            .await;
    }
}

async fn attached() -> (WorkerSession, FakeWorker) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let mut fake = FakeWorker(theirs);
    let hello = FromWorker::Hello {
        program: "fake".into(),
        onnxruntime: "1".into(),
        devices: vec![DeviceKind::Cpu],
    };
    fake.send(0, hello).await;
    let (reader, writer) = tokio::io::split(ours);
    let worker = Worker::attach(reader, writer).await.ok().unwrap();
    (WorkerSession::attached(worker), fake)
}

fn samples(count: u64) -> Vec<(u64, SampleFile)> {
    let sample = |id: u64| {
        let (name, path) = (format!("{id}.jpg"), format!("/{id}.jpg").into());
        (id, SampleFile { name, path })
    };
    (0..count).map(sample).collect()
}

fn request(samples: &[(u64, SampleFile)]) -> SampleRequest<'_> {
    SampleRequest {
        samples,
        transport: Transport::Paths,
        want: Want::default(),
        batch_size: None,
    }
}

fn is_classes(result: &FromWorkerResult) -> bool {
    matches!(result.outcome, Outcome::Classes(_))
}

#[tokio::test]
async fn results_are_put_in_order_and_a_missing_one_is_an_error() {
    let (mut session, mut fake) = attached().await;
    let playing = async {
        let (id, items) = fake.receive().await;
        assert_eq!(items, [0, 1, 2]);
        fake.result(id, 2).await;
        fake.result(id, 0).await;
        fake.done(id, false).await;
    };
    let (samples, cancel) = (samples(3), CancellationToken::new());
    let (request, mut counts) = (request(&samples), Vec::new());
    let mut on_progress = |count| counts.push(count);
    let predicting = session.predict_in_order(&request, &cancel, &mut on_progress);
    let (results, ()) = tokio::join!(predicting, playing);
    let results = results.ok().unwrap().expect("not cancelled");
    let ids: Vec<u64> = results.iter().map(|result| result.sample).collect();
    assert_eq!(ids, [0, 1, 2]);
    let predicted: Vec<bool> = results.iter().map(is_classes).collect();
    assert_eq!(predicted, [true, false, true]);
    assert_eq!(counts, [1, 2]);
}

#[tokio::test]
async fn many_samples_are_several_messages_whose_times_are_added() {
    let (mut session, mut fake) = attached().await;
    let playing = async {
        for expected in [1000, 1000, 1] {
            let (id, items) = fake.receive().await;
            assert_eq!(items.len(), expected);
            fake.result(id, items[0]).await;
            fake.done(id, false).await;
        }
    };
    let (samples, cancel) = (samples(2001), CancellationToken::new());
    let (request, mut results) = (request(&samples), Vec::new());
    let mut on_event = |event| {
        if let PredictEvent::Result(result) = event {
            results.push(result.sample);
        }
    };
    let predicting = session.predict(&request, &cancel, &mut on_event);
    let (completion, ()) = tokio::join!(predicting, playing);
    let completion = completion.ok().unwrap();
    assert!(!completion.cancelled);
    assert!((completion.timing.wall_ms - 3.0).abs() < 1e-9);
    assert_eq!(results, [0, 1000, 2000]);
}

#[tokio::test]
async fn a_cancelled_request_sends_no_further_message() {
    let (mut session, mut fake) = attached().await;
    let (samples, cancel) = (samples(1001), CancellationToken::new());
    let playing = async {
        let (id, _) = fake.receive().await;
        cancel.cancel();
        let (cancelled, _) = fake.receive().await;
        assert_eq!(cancelled, id);
        fake.done(id, true).await;
    };
    let request = request(&samples);
    let mut ignore = |_| {};
    let predicting = session.predict_in_order(&request, &cancel, &mut ignore);
    let (results, ()) = tokio::join!(predicting, playing);
    assert_eq!(results.ok().unwrap(), None);
}

#[tokio::test]
async fn a_worker_that_dies_is_lost_and_an_attached_one_is_not_replaced() {
    let (mut session, mut fake) = attached().await;
    let playing = async {
        fake.receive().await;
        drop(fake);
    };
    let (samples, cancel) = (samples(1), CancellationToken::new());
    let request = request(&samples);
    let mut ignore = |_| {};
    let predicting = session.predict_in_order(&request, &cancel, &mut ignore);
    let (results, ()) = tokio::join!(predicting, playing);
    assert!(matches!(results, Err(WorkerError::Lost { .. })));
    let loaded = session.load(&Load::default()).await;
    assert!(matches!(loaded, Err(WorkerError::Lost { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_worker_that_dies_while_it_loads_is_started_once_more() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("starts");
    let script = format!("echo started >> '{}'", log.display());
    let command = WorkerCommand {
        args: vec!["-c".into(), script.into()],
        ..WorkerCommand::new("/bin/sh")
    };
    let (session, fake) = attached().await;
    let mut session = WorkerSession {
        command: Some(command),
        ..session
    };
    drop(fake);
    let loaded = session.load(&Load::default()).await;
    assert!(matches!(loaded, Err(WorkerError::Lost { .. })));
    let starts = std::fs::read_to_string(&log).unwrap();
    assert_eq!(starts.lines().count(), 1, "{starts}");
}
