//! The Python that `boxwright python` prints, run with the libraries that it calls, gives what the
//! preview feeds the model.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use boxwright_tests::{Sandbox, missing, need, parity, programs, venv};

#[test]
fn printed_python_on_pillow_opencv_and_torchvision_feeds_the_model_the_same() {
    let python = need!(venv::environment("vision"));
    compare(&python, "vision", 100);
}

#[test]
fn printed_python_on_tensorflow_feeds_the_model_the_same() {
    let python = need!(venv::environment("tensorflow"));
    compare(&python, "tensorflow", 20);
}

/// Compares for at least so many packages.
fn compare(python: &Path, environment: &str, least: usize) {
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work/cases");
    let out = folder.to_str().unwrap();
    run(python, "packages.py", &[out, environment]);
    for package in fs::read_dir(&folder).unwrap() {
        let package = package.unwrap().path();
        if package.join("boxwright.toml").exists() {
            let printed = sandbox.boxwright(["python"]).arg(&package).run();
            assert!(printed.stderr().is_empty(), "{}", printed.stderr());
            fs::write(package.join("code.py"), printed.stdout).unwrap();
        }
    }
    run(python, "run.py", &[out]);
    let found = parity::check(&sandbox, &folder);
    assert!(found.cases >= least, "{} cases", found.cases);
    let count = found.wrong.len();
    assert!(count == 0, "{count} differ:\n{}", found.wrong.join("\n"));
}

fn run(python: &Path, script: &str, arguments: &[&str]) {
    let folder = programs::checkout().join("tests/python/code");
    let mut command = Command::new(python);
    command.arg(folder.join(script)).args(arguments);
    let quiet = [
        ("TF_CPP_MIN_LOG_LEVEL", "3"),
        ("CUDA_VISIBLE_DEVICES", "-1"),
    ];
    let output = command.envs(quiet).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    missing::say_notes(&output.stdout);
}
