//! The proof that a published image predicts what the preview showed, and that it can fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::{Path, PathBuf};

use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::report::Report;
use boxwright_tests::sandbox::{edit, photo, photos};
use boxwright_tests::{Run, Sandbox, binfmt, need, onnx};
use serde_json::Value;
use walkdir::WalkDir;

/// A registry with the sample in it, for the CPU.
struct Published {
    registry: Registry,
    sandbox: Sandbox,
    package: PathBuf,
}

impl Published {
    fn new() -> Result<Self, boxwright_tests::Missing> {
        let registry = Registry::start(Auth::Open)?;
        let sandbox = Sandbox::new();
        let package = sandbox.package("cat");
        let to = registry.reference("cat:1");
        let run = sandbox
            .boxwright(["publish", "--target", "cpu", "--to", &to])
            .arg(&package)
            .run();
        assert_eq!(
            Report::new(run.ok().json()).proof("cpu"),
            &Value::Null,
            "nobody asked for one"
        );
        Ok(Self {
            registry,
            sandbox,
            package,
        })
    }

    fn verify(&self, samples: &Path) -> Run {
        let reference = self.registry.reference("cat:1");
        let command = self.sandbox.boxwright(["verify", &reference]).arg(samples);
        command.arg("--package").arg(&self.package).run()
    }
}

#[track_caller]
fn assert_proven(report: &Report, target: &str, samples: u64, most: f64) {
    let proof = report.proof(target);
    assert_eq!(proof["status"], "proven", "{proof:#}");
    assert_eq!(proof["by"], "namespaces", "{proof:#}");
    assert_eq!(proof["samples"], samples, "{proof:#}");
    let difference = proof["max_difference"].as_f64().unwrap();
    assert!(difference <= most, "{proof:#}");
}

#[test]
fn publish_proves_both_platforms_in_namespaces() {
    need!(binfmt::arm64());
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let package = sandbox.package("cat");
    let to = registry.reference("cat:1");
    let command = sandbox
        .boxwright(["publish", "--target", "cpu,arm64", "--to", &to])
        .arg(&package);
    let report = Report::new(
        command
            .arg("--verify")
            .arg(photo("cat.jpg"))
            .run()
            .ok()
            .json(),
    );
    assert_proven(&report, "cpu", 1, 1e-5);
    assert_proven(&report, "arm64", 1, 2e-3);
    let left = WalkDir::new(sandbox.path("tmp"))
        .min_depth(1)
        .into_iter()
        .count();
    assert_eq!(left, 0, "the proof left files behind");
}

#[test]
fn verify_proves_what_was_published_before() {
    let published = need!(Published::new());
    let report = Report::new(published.verify(&photos()).ok().json());
    assert_proven(&report, "cpu", 5, 1e-5);
    let digest = report.digest().to_owned();
    let reference = format!("{}@{digest}", published.registry.reference("cat"));
    let command = published
        .sandbox
        .boxwright(["verify", &reference])
        .arg(photos());
    let run = command.arg("--package").arg(&published.package).run().ok();
    assert_proven(&Report::new(run.json()), "cpu", 5, 1e-5);
}

#[test]
fn verify_needs_no_rights() {
    if !rustix::process::geteuid().is_root() {
        boxwright_tests::skip!("only root can become a user without rights; this one has none");
    }
    let published = need!(Published::new());
    let Published {
        registry,
        sandbox,
        package,
    } = &published;
    // A place that another user may enter, whoever owns the home folder here.
    let program = sandbox.path("work/boxwright");
    fs::copy(boxwright_tests::programs::boxwright(), &program).unwrap();
    let share = sandbox.path("work/share");
    let shell = |command: &mut std::process::Command| assert!(command.status().unwrap().success());
    shell(
        std::process::Command::new("cp")
            .arg("-r")
            .arg(boxwright_tests::programs::share())
            .arg(&share),
    );
    let samples = sandbox.path("work/photos");
    shell(
        std::process::Command::new("cp")
            .arg("-r")
            .arg(photos())
            .arg(&samples),
    );
    shell(
        std::process::Command::new("chown")
            .args(["-R", "nobody"])
            .arg(sandbox.path("")),
    );
    let reference = registry.reference("cat:1");
    let command = sandbox.command(&program).env("BOXWRIGHT_HOME", &share);
    let command = command
        .args(["verify", &reference])
        .arg(&samples)
        .arg("--package")
        .arg(package);
    let nobody = ["--reuid=nobody", "--clear-groups", "--inh-caps=-all", "--"];
    let run = command
        .under(Path::new("/usr/bin/setpriv"), nobody)
        .run()
        .ok();
    assert_proven(&Report::new(run.json()), "cpu", 5, 1e-5);
}

