//! The pipeline's numbers against those of the libraries that notebooks use, which run in
//! environments of the tests' own: not one level apart.
//!
//! `cargo xtask test --all` compares more sizes, photos and models, which takes many minutes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::path::Path;
use std::process::Command;

use boxwright_tests::{Sandbox, missing, need, parity, programs, sandbox, venv};

#[test]
fn what_the_model_sees_is_what_pillow_opencv_and_pytorch_s_libraries_give() {
    let python = need!(venv::environment("vision"));
    let libraries = [
        "pillow",
        "opencv",
        "albumentations",
        "torchvision",
        "timm",
        "transformers",
        "notebook",
    ];
    compare(&python, &libraries, 200);
}

#[test]
fn what_the_model_sees_is_what_tensorflow_and_keras_give() {
    let python = need!(venv::environment("tensorflow"));
    compare(&python, &["tensorflow"], 40);
}

/// Compares with what these libraries make of pictures, in at least so many cases.
fn compare(python: &Path, libraries: &[&str], least: usize) {
    missing::larger_set("more sizes, photos and models");
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work/cases");
    let script = programs::checkout().join("tests/python/parity/make.py");
    let mut make = Command::new(python);
    make.arg(script).arg(&folder).arg(sandbox::photos());
    // Nothing is looked for on the network.
    make.envs([("HF_HUB_OFFLINE", "1"), ("NO_ALBUMENTATIONS_UPDATE", "1")]);
    let output = make.args(libraries).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    missing::say_notes(&output.stdout);
    let found = parity::check(&sandbox, &folder);
    assert!(found.cases >= least, "{} cases", found.cases);
    let count = found.wrong.len();
    assert!(count == 0, "{count} differ:\n{}", found.wrong.join("\n"));
}
