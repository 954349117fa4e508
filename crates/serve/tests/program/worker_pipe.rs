//! The worker's end of the pipe, frame by frame.

use std::io::{BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use boxwright_worker::{Frame, Limits};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::support::{PROGRAM, Sample, TIMEOUT, assert_is_reference, photo};

/// A worker, and both ends of its pipe.
struct Raw {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Raw {
    fn start(sample: &Sample) -> Self {
        let mut child = Command::new(PROGRAM)
            .arg("worker")
            .env_clear()
            .env("BOXWRIGHT_ONNXRUNTIME", &sample.library)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut raw = Self {
            child,
            stdin,
            stdout,
        };
        let hello = raw.hear().unwrap();
        assert_eq!(
            (&hello["v"], &hello["type"]),
            (&json!(1), &json!("hello")),
            "{hello}"
        );
        raw
    }

    fn tell(&mut self, header: Value) {
        let frame = Frame {
            header: header.to_string().into(),
            body: Bytes::new(),
        };
        frame.write_blocking(self.stdin.as_mut().unwrap()).unwrap();
    }

    /// The next message but `alive`; `None` at the end.
    fn hear(&mut self) -> Option<Value> {
        loop {
            let frame = Frame::read_blocking(&mut self.stdout, &Limits::default()).unwrap()?;
            let message: Value = serde_json::from_slice(&frame.header).unwrap();
            if message["type"] != "alive" {
                return Some(message);
            }
        }
    }

    fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < TIMEOUT, "the worker does not end");
            std::thread::yield_now();
        }
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn load(sample: &Sample) -> Value {
    json!({ "v": 1, "id": 1, "type": "load", "package": sample.package_file(), "device": "cpu", "threads": 1 })
}

#[test]
fn what_is_not_understood_is_answered_and_the_worker_goes_on() {
    let Some(sample) = Sample::find() else { return };
    let mut raw = Raw::start(&sample);
    for (header, id, words) in [
        (json!({"v": 2, "id": 5, "type": "shutdown"}), 5, "version 2"),
        (json!({"v": 1, "id": 6, "type": "dance"}), 6, "dance"),
        (json!({"v": 1, "id": 7, "type": "load"}), 7, "package"),
        (json!(["no", "header"]), 0, "can't be read"),
        (
            json!({"v": 1, "id": 8, "type": "predict", "items": []}),
            8,
            "no package is loaded",
        ),
    ] {
        raw.tell(header.clone());
        let answer = raw.hear().unwrap();
        assert_eq!(
            (&answer["type"], &answer["id"]),
            (&json!("error"), &json!(id)),
            "{answer}"
        );
        assert!(
            answer["message"].as_str().unwrap().contains(words),
            "{header}: {answer}"
        );
    }
    raw.tell(load(&sample));
    assert_eq!(raw.hear().unwrap()["type"], "loaded");
    raw.tell(json!({"v": 1, "id": 9, "type": "shutdown"}));
    assert!(raw.hear().is_none());
    assert!(raw.ended().success());
}

#[test]
fn lengths_beyond_the_limits_are_answered_and_end_the_worker() {
    let Some(sample) = Sample::find() else { return };
    let mut raw = Raw::start(&sample);
    raw.stdin.as_mut().unwrap().write_all(&[0xff; 12]).unwrap();
    let answer = raw.hear().unwrap();
    assert!(
        answer["message"].as_str().unwrap().contains("4294967295"),
        "{answer}"
    );
    assert!(raw.hear().is_none());
    assert_eq!(raw.ended().code(), Some(1));
}

#[test]
fn the_end_of_the_input_ends_the_worker_after_what_was_asked() {
    let Some(sample) = Sample::find() else { return };
    let mut raw = Raw::start(&sample);
    raw.tell(load(&sample));
    let items = json!([{ "id": 4, "path": photo("cat.jpg") }]);
    raw.tell(json!({"v": 1, "id": 2, "type": "predict", "items": items}));
    raw.stdin = None;
    assert_eq!(raw.hear().unwrap()["type"], "loaded");
    let result = raw.hear().unwrap();
    assert_eq!(
        (&result["id"], &result["sample"]),
        (&json!(2), &json!(4)),
        "{result}"
    );
    assert_is_reference("cat.jpg", &result);
    assert_eq!(raw.hear().unwrap()["type"], "done");
    assert!(raw.hear().is_none());
    assert!(raw.ended().success());
}

#[test]
fn a_worker_whose_keeper_is_gone_ends_in_the_middle_of_its_work() {
    let Some(sample) = Sample::find() else { return };
    let mut raw = Raw::start(&sample);
    raw.tell(load(&sample));
    assert_eq!(raw.hear().unwrap()["type"], "loaded");
    let items: Vec<Value> = (0..20_000)
        .map(|id| json!({ "id": id, "path": photo("cat.jpg") }))
        .collect();
    raw.tell(json!({"v": 1, "id": 2, "type": "predict", "items": items}));
    assert_eq!(raw.hear().unwrap()["type"], "result");
    let Raw {
        child,
        stdin,
        stdout,
    } = &mut raw;
    *stdin = None;
    let gone = Instant::now();
    // The other end of a pipe to nowhere takes the place of the worker's stdout.
    let mut elsewhere = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    *stdout = BufReader::new(elsewhere.stdout.take().unwrap());
    elsewhere.wait().unwrap();
    child.wait().unwrap();
    assert!(
        gone.elapsed() < Duration::from_secs(2),
        "{:?}",
        gone.elapsed()
    );
}
