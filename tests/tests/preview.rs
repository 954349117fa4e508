//! Predictions by the command line, and what becomes of them when things go wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use boxwright_tests::command::Running;
use boxwright_tests::sandbox::{edit, photo, photos};
use boxwright_tests::server::signal_process;
use boxwright_tests::{Sandbox, onnx, picture, programs, wait};
use rustix::process::Signal;
use serde_json::Value;

fn reference() -> Value {
    let text = fs::read_to_string(programs::sample().join("reference.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn classes(result: &Value) -> Vec<(&str, f64)> {
    let classes = result["classPredictions"]
        .as_array()
        .unwrap_or_else(|| panic!("{result:#}"));
    classes
        .iter()
        .map(|one| {
            (
                one["class"].as_str().unwrap(),
                one["score"].as_f64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn the_samples_predictions_equal_the_reference() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let run = sandbox.boxwright(["preview", "--format", "json", "--device", "cpu"]);
    let json = run.arg(&package).arg(photos()).run().ok().json();
    let reference = reference();
    let wanted = reference["images"].as_object().unwrap();
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), wanted.len());
    for result in results {
        let (got, wanted) = (
            classes(result),
            classes(&wanted[result["sample"].as_str().unwrap()]),
        );
        assert_eq!(got.len(), 5);
        for ((class, score), (wanted_class, wanted_score)) in got.iter().zip(&wanted) {
            assert_eq!(class, wanted_class, "{result:#}");
            assert!((score - wanted_score).abs() <= 0.002, "{result:#}");
        }
    }
}

#[test]
fn preview_prints_the_contracts_json() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let args = [
        "preview",
        "--format",
        "json",
        "--batch-size",
        "3",
        "--top-k",
        "2",
    ];
    let json = sandbox
        .boxwright(args)
        .arg(&package)
        .arg(photos())
        .run()
        .ok()
        .json();
    assert_eq!(json["model"]["name"], "efficientnet-lite0");
    assert_eq!(json["model"]["version"], "0.0.1");
    assert!(
        json["model"]["digest"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );
    assert_eq!(json["device"]["kind"], "cpu");
    assert!(json["device"]["name"].is_string() && json["device"]["reason"].is_string());
    assert_eq!(json["batch_size"], 3);
    for key in [
        "load_ms",
        "decode_ms",
        "preprocess_ms",
        "infer_ms",
        "postprocess_ms",
        "wall_ms",
    ] {
        assert!(
            json["timing"][key].as_f64().unwrap() > 0.0,
            "{key}: {:#}",
            json["timing"]
        );
    }
    assert!(json["timing"]["images_per_second"].as_f64().unwrap() > 0.0);
    assert!(
        json["results"]
            .as_array()
            .unwrap()
            .iter()
            .all(|result| classes(result).len() == 2)
    );
}

#[test]
fn results_keep_the_order_of_the_samples_in_json_and_in_lines() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let names = ["rocket.jpg", "cat.jpg", "motorcycle.jpg", "cat.jpg"];
    let samples: Vec<_> = names.iter().map(|name| photo(name)).collect();
    let output = sandbox.path("work/out.jsonl");
    let command = sandbox
        .boxwright(["preview", "--format", "jsonl", "--output"])
        .arg(&output);
    command.arg(&package).args(&samples).run().ok();
    let text = fs::read_to_string(&output).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let order: Vec<_> = lines
        .iter()
        .map(|line| line["sample"].as_str().unwrap())
        .collect();
    assert_eq!(order, names);
    assert_eq!(lines[1]["classPredictions"], lines[3]["classPredictions"]);
    let text = sandbox
        .boxwright(["preview"])
        .arg(&package)
        .arg(photo("cat.jpg"))
        .run()
        .ok()
        .stdout;
    assert!(
        text.contains("cat.jpg") && text.contains("tiger cat"),
        "{text}"
    );
}

#[test]
fn folders_are_searched_through_and_through() {
    let sandbox = Sandbox::new();
    let package = sandbox.path("work/colours");
    onnx::write_mean_colour(&package, "colours", ["red", "green", "blue"]);
    let folder = sandbox.path("work/pictures");
    fs::create_dir_all(folder.join("a/b")).unwrap();
    fs::write(
        folder.join("a/b/red.bmp"),
        picture::bmp(20, 20, [255, 0, 0]),
    )
    .unwrap();
    fs::write(folder.join("blue.bmp"), picture::bmp(9, 7, [0, 0, 255])).unwrap();
    fs::write(
        folder.join("notes.md"),
        "not a picture, and not named like one",
    )
    .unwrap();
    let run = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&package)
        .arg(&folder)
        .run()
        .ok();
    let json = run.json();
    let results = json["results"].as_array().unwrap();
    let red = results.iter().find(|one| one["sample"] == "a/b/red.bmp");
    let red = classes(red.unwrap_or_else(|| panic!("{json:#}")));
    assert_eq!(red[0].0, "red");
    assert!(
        (red[0].1 - 1.0).abs() < 1e-6 && red[1].1.abs() < 1e-6,
        "{red:?}"
    );
    assert!(
        results.iter().any(|one| one["sample"] == "blue.bmp"),
        "{json:#}"
    );
}

#[test]
fn a_bad_sample_says_so_and_the_rest_go_on() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let folder = sandbox.path("work/mixed");
    fs::create_dir(&folder).unwrap();
    let cat = fs::read(photo("cat.jpg")).unwrap();
    fs::write(folder.join("1-truncated.jpg"), &cat[..cat.len() / 2]).unwrap();
    fs::write(folder.join("2-text.png"), "hello").unwrap();
    fs::write(folder.join("3-empty.jpg"), "").unwrap();
    fs::write(folder.join("4-cat.jpg"), &cat).unwrap();
    fs::write(
        folder.join("5-bomb.bmp"),
        &picture::bmp(20, 20, [1, 2, 3])[..54],
    )
    .unwrap();
    let mut bomb = picture::bmp(2, 2, [1, 2, 3]);
    // 60,000 by 60,000 pixels in a file of 70 bytes.
    bomb[18..26].copy_from_slice(&[60_000u32.to_le_bytes(), 60_000u32.to_le_bytes()].concat());
    fs::write(folder.join("6-huge.bmp"), bomb).unwrap();
    let run = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&package)
        .arg(&folder)
        .run()
        .ok();
    let json = run.json();
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), 6, "{json:#}");
    for result in results {
        if result["sample"] == "4-cat.jpg" {
            assert_eq!(classes(result)[0].0, "tiger cat");
        } else {
            assert_eq!(result["error"]["code"], "SampleUnreadable", "{result:#}");
            assert!(!result["error"]["message"].as_str().unwrap().is_empty());
        }
    }
    let huge = results[5]["error"]["message"].as_str().unwrap();
    assert!(huge.contains("pixels"), "{huge}");
}

