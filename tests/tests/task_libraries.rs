//! Predictions held against libraries' own functions, pixel by pixel, and the decoders of the other
//! tests against the libraries that they are written after.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use boxwright_tests::missing::larger_set;
use boxwright_tests::{Sandbox, need, programs, venv};

/// What a script of `tests/python/tasks` prints.
fn script(python: &Path, name: &str, arguments: &[&str], libraries: Option<&Path>) -> String {
    let path = programs::checkout().join("tests/python/tasks").join(name);
    let mut command = Command::new(python);
    command.arg(path).args(arguments);
    // Nothing is looked for on the network, or written beside the user's settings.
    command
        .env("HF_HUB_OFFLINE", "1")
        .env("YOLO_OFFLINE", "true");
    if let Some(folder) = libraries {
        command.env("PYTHONPATH", folder);
        command.env("YOLO_CONFIG_DIR", folder);
        // What it says of itself would be taken for a difference.
        command.env("YOLO_VERBOSE", "false");
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn segformer_s_masks_are_transformers_own_but_where_two_classes_are_as_good_as_equal() {
    let python = need!(venv::environment("vision"));
    let sandbox = Sandbox::new();
    let data = programs::checkout().join("tests/data/tasks");
    let postprocess = [
        ("raw", "task = \"raw\""),
        ("masks", "task = \"segmentation\""),
    ];
    for (name, task) in postprocess {
        let folder = sandbox.path(&format!("work/{name}"));
        fs::create_dir(&folder).unwrap();
        let model = data.join("hf-segformer-seg/model.onnx");
        fs::copy(model, folder.join("model.onnx")).unwrap();
        let package = format!(
            r#"format = 2

[package]
name = "{name}"
version = "1"

[model]
files = [{{ path = "model.onnx" }}]

[[input]]
name = "pixel_values"
kind = "image"
width = 512
height = 512

[preprocess]
resize = "stretch"
filter = "torchvision-bilinear"
mean = [123.675, 116.28, 103.53]
std = [58.395, 57.12, 57.375]

[postprocess]
{task}
output = "logits"
"#
        );
        fs::write(folder.join("boxwright.toml"), package).unwrap();
        let photos = ["chelsea.png", "odd.jpg"].map(|photo| data.join("photos").join(photo));
        let run = sandbox
            .boxwright(["preview", "--format", "json", "--device", "cpu"])
            .arg(&folder)
            .args(photos)
            .run()
            .ok();
        let file = sandbox.path(&format!("work/{name}.json"));
        fs::write(file, &run.stdout).unwrap();
    }
    let folder = sandbox.path("work");
    let wrong = script(&python, "segformer.py", &[folder.to_str().unwrap()], None);
    assert!(wrong.trim().is_empty(), "{wrong}");
}

#[test]
fn the_decoders_of_these_tests_are_those_of_ultralytics_and_rapidocr() {
    if !larger_set("the libraries' own functions") {
        return;
    }
    let python = need!(venv::environment("vision"));
    let requirements = programs::checkout().join("tests/python/tasks/requirements.txt");
    let libraries = need!(venv::beside(&python, &requirements));
    let wrong = script(&python, "libraries.py", &["10"], Some(&libraries));
    assert!(wrong.trim().is_empty(), "{wrong}");
}
