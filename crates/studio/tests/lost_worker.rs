//! A worker that is killed or stopped in the middle of the window's preview. In a program of its
//! own, whose only child is that worker.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::fs;
use std::time::{Duration, Instant};

use boxwright_studio::api::{Event, PreviewStatus, State};
use boxwright_studio::build::DataDir;
use boxwright_studio::{Code, Directories, Studio};
use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::broadcast::Receiver;

const PATIENCE: Duration = Duration::from_secs(60);

fn data_dir() -> Option<DataDir> {
    let checkout = std::fs::canonicalize("../..").ok()?;
    let made = DataDir::at(&checkout.join("dist/share/boxwright"));
    let data_dir = DataDir::find().unwrap_or(made);
    let there = data_dir.serve_program().is_file() && data_dir.catalogue().is_ok();
    there.then_some(data_dir)
}

async fn until<T>(
    studio: &Studio,
    events: &mut Receiver<Event>,
    check: impl Fn(&State) -> Option<T>,
) -> T {
    let waiting = async {
        loop {
            if let Some(found) = check(&studio.state()) {
                return found;
            }
            events.recv().await.unwrap();
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.unwrap_or_else(|_| panic!("{:?}", studio.state().preview.status))
}

fn worker() -> Pid {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let lists = tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap());
    let children = lists.collect::<Vec<_>>().concat();
    let mut pids = children.split_whitespace().map(|pid| pid.parse().unwrap());
    Pid::from_raw(pids.next().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_worker_is_reported_in_words_within_a_second_and_the_next_preview_works() {
    let Some(data_dir) = data_dir() else {
        println!("SKIPPED: lost worker: no share folder: run `cargo xtask dist`");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let sample = std::fs::canonicalize("../../samples/efficientnet-lite0").unwrap();
    for name in ["model.onnx", "labels.txt"] {
        fs::copy(sample.join(name), folder.path().join(name)).unwrap();
    }
    let many = folder.path().join("many");
    fs::create_dir(&many).unwrap();
    for number in 0..250 {
        fs::copy(
            sample.join("images/cat.jpg"),
            many.join(format!("{number}.jpg")),
        )
        .unwrap();
    }
    let (config, cache) = (folder.path().join("config"), folder.path().join("cache"));
    let studio = Studio::at(data_dir, Directories { config, cache });
    let mut events = studio.subscribe();
    studio
        .open(vec![folder.path().join("model.onnx"), many])
        .await
        .unwrap();
    for (signal, word) in [(Signal::KILL, "SIGKILL"), (Signal::STOP, "stopped")] {
        until(&studio, &mut events, |state| {
            (state.preview.done > 0 && state.preview.failure.is_none()).then_some(())
        })
        .await;
        let at = Instant::now();
        kill_process(worker(), signal).unwrap();
        let failure = until(&studio, &mut events, |state| state.preview.failure.clone()).await;
        assert!(at.elapsed() < Duration::from_secs(1), "{:?}", at.elapsed());
        assert_eq!(failure.code, Code::WorkerLost);
        assert!(failure.message.contains(word), "{failure:?}");
        studio.preview().await.unwrap();
    }
    let done = until(&studio, &mut events, |state| {
        (state.preview.status == PreviewStatus::Done).then_some(state.preview.done)
    })
    .await;
    assert_eq!(done, 250);
    studio.shut_down().await;
}