#[track_caller]
fn assert_differs(run: &Run) {
    assert_eq!(run.status, Some(1), "{}\n{}", run.stdout, run.stderr());
    run.says_why();
    let report = Report::new(run.json());
    let proof = report.proof("cpu");
    assert_eq!(proof["status"], "differs", "{proof:#}");
    assert!(!proof["reason"].as_str().unwrap().is_empty(), "{proof:#}");
}

#[test]
fn another_mean_is_found_out() {
    let published = need!(Published::new());
    edit(
        &published.package,
        "mean = [127.0, 127.0, 127.0]",
        "mean = [124.0, 127.0, 127.0]",
    );
    assert_differs(&published.verify(&photos()));
    edit(
        &published.package,
        "mean = [124.0, 127.0, 127.0]",
        "mean = [127.0, 127.0, 127.0]",
    );
    published.verify(&photos()).ok();
}

#[test]
fn another_model_is_found_out() {
    let published = need!(Published::new());
    let model = published.package.join("model.onnx");
    let mut bytes = fs::read(&model).unwrap();
    // 1000 classes of 1280 features, in half precision.
    let weight = onnx::weight_of(&bytes, 1000 * 1280 * 2);
    bytes[weight.start..weight.start + weight.len() / 4].fill(0);
    fs::write(&model, bytes).unwrap();
    let text = fs::read_to_string(published.package.join("boxwright.toml")).unwrap();
    let digest = boxwright_tests::image::sha256(&fs::read(&model).unwrap());
    let start = text.find("sha256 = \"").unwrap() + "sha256 = \"".len();
    let text = format!(
        "{}{}{}",
        &text[..start],
        &digest["sha256:".len()..],
        &text[start + 64..]
    );
    fs::write(published.package.join("boxwright.toml"), text).unwrap();
    assert_differs(&published.verify(&photos()));
}

#[test]
fn other_labels_are_found_out() {
    let published = need!(Published::new());
    let labels = fs::read_to_string(published.package.join("labels.txt")).unwrap();
    fs::write(
        published.package.join("labels.txt"),
        labels.replacen("tiger cat", "tabby", 1),
    )
    .unwrap();
    assert_differs(&published.verify(&photos()));
}

#[test]
fn a_blob_that_was_tampered_with_is_refused() {
    let published = need!(Published::new());
    let blobs = WalkDir::new(published.registry.storage())
        .into_iter()
        .map(Result::unwrap);
    let data = blobs
        .filter(|entry| entry.file_name() == "data" && entry.metadata().unwrap().len() > 1_000_000);
    for blob in data {
        let mut bytes = fs::read(blob.path()).unwrap();
        let last = bytes.len() - 100;
        bytes[last] ^= 1;
        fs::write(blob.path(), bytes).unwrap();
    }
    let failure = published.verify(&photos()).failure("RegistryFailed");
    assert!(failure.to_string().contains("sha256:"), "{failure:#}");
}

#[test]
fn a_proof_without_a_readable_sample_is_no_proof() {
    let published = need!(Published::new());
    let text = published.sandbox.path("work/text.jpg");
    fs::write(&text, "hello").unwrap();
    let run = published.verify(&text);
    assert_eq!(run.status, Some(1), "{}", run.stdout);
    assert!(!run.stdout.contains("\"proven\""), "{}", run.stdout);
}

#[test]
fn what_is_not_there_can_not_be_proven() {
    let published = need!(Published::new());
    let reference = published.registry.reference("dog:1");
    let command = published
        .sandbox
        .boxwright(["verify", &reference])
        .arg(photos());
    let run = command.arg("--package").arg(&published.package).run();
    let failure = run.failure("RegistryFailed");
    assert!(failure.to_string().contains("dog"), "{failure:#}");
}
