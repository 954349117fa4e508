//! What the command line leaves behind: its results where they were wanted, its events, its exit
//! status, also when something goes wrong at once.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::{Path, PathBuf};

use boxwright_tests::command::Command;
use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::sandbox::{edit, photo, photos};
use boxwright_tests::{Run, Sandbox, need, programs, wait};
use rustix::process::Signal;
use serde_json::Value;

/// A pipe with a name.
fn pipe(path: PathBuf) -> PathBuf {
    let made = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(made.unwrap().success());
    path
}

/// `boxwright` by a shell's line, in which it is `$0`.
fn shell(sandbox: &Sandbox, line: &str, args: &[&Path]) -> Command {
    let shell = sandbox.command(Path::new("/bin/sh")).args(["-c", line]);
    shell.arg(programs::boxwright()).args(args)
}

fn events(run: &Run) -> Vec<Value> {
    run.events().into_iter().map(|(_, event)| event).collect()
}

#[test]
fn an_output_that_is_a_link_or_a_pipe_stays_one() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let (link, archive) = (sandbox.path("work/link.tar"), sandbox.path("work/real.tar"));
    symlink("real.tar", &link).unwrap();
    let build = ["build", "--target", "cpu", "--output"];
    let build = sandbox.boxwright(build).arg(&link).arg(&package);
    build.run().ok();
    assert!(link.symlink_metadata().unwrap().is_symlink());
    assert!(archive.metadata().unwrap().len() > 1 << 20);
    for format in ["text", "jsonl", "json"] {
        let pipe = pipe(sandbox.path(&format!("work/{format}")));
        let reading = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read_to_string(pipe).unwrap()
        });
        let preview = sandbox.boxwright(["preview", "--format", format, "--output"]);
        let preview = preview.arg(&pipe).arg(&package).arg(photo("cat.jpg"));
        preview.run().ok();
        let text = reading.join().unwrap();
        assert!(text.contains("tiger cat"), "{format}: {text}");
        let kind = pipe.symlink_metadata().unwrap().file_type();
        assert!(kind.is_fifo(), "{format}: {kind:?}");
    }
}

#[test]
fn a_result_that_can_not_be_written_is_a_failure() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let archive = sandbox.path("work/a.tar");
    let (photo, nowhere) = (photo("cat.jpg"), sandbox.path("work/none/a.tar"));
    let lines: [(&str, &[&Path]); 4] = [
        ("exec $0 inspect $1/model.onnx --json", &[&package]),
        ("exec $0 doctor", &[]),
        ("exec $0 preview $1 $2", &[&package, &photo]),
        (
            "exec $0 build $1 --target cpu --output $2",
            &[&package, &archive],
        ),
    ];
    for (line, args) in lines {
        let run = shell(&sandbox, &format!("{line} > /dev/full"), args).run();
        assert_eq!(run.status, Some(1), "{line}: {}", run.stderr());
        assert!(run.stderr().contains("stdout"), "{line}: {}", run.stderr());
    }
    let build = ["build", "--target", "cpu", "--output"];
    let run = sandbox.boxwright(build).arg(&nowhere).arg(&package).run();
    let failure = run.failure("Internal").to_string();
    assert!(!failure.contains(".boxwright-"), "{failure}");
    assert_eq!(failure.matches("No such file").count(), 1, "{failure}");
}

#[test]
fn a_failure_at_once_is_an_event_and_is_said_once() {
    let sandbox = Sandbox::new();
    let photo = photo("cat.jpg");
    let photo = photo.to_str().unwrap();
    let commands: [&[&str]; 5] = [
        &["preview", "none.toml", photo, "--format", "json"],
        &["build", "none.toml", "--target", "cpu", "--output", "a.tar"],
        &["publish", "none.toml", "--target", "cpu", "--to", "No Ref"],
        &["verify", "127.0.0.1:1/a:1", photo, "--package", "none.toml"],
        &[
            "verify",
            "127.0.0.1:1/a:1",
            "none",
            "--package",
            "none.toml",
        ],
    ];
    for command in commands {
        let run = sandbox
            .boxwright(["--progress", "json"])
            .args(command)
            .run();
        assert_eq!(run.status, Some(1), "{command:?}");
        let events = events(&run);
        let types: Vec<&str> = events
            .iter()
            .map(|one| one["type"].as_str().unwrap())
            .collect();
        assert_eq!(types.first(), Some(&"started"), "{command:?}: {types:?}");
        assert_eq!(types.last(), Some(&"failed"), "{command:?}: {types:?}");
        let error = &events.last().unwrap()["error"];
        assert_eq!(*error, run.json()["error"], "{command:?}");
        let words = error.to_string();
        assert!(words.matches("No such file").count() <= 1, "{words}");
    }
}

