//! The proof of a published image for every task, on both platforms, and that it can fail for each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;

use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::report::Report;
use boxwright_tests::sandbox::edit;
use boxwright_tests::task_models::{TASKS, TaskPackage};
use boxwright_tests::{Sandbox, binfmt, missing, need, onnx};
use serde_json::Value;

fn publish(sandbox: &Sandbox, package: &TaskPackage, to: &str, targets: &str) -> Report {
    let command = sandbox
        .boxwright(["publish", "--target", targets, "--to", to])
        .arg(&package.folder)
        .arg("--verify")
        .args(&package.samples);
    Report::new(command.run().ok().json())
}

#[track_caller]
fn assert_proven(package: &TaskPackage, proof: &Value, most: f64) {
    let task = package.task;
    assert_eq!(proof["status"], "proven", "{task}: {proof:#}");
    assert_eq!(proof["samples"], package.samples.len(), "{task}: {proof:#}");
    let difference = proof["max_difference"].as_f64().unwrap();
    assert!(difference <= most, "{task}: {proof:#}");
}

#[test]
fn every_task_is_proven() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    for package in TaskPackage::of_all(&sandbox) {
        let to = registry.reference(&format!("{}:1", package.task));
        let report = publish(&sandbox, &package, &to, "cpu");
        assert_proven(&package, report.proof("cpu"), 1e-5);
    }
}

/// What the emulated processor computes otherwise stays within the proof's own tolerance.
#[test]
fn tasks_are_proven_on_arm() {
    need!(binfmt::arm64());
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let all = missing::larger_set("the other tasks on the emulated processor");
    let few = ["instance-segmentation", "text"];
    for task in TASKS
        .into_iter()
        .filter(|(task, _)| all || few.contains(task))
    {
        let package = TaskPackage::write(&sandbox, task);
        let to = registry.reference(&format!("{}:1", package.task));
        let report = publish(&sandbox, &package, &to, "arm64");
        assert_proven(&package, report.proof("arm64"), 2e-2);
    }
}

/// Changes what the preview of a published package shows; gives words that the reason has to hold.
fn change(package: &TaskPackage) -> &'static str {
    let relabel = |from: &str, to: &str| {
        let file = package.folder.join("labels.txt");
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(&file, text.replacen(from, to, 1)).unwrap();
    };
    match package.task {
        "rotated-detection" => {
            edit(&package.folder, "std = [255.0]", "std = [250.0]");
            "the preview"
        }
        // The boxes stay, and are called otherwise.
        "pose" => {
            relabel("cat\n", "cow\n");
            "cow"
        }
        "instance-segmentation" => {
            // A part of the prototypes; the boxes stay where they are.
            let file = package.folder.join("model.onnx");
            let mut model = fs::read(&file).unwrap();
            let weight = onnx::weight_of(&model, 4 * 16 * 16 * 4);
            let quarter = weight.len() / 4;
            for sign in model[weight][..quarter].iter_mut().skip(3).step_by(4) {
                *sign ^= 0x80;
            }
            fs::write(&file, model).unwrap();
            "mask"
        }
        "matte" => {
            edit(&package.folder, "\"min-max\"", "\"unit\"");
            "mask"
        }
        "embedding" => {
            edit(&package.folder, "mean = [1", "mean = [2");
            "number"
        }
        "text" => {
            relabel("3\n4\n", "4\n3\n");
            "reads"
        }
        other => panic!("{other} is not changed"),
    }
}

#[test]
fn another_preview_is_found_out_whatever_the_task() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let changed = [
        "rotated-detection",
        "pose",
        "instance-segmentation",
        "matte",
        "embedding",
        "text",
    ];
    for task in TASKS.into_iter().filter(|(task, _)| changed.contains(task)) {
        let package = TaskPackage::write(&sandbox, task);
        let to = registry.reference(&format!("{}:1", package.task));
        let publish = sandbox.boxwright(["publish", "--target", "cpu", "--to", &to]);
        publish.arg(&package.folder).run().ok();
        let words = change(&package);
        let verify = sandbox.boxwright(["verify", &to]).args(&package.samples);
        let run = verify.arg("--package").arg(&package.folder).run();
        assert_eq!(run.status, Some(1), "{}: {}", package.task, run.stdout);
        let report = Report::new(run.json());
        let proof = report.proof("cpu");
        assert_eq!(proof["status"], "differs", "{}: {proof:#}", package.task);
        let reason = proof["reason"].as_str().unwrap();
        assert!(reason.contains(words), "{}: {reason}", package.task);
    }
}
