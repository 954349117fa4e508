//! The worker, kept by the side that the studio uses.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use boxwright_model::Outcome;
use boxwright_worker::{FromWorkerResult, Item, Load, Want, Worker, WorkerCommand, WorkerError};
use bytes::Bytes;
use rustix::process::{Pid, Signal, kill_process};
use tokio_util::sync::CancellationToken;

use crate::support::{PHOTOS, PROGRAM, Sample, assert_is_reference, photo, photo_bytes};

async fn started(sample: &Sample) -> Worker {
    let mut command = WorkerCommand::new(PROGRAM);
    command.env = vec![(
        "BOXWRIGHT_ONNXRUNTIME".into(),
        sample.library.clone().into(),
    )];
    let mut worker = Worker::start(&command).await.unwrap();
    worker.load(load(sample)).await.unwrap();
    worker
}

fn load(sample: &Sample) -> Load {
    let package = sample.package_file().to_str().unwrap().to_owned();
    Load {
        package,
        device: boxwright_model::Device::Auto,
        ..Load::default()
    }
}

/// More than the worker can do while a test looks on.
fn endless() -> Vec<Item> {
    (0..20_000)
        .map(|id| by_path(id, PHOTOS[id as usize % PHOTOS.len()]))
        .collect()
}

fn by_path(id: u64, name: &str) -> Item {
    Item {
        id,
        path: Some(photo(name).to_str().unwrap().to_owned()),
        bytes: None,
    }
}

async fn results(
    worker: &mut Worker,
    items: Vec<Item>,
    body: Bytes,
    want: Want,
) -> BTreeMap<u64, FromWorkerResult> {
    let mut results = BTreeMap::new();
    let never = CancellationToken::new();
    let (timing, cancelled) = worker
        .predict(items, body, want, Some(4), &never, &mut |result| {
            assert!(
                results.insert(result.sample, result).is_none(),
                "a sample answered twice"
            );
        })
        .await
        .unwrap();
    assert!(!cancelled && timing.wall_ms > 0.0, "{timing:?}");
    results
}

fn json(result: &FromWorkerResult) -> serde_json::Value {
    serde_json::to_value(&result.outcome).unwrap()
}

#[tokio::test]
async fn photos_by_path_and_by_bytes_give_the_notebooks_predictions() {
    let Some(sample) = Sample::find() else { return };
    let mut worker = started(&sample).await;
    assert!(
        worker.hello().onnxruntime.starts_with("1."),
        "{:?}",
        worker.hello()
    );
    let (mut items, mut body) = (Vec::new(), Vec::new());
    for (id, name) in (0..).zip(PHOTOS) {
        items.push(by_path(id, name));
        let bytes = photo_bytes(name);
        let span = [body.len() as u64, bytes.len() as u64];
        items.push(Item {
            id: id + 100,
            path: None,
            bytes: Some(span),
        });
        body.extend(bytes);
    }
    items.push(Item {
        id: 50,
        path: None,
        bytes: Some([10, 5]),
    });
    items.push(Item {
        id: 51,
        path: None,
        bytes: Some([u64::MAX, 2]),
    });
    items.push(by_path(52, "no-such-photo.jpg"));
    let want = Want {
        thumbnail: 96,
        ..Want::default()
    };
    let results = results(&mut worker, items, body.into(), want).await;
    for (id, name) in (0..).zip(PHOTOS) {
        for id in [id, id + 100] {
            let result = &results[&id];
            assert_is_reference(name, &json(result));
            assert!(result.picture.is_some(), "{name}");
            let details = result.details.as_ref().unwrap();
            assert_eq!((&*details.format, details.channels), ("JPEG", 3), "{name}");
            assert_eq!(
                &result.thumbnail.as_ref().unwrap()[..2],
                b"\xff\xd8",
                "{name}"
            );
        }
    }
    for id in [50, 51, 52] {
        let Outcome::Error(error) = &results[&id].outcome else {
            panic!("{id} has no error")
        };
        assert_eq!(error.code, "SampleUnreadable", "{id}");
    }
    assert_eq!(results.len(), 13);
    worker.stop().await;
}

#[tokio::test]
async fn an_edited_pipeline_takes_over_without_loading_the_model_again() {
    let Some(sample) = Sample::find() else { return };
    let mut worker = started(&sample).await;
    let mut package = sample.package();
    package.postprocess.top_k = 2;
    package.preprocess.mean = vec![0.0];
    let inline = Some(Box::new(package.clone()));
    let first = worker.load(load(&sample)).await.unwrap();
    let second = worker
        .load(Load {
            inline,
            ..load(&sample)
        })
        .await
        .unwrap();
    assert_eq!(first.model_digest, second.model_digest);
    assert_eq!(first.load_ms, second.load_ms, "the session was made again");
    let results = results(
        &mut worker,
        vec![by_path(0, "cat.jpg")],
        Bytes::new(),
        Want::default(),
    );
    let Outcome::Classes(classes) = &results.await[&0].outcome else {
        panic!("no classes")
    };
    assert_eq!(classes.len(), 2);

    package.preprocess.std = vec![0.0];
    let inline = Some(Box::new(package));
    let refused = worker
        .load(Load {
            inline,
            ..load(&sample)
        })
        .await
        .unwrap_err();
    let WorkerError::Refused { code, .. } = refused else {
        panic!("{refused}")
    };
    assert_eq!(code, "PackageInvalid");
    let never = CancellationToken::new();
    let unloaded = worker
        .predict(
            Vec::new(),
            Bytes::new(),
            Want::default(),
            None,
            &never,
            &mut |_| (),
        )
        .await
        .unwrap_err();
    assert_eq!(unloaded.to_string(), "no package is loaded");
    worker.load(load(&sample)).await.unwrap();
}