#[test]
fn no_readable_sample_at_all_is_a_failure() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let text = sandbox.path("work/text.jpg");
    fs::write(&text, "hello").unwrap();
    let preview = || {
        sandbox
            .boxwright(["preview", "--format", "json"])
            .arg(&package)
    };
    preview().arg(&text).run().failure("SampleUnreadable");
    let failure = preview().arg("gone.jpg").run().failure("SampleUnreadable");
    assert!(failure.to_string().contains("gone.jpg"), "{failure:#}");
    let empty = sandbox.path("work/empty");
    fs::create_dir(&empty).unwrap();
    preview().arg(&empty).run().failure("SampleUnreadable");
}

#[test]
fn a_device_that_is_not_there_is_a_failure_in_words() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let run = sandbox.boxwright(["preview", "--format", "json", "--device", "cuda"]);
    let failure = run
        .arg(&package)
        .arg(photo("cat.jpg"))
        .run()
        .failure("DeviceUnavailable");
    assert!(
        failure["message"]
            .as_str()
            .unwrap()
            .to_lowercase()
            .contains("cuda"),
        "{failure:#}"
    );
}

/// A preview that takes seconds, with the process id of its worker once results come in.
fn long_preview(sandbox: &Sandbox, package: &Path) -> (Running, u32) {
    let many = sandbox.path("work/many");
    if !many.exists() {
        picture::multiply(&photos(), &many, 60);
    }
    let args = ["--progress", "json", "preview", "--format", "json"];
    let mut running = sandbox.boxwright(args).arg(package).arg(&many).start();
    running.event("progress", |event| {
        event["type"] == "progress" && event["unit"] == "images" && event["done"] != 0
    });
    let worker = wait::until("the worker's process", wait::START, || child(running.pid()));
    (running, worker)
}

/// The first child of a process.
fn child(pid: u32) -> Option<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    tasks.flatten().find_map(|task| {
        let children = fs::read_to_string(task.path().join("children")).ok()?;
        children.split_whitespace().next()?.parse().ok()
    })
}