#[test]
fn a_sample_that_is_a_pipe_is_refused_with_the_reason() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let pipe = pipe(sandbox.path("work/pipe.jpg"));
    let to = registry.reference("cat:1");
    let publish = sandbox.boxwright(["publish", "--target", "cpu", "--to", &to]);
    let run = publish.arg(&package).arg("--verify").arg(&pipe).run();
    let failure = run.failure("SampleUnreadable");
    let causes = failure["causes"].as_array().unwrap();
    assert_eq!(causes.len(), 1, "{failure:#}");
    assert!(
        causes[0]
            .as_str()
            .unwrap()
            .contains("pipe.jpg: It is no regular file")
    );
}

#[test]
fn every_command_is_cancelled_by_a_signal() {
    let sandbox = Sandbox::new();
    // Open both ways, so that it never ends.
    let pipe = pipe(sandbox.path("work/password"));
    let line = "exec $0 login 127.0.0.1:1 --username ann --password-stdin <> $1";
    let running = shell(&sandbox, line, &[&pipe]).start();
    let status = format!("/proc/{}/status", running.pid());
    wait::until("the signal to be listened to", wait::START, || {
        let text = fs::read_to_string(&status).ok()?;
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
        let caught = u64::from_str_radix(caught.trim(), 16).ok()?;
        (caught >> (Signal::INT.as_raw() - 1) & 1 == 1).then_some(())
    });
    running.signal(Signal::INT);
    let run = running.finish();
    assert_eq!(run.status, Some(130), "{}", run.stderr());
    assert!(run.stderr().contains("cancelled"), "{}", run.stderr());
}

#[test]
fn progress_of_a_build_has_its_own_stages_and_names_files_and_layers() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let build = ["--progress", "json", "build", "--target", "cpu", "--output"];
    let build = sandbox.boxwright(build).arg(sandbox.path("work/a.tar"));
    let events = events(&build.arg(&package).run().ok());
    let stages: Vec<&Value> = events[0]["stages"].as_array().unwrap().iter().collect();
    let bytes = |stage: &str| -> Vec<&str> {
        let moved = events.iter().filter(|event| event["type"] == "progress");
        let moved = moved.inspect(|event| assert!(stages.contains(&&event["stage"]), "{event:#}"));
        let here = moved.filter(|event| event["stage"] == stage && event["unit"] == "bytes");
        here.map(|event| event["item"].as_str().unwrap()).collect()
    };
    let (hashed, written) = (bytes("build"), bytes("write"));
    assert!(hashed.contains(&"model.onnx"), "{hashed:?}");
    assert!(!written.is_empty());
    assert!(
        written.iter().all(|item| item.starts_with("sha256:")),
        "{written:?}"
    );
}

#[test]
fn samples_of_one_name_are_told_apart_and_progress_can_be_silent() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    for (folder, name) in [("a", "cat.jpg"), ("b", "rocket.jpg")] {
        let folder = sandbox.path("work").join(folder);
        fs::create_dir(&folder).unwrap();
        fs::copy(photo(name), folder.join("photo.jpg")).unwrap();
    }
    let preview = ["--progress", "none", "preview", "--format", "json"];
    let preview = sandbox.boxwright(preview).arg(&package);
    let run = preview.args(["a/photo.jpg", "b/photo.jpg"]).run().ok();
    assert_eq!(run.stderr(), "");
    let json = run.json();
    let names: Vec<&Value> = json["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["sample"])
        .collect();
    assert_eq!(names, ["a/photo.jpg", "b/photo.jpg"]);
}

#[test]
fn a_limit_on_pixels_is_said_with_the_way_to_raise_it() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let preview = |limit: &str| {
        let preview = ["preview", "--format", "json", "--max-pixels", limit];
        sandbox
            .boxwright(preview)
            .arg(&package)
            .arg(photo("cat.jpg"))
            .run()
    };
    let failure = preview("1000").failure("SampleUnreadable");
    assert!(failure.to_string().contains("--max-pixels"), "{failure:#}");
    preview("1000000").ok();
}

#[test]
fn a_model_that_is_not_the_one_that_was_saved_is_refused() {
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let text = fs::read_to_string(package.join("boxwright.toml")).unwrap();
    let (_, hash) = text.split_once("sha256 = \"").expect("a hash");
    edit(&package, &hash[..64], &"0".repeat(64));
    let preview = sandbox.boxwright(["preview", "--format", "json"]);
    let failure = preview
        .arg(&package)
        .arg(photos())
        .run()
        .failure("PackageInvalid");
    assert!(
        failure["message"].to_string().contains("sha256"),
        "{failure:#}"
    );
}
