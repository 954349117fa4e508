//! How a worker is started, fed and given up. The workers here are shells and scripted pipes; the
//! real program is tried in `crates/serve`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::time::{Duration, Instant};

use boxwright_model::DeviceKind;
use boxwright_model::prediction::{Outcome, Timing};
use boxwright_worker::{
    Frame, FromWorker, Item, Limits, ToWorker, Want, Worker, WorkerCommand, WorkerError,
};
use bytes::Bytes;
use tokio::io::DuplexStream;
use tokio_util::sync::CancellationToken;

/// A worker that is `script`, run by a shell.
fn shell(script: &str) -> WorkerCommand {
    let args = vec!["-c".into(), script.into()];
    WorkerCommand {
        args,
        ..WorkerCommand::new("/bin/sh")
    }
}

async fn start_error(command: &WorkerCommand) -> WorkerError {
    match Worker::start(command).await {
        Ok(_) => panic!("a shell said hello"),
        Err(error) => error,
    }
}

/// The other side of a pipe, with the test as the worker.
struct Script(DuplexStream);

impl Script {
    async fn say(&mut self, id: u64, message: FromWorker, body: impl Into<Bytes>) {
        let frame = Frame::new(id, message, body).unwrap();
        frame.write(&mut self.0, &|| {}).await.unwrap();
    }

    async fn hear(&mut self) -> (u64, ToWorker, Bytes) {
        let frame = Frame::read(&mut self.0, &Limits::default())
            .await
            .unwrap()
            .unwrap();
        let header = frame.parse().unwrap();
        (header.id, header.message, frame.body)
    }
}

async fn attached() -> (Worker, Script) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let mut script = Script(theirs);
    let hello = FromWorker::Hello {
        program: "script".into(),
        onnxruntime: "1.30.0".into(),
        devices: vec![DeviceKind::Cpu],
    };
    script.say(0, hello, "").await;
    let (reader, writer) = tokio::io::split(ours);
    (Worker::attach(reader, writer).await.ok().unwrap(), script)
}

fn one_item() -> Vec<Item> {
    vec![Item {
        id: 5,
        path: None,
        bytes: Some([0, 3]),
    }]
}

fn outputs(thumbnail: [u64; 2]) -> FromWorker {
    FromWorker::Result {
        sample: 5,
        outcome: Outcome::Outputs(Default::default()),
        picture: Some([4, 3]),
        details: None,
        thumbnail: Some(thumbnail),
        tensors: Default::default(),
    }
}

fn done(cancelled: bool) -> FromWorker {
    FromWorker::Done {
        timing: Timing {
            wall_ms: 1.0,
            ..Timing::default()
        },
        cancelled,
    }
}

#[tokio::test]
async fn a_program_that_is_missing_is_named() {
    let error = start_error(&WorkerCommand::new("/nowhere/boxwright-serve")).await;
    assert!(
        error
            .to_string()
            .starts_with("the worker /nowhere/boxwright-serve can't be started: "),
        "{error}"
    );
}

#[tokio::test]
async fn how_a_process_ended_is_told_in_words_with_its_last_lines() {
    for (script, words) in [
        ("echo one >&2; echo two >&2; exit 3", "ended with status 3"),
        (
            "echo one >&2; echo two >&2; kill -9 $$",
            "was killed by signal 9 (SIGKILL)",
        ),
        (
            "echo one >&2; echo two >&2; kill -SEGV $$",
            "was killed by signal 11 (SIGSEGV)",
        ),
    ] {
        let WorkerError::Lost { how, stderr } = start_error(&shell(script)).await else {
            panic!("{script}: not lost")
        };
        assert_eq!(
            (how.as_str(), stderr.as_str()),
            (words, "one\ntwo"),
            "{script}"
        );
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_stopped_process_is_found_within_a_second_and_killed() {
    let folder = std::env::temp_dir();
    let pid_file = folder.join(format!("boxwright-stopped-{}", std::process::id()));
    let begun = Instant::now();
    let script = format!("echo $$ > '{}'; kill -STOP $$", pid_file.display());
    let error = start_error(&shell(&script)).await;
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(error.to_string(), "the worker was stopped (SIGSTOP)");
    let pid = std::fs::read_to_string(&pid_file).unwrap();
    std::fs::remove_file(&pid_file).unwrap();
    let stat = format!("/proc/{}/stat", pid.trim());
    // Dead, or a zombie that the runtime has yet to collect.
    while std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") T")) {
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "still stopped, not killed"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn only_the_end_of_a_flood_on_stderr_is_kept() {
    let script = "i=0; while [ $i -lt 3000 ]; do echo line-$i-xxxxxxxxxxxxxxxxxxxx >&2; \
                  i=$((i+1)); done; exit 1";
    let WorkerError::Lost { stderr, .. } = start_error(&shell(script)).await else {
        panic!("not lost")
    };
    assert_eq!(stderr.lines().count(), 40);
    assert!(
        stderr.ends_with("line-2999-xxxxxxxxxxxxxxxxxxxx"),
        "{stderr}"
    );
}

#[tokio::test]
async fn telemetry_is_always_off_and_the_environment_can_be_emptied() {
    let mut command = shell("echo \"$ORT_DISABLE_TELEMETRY|$HOME|$OURS\" >&2; exit 1");
    command.clear_env = true;
    command.env = vec![
        ("OURS".into(), "yes".into()),
        ("ORT_DISABLE_TELEMETRY".into(), "0".into()),
    ];
    let WorkerError::Lost { stderr, .. } = start_error(&command).await else {
        panic!("not lost")
    };
    assert_eq!(stderr, "1||yes");
}

#[tokio::test]
async fn what_is_no_frame_is_refused_and_ends_the_worker() {
    let WorkerError::Protocol { source } =
        start_error(&shell("echo 'Segmentation fault, or so'; cat")).await
    else {
        panic!("understood")
    };
    assert!(
        source
            .to_string()
            .contains("at most 268435456 are accepted"),
        "{source}"
    );
}

#[tokio::test]
async fn results_come_with_their_bytes_and_stale_answers_are_passed_over() {
    let (mut worker, mut script) = attached().await;
    let playing = tokio::spawn(async move {
        let (id, message, body) = script.hear().await;
        assert!(matches!(message, ToWorker::Predict { .. }));
        assert_eq!(body, "abc");
        script.say(id + 1000, outputs([0, 5]), "stale").await;
        script.say(id, FromWorker::Alive, "").await;
        script.say(id, outputs([2, 4]), "--JPEG").await;
        script.say(id, done(false), "").await;
        script
    });
    let mut results = Vec::new();
    let never = CancellationToken::new();
    let (timing, cancelled) = worker
        .predict(
            one_item(),
            "abc".into(),
            Want::default(),
            None,
            &never,
            &mut |r| results.push(r),
        )
        .await
        .unwrap();
    assert_eq!((timing.wall_ms, cancelled), (1.0, false));
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].sample, 5);
    assert_eq!(results[0].thumbnail.as_deref(), Some(&b"JPEG"[..]));
    drop(playing.await.unwrap());
}