/// A worker that meets this signal is reported in words within a second, and nothing is left.
fn worker_is_lost(signal: Signal, word: &str) {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let (running, worker) = long_preview(&sandbox, &package);
        let at = Instant::now();
        signal_process(worker, signal);
        let run = running.finish();
        fastest = fastest.min(at.elapsed());
        let failure = run.failure("WorkerLost");
        assert!(
            failure.to_string().contains(word),
            "no `{word}` in {failure:#}"
        );
        assert_eq!(failure["retryable"], true, "{failure:#}");
        assert!(
            !Path::new(&format!("/proc/{worker}/exe")).exists(),
            "the worker is still there"
        );
        // Other work on the machine can delay one report; it does not delay them all.
        if fastest < Duration::from_secs(1) {
            break;
        }
    }
    assert!(
        fastest < Duration::from_secs(1),
        "reported only after {fastest:?}"
    );
    let again = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&package)
        .arg(photos())
        .run()
        .ok();
    assert_eq!(again.json()["results"].as_array().unwrap().len(), 5);
}

#[test]
fn a_killed_worker_is_reported_within_a_second() {
    worker_is_lost(Signal::KILL, "SIGKILL");
}

#[test]
fn a_stopped_worker_is_reported_within_a_second() {
    worker_is_lost(Signal::STOP, "stopped");
}

#[test]
fn an_interrupted_preview_ends_at_once_with_130() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let (running, worker) = long_preview(&sandbox, &package);
    let at = Instant::now();
    running.signal(Signal::INT);
    let run = running.finish();
    assert_eq!(run.status, Some(130), "{}", run.stderr());
    assert!(at.elapsed() < Duration::from_secs(5), "{:?}", at.elapsed());
    let events = run.events();
    assert_eq!(events.last().unwrap().1["type"], "cancelled", "{events:#?}");
    let gone = || (!Path::new(&format!("/proc/{worker}/exe")).exists()).then_some(());
    wait::until("the worker's end", wait::START, gone);
}

#[test]
fn progress_is_told_as_the_contract_says() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let (running, _) = long_preview(&sandbox, &package);
    let events = running.finish().ok().events();
    let (mut seq, job) = (None, events[0].1["job"].clone());
    for (_, event) in &events {
        assert_eq!(event["job"], job, "{event:#}");
        assert!(
            event["at"].is_string() || event["at"].is_number(),
            "{event:#}"
        );
        let next = event["seq"].as_u64().unwrap();
        assert!(seq.is_none_or(|seq| next > seq), "seq {next} after {seq:?}");
        seq = Some(next);
    }
    let (started, first) = &events[0];
    assert_eq!(first["type"], "started");
    assert_eq!(first["kind"], "preview");
    assert!(!first["stages"].as_array().unwrap().is_empty());
    assert_eq!(events.last().unwrap().1["type"], "finished");
    let progress: Vec<_> = events
        .iter()
        .filter(|(_, event)| event["type"] == "progress")
        .collect();
    let stages: Vec<_> = first["stages"].as_array().unwrap().iter().collect();
    assert!(
        progress
            .iter()
            .all(|(_, event)| stages.contains(&&event["stage"])),
        "{progress:#?}"
    );
    let images: Vec<_> = progress
        .iter()
        .filter(|(_, event)| event["unit"] == "images")
        .collect();
    let last = &images.last().unwrap().1;
    assert_eq!((&last["done"], &last["total"]), (&300.into(), &300.into()));
    let (from, to) = (images[0].0, images.last().unwrap().0);
    let per_second = images.len() as f64 / (to - from).as_secs_f64().max(0.1);
    assert!(per_second >= 2.0, "{per_second} progress events a second");
    let wait = progress[0].0.saturating_sub(*started);
    assert!(
        wait < Duration::from_secs(1),
        "the first progress came after {wait:?}"
    );
}

#[test]
fn a_bare_model_is_previewed_with_a_guess_that_is_shown() {
    let sandbox = Sandbox::new();
    let model = sandbox.path("work/model.onnx");
    fs::copy(programs::sample().join("model.onnx"), &model).unwrap();
    let run = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&model)
        .arg(photos())
        .run()
        .ok();
    assert_eq!(run.json()["results"].as_array().unwrap().len(), 5);
    assert!(run.stderr().contains("guess"), "{}", run.stderr());
    assert!(!sandbox.path("work/boxwright.toml").exists());
}

#[test]
fn another_mean_gives_other_scores() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let scores = || {
        let run = sandbox
            .boxwright(["preview", "--format", "json"])
            .arg(&package)
            .arg(photos());
        run.run().ok().json()["results"].clone()
    };
    let before = scores();
    edit(
        &package,
        "mean = [127.0, 127.0, 127.0]",
        "mean = [90.0, 127.0, 127.0]",
    );
    assert_ne!(before, scores());
}