/// Sends `signal` to a worker in the middle of its work; returns what it is reported as.
async fn struck(signal: Signal) {
    let Some(sample) = Sample::find() else { return };
    let mut worker = started(&sample).await;
    let pid = Pid::from_raw(worker.id().unwrap().try_into().unwrap()).unwrap();
    let mut sent = None;
    let never = CancellationToken::new();
    let lost = worker
        .predict(
            endless(),
            Bytes::new(),
            Want::default(),
            None,
            &never,
            &mut |_| {
                sent.get_or_insert_with(|| {
                    kill_process(pid, signal).unwrap();
                    Instant::now()
                });
            },
        )
        .await
        .unwrap_err();
    let after = sent.unwrap().elapsed();
    assert!(after < Duration::from_secs(1), "reported after {after:?}");
    let words = match signal {
        Signal::KILL => "the worker was killed by signal 9 (SIGKILL)",
        _ => "the worker was stopped (SIGSTOP)",
    };
    assert_eq!(lost.to_string(), words);
    assert!(matches!(lost, WorkerError::Lost { .. }));

    let mut next = started(&sample).await;
    let results = results(
        &mut next,
        vec![by_path(0, "cat.jpg")],
        Bytes::new(),
        Want::default(),
    )
    .await;
    assert_is_reference("cat.jpg", &json(&results[&0]));
}

#[tokio::test]
async fn a_worker_killed_in_the_middle_is_reported_within_a_second_and_the_next_works() {
    struck(Signal::KILL).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_worker_stopped_in_the_middle_is_reported_within_a_second_and_the_next_works() {
    struck(Signal::STOP).await;
}

#[tokio::test]
async fn cancelling_in_the_middle_ends_the_request_soon() {
    let Some(sample) = Sample::find() else { return };
    let mut worker = started(&sample).await;
    let cancel = CancellationToken::new();
    let (mut pressed, mut count) = (None, 0);
    let (_, cancelled) = worker
        .predict(
            endless(),
            Bytes::new(),
            Want::default(),
            None,
            &cancel,
            &mut |_| {
                pressed.get_or_insert_with(Instant::now);
                count += 1;
                cancel.cancel();
            },
        )
        .await
        .unwrap();
    let after = pressed.unwrap().elapsed();
    assert!(after < Duration::from_secs(1), "ended after {after:?}");
    assert!(cancelled && count < 1000, "{count} results");
    if worker.is_running() {
        let one = vec![by_path(0, "cat.jpg")];
        let results = results(&mut worker, one, Bytes::new(), Want::default()).await;
        assert_is_reference("cat.jpg", &json(&results[&0]));
    }
}

#[tokio::test]
async fn a_library_that_is_missing_is_named() {
    let mut command = WorkerCommand::new(PROGRAM);
    command.env = vec![(
        "BOXWRIGHT_ONNXRUNTIME".into(),
        "/nowhere/libonnxruntime.so".into(),
    )];
    let Err(WorkerError::Refused { message, .. }) = Worker::start(&command).await else {
        panic!("not refused")
    };
    assert!(message.contains("/nowhere/libonnxruntime.so"), "{message}");
}

/// A file's prediction by `package`, and how long the model ran for it, in milliseconds.
async fn kept(
    worker: &mut Worker,
    sample: &Sample,
    package: &boxwright_model::Package,
    path: &std::path::Path,
) -> (serde_json::Value, f64) {
    let edited = Load {
        inline: Some(Box::new(package.clone())),
        ..load(sample)
    };
    worker.load(edited).await.unwrap();
    let item = Item {
        id: 7,
        path: Some(path.to_str().unwrap().to_owned()),
        bytes: None,
    };
    let want = Want {
        keep: true,
        ..Want::default()
    };
    let (never, mut result) = (CancellationToken::new(), None);
    let mut each = |one: FromWorkerResult| result = Some(one);
    let predicting = worker.predict(vec![item], Bytes::new(), want, None, &never, &mut each);
    let (timing, _) = predicting.await.unwrap();
    let result = result.unwrap();
    assert!(result.picture.is_some() && result.details.is_some());
    (json(&result), timing.infer_ms)
}

#[tokio::test]
async fn another_postprocessing_takes_what_the_model_gave_before() {
    let Some(sample) = Sample::find() else { return };
    let mut worker = started(&sample).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.jpg");
    std::fs::write(&path, photo_bytes("cat.jpg")).unwrap();
    // Files that were changed just now could change again unseen.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut package = sample.package();
    let mut times = Vec::new();
    for (top_k, mean) in [(5, 127.0), (2, 127.0), (2, 100.0)] {
        package.postprocess.top_k = top_k;
        package.preprocess.mean = vec![mean];
        let (result, infer_ms) = kept(&mut worker, &sample, &package, &path).await;
        assert_eq!(result["classPredictions"].as_array().unwrap().len(), top_k);
        times.push(infer_ms);
    }
    assert!(times[0] > 0.0 && times[2] > 0.0, "{times:?}");
    assert_eq!(times[1], 0.0, "the model ran for another number of classes");

    std::fs::write(&path, photo_bytes("flower.jpg")).unwrap();
    let (changed, _) = kept(&mut worker, &sample, &package, &path).await;
    let (fresh, _) = kept(&mut worker, &sample, &package, &photo("flower.jpg")).await;
    assert_eq!(changed, fresh, "the file's old prediction");
    worker.stop().await;
}