#[tokio::test]
async fn a_span_outside_the_body_is_refused() {
    let (mut worker, mut script) = attached().await;
    let playing = tokio::spawn(async move {
        let (id, ..) = script.hear().await;
        script.say(id, outputs([1, u64::MAX]), "short").await;
        script
    });
    let error = worker
        .predict(
            one_item(),
            "abc".into(),
            Want::default(),
            None,
            &CancellationToken::new(),
            &mut |_| (),
        )
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("of a body of 5 bytes"),
        "{error}"
    );
    assert!(!worker.is_running());
    drop(playing.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_says_nothing_for_ten_seconds_is_lost() {
    let (mut worker, mut script) = attached().await;
    let playing = tokio::spawn(async move {
        let (id, ..) = script.hear().await;
        for _ in 0..40 {
            script.say(id, FromWorker::Alive, "").await;
            tokio::time::sleep(Duration::from_secs(9)).await;
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        script
    });
    let begun = tokio::time::Instant::now();
    let error = worker
        .predict(
            one_item(),
            "abc".into(),
            Want::default(),
            None,
            &CancellationToken::new(),
            &mut |_| (),
        )
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "the worker has not answered for 10 s");
    assert!(
        begun.elapsed() >= Duration::from_secs(39 * 9 + 10),
        "{:?}",
        begun.elapsed()
    );
    drop(playing.await.unwrap());
}

#[tokio::test]
async fn cancelling_is_asked_for_first() {
    let (mut worker, mut script) = attached().await;
    let cancel = CancellationToken::new();
    let pressed = cancel.clone();
    let playing = tokio::spawn(async move {
        let (id, ..) = script.hear().await;
        pressed.cancel();
        let (target, message, _) = script.hear().await;
        assert_eq!((target, message), (id, ToWorker::Cancel));
        script.say(id, done(true), "").await;
        script
    });
    let (_, cancelled) = worker
        .predict(
            one_item(),
            "abc".into(),
            Want::default(),
            None,
            &cancel,
            &mut |_| (),
        )
        .await
        .unwrap();
    assert!(cancelled && worker.is_running());
    drop(playing.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_does_not_heed_a_cancel_is_given_up_at_once() {
    let (mut worker, mut script) = attached().await;
    let cancel = CancellationToken::new();
    let pressed = cancel.clone();
    let playing = tokio::spawn(async move {
        script.hear().await;
        pressed.cancel();
        std::future::pending::<()>().await;
        drop(script);
    });
    let begun = tokio::time::Instant::now();
    let (_, cancelled) = worker
        .predict(
            one_item(),
            "abc".into(),
            Want::default(),
            None,
            &cancel,
            &mut |_| (),
        )
        .await
        .unwrap();
    assert!(cancelled && !worker.is_running());
    assert!(
        begun.elapsed() <= Duration::from_millis(400),
        "{:?}",
        begun.elapsed()
    );
    playing.abort();
}

#[tokio::test]
async fn a_pipe_that_ends_is_a_lost_worker_and_stays_lost() {
    let (mut worker, script) = attached().await;
    drop(script);
    let first = worker.load(Default::default()).await.unwrap_err();
    assert_eq!(first.to_string(), "the worker closed its end of the pipe");
    let second = worker.load(Default::default()).await.unwrap_err();
    assert_eq!(second.to_string(), "the worker has already ended");
}
