//! A model of several tensors, with samples as NumPy writes them: guessed, previewed, built, proven
//! and served.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use boxwright_tests::registry::{Auth, Registry};
use boxwright_tests::report::Report;
use boxwright_tests::server::Server;
use boxwright_tests::{Missing, Sandbox, need, programs, venv, wait};
use serde_json::{Value, json};

/// The folder of the model, with its package file, and of its samples.
fn made(sandbox: &Sandbox) -> Result<PathBuf, Missing> {
    let scripts = programs::checkout().join("tests/python");
    let python = venv::python(&scripts.join("requirements.txt"))?;
    let folder = sandbox.path("work/scale");
    venv::run_script(&python, &scripts.join("arrays.py"), &[&folder]);
    sandbox
        .boxwright(["init"])
        .arg(folder.join("model.onnx"))
        .run()
        .ok();
    Ok(folder)
}

/// A sample of NaN and infinities beside its folder, and what the model makes of it.
fn not_finite(folder: &Path) -> (PathBuf, Value) {
    let request = json!({"inputs": [
        {"name": "row", "datatype": "FP32", "shape": [3], "data": ["NaN", "-Infinity", 1.5]},
        {"name": "factor", "datatype": "INT64", "shape": [1], "data": [2]},
    ]});
    let file = folder.with_file_name("not-finite.json");
    fs::write(&file, request.to_string()).unwrap();
    (file, json!(["NaN", "-Infinity", 3.0]))
}

fn scaled(result: &Value) -> &Value {
    &result["outputs"]["scaled"]["data"]
}

#[test]
fn samples_of_several_arrays_are_previewed_and_what_is_wrong_with_one_is_said() {
    let sandbox = Sandbox::new();
    let folder = need!(made(&sandbox));
    let (file, expected) = not_finite(&folder);
    let json = sandbox
        .boxwright(["preview", "--format", "json"])
        .arg(&folder)
        .arg(folder.join("samples"))
        .arg(folder.join("samples/3-request.json"))
        .arg(&file)
        .run()
        .ok()
        .json();
    let results = json["results"].as_array().unwrap();
    let names: Vec<_> = results
        .iter()
        .map(|result| result["sample"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "1-stored.npz",
            "2-packed.npz",
            "4-half.npz",
            "5-wide.npz",
            "6-alone.npy",
            "7-many.npz",
            "3-request.json",
            "not-finite.json"
        ]
    );
    assert_eq!(*scaled(&results[7]), expected);
    for (place, expected) in [
        (0, json!([2.0, 4.0, 6.0])),
        (1, json!([3.0, 6.0, 9.0])),
        (6, json!([4.0, 8.0, 12.0])),
    ] {
        assert_eq!(*scaled(&results[place]), expected, "{}", names[place]);
    }
    for (place, told) in [
        (2, "no array `factor`"),
        (3, "astype"),
        (4, "numpy.savez"),
        (5, "2 rows"),
    ] {
        let error = &results[place]["error"];
        assert_eq!(error["code"], "ShapeMismatch", "{error}");
        assert!(error["message"].as_str().unwrap().contains(told), "{error}");
    }
}

#[test]
fn its_image_is_proven_with_arrays() {
    let registry = need!(Registry::start(Auth::Open));
    let sandbox = Sandbox::new();
    let folder = need!(made(&sandbox));
    let to = registry.reference("scale:1");
    let report = sandbox
        .boxwright(["publish", "--target", "cpu", "--to", &to])
        .arg(&folder)
        .arg("--verify")
        .arg(folder.join("samples/1-stored.npz"))
        .arg(folder.join("samples/3-request.json"))
        .arg(not_finite(&folder).0)
        .run();
    let report = Report::new(report.ok().json());
    let proof = report.proof("cpu");
    assert_eq!(proof["status"], "proven", "{proof:#}");
    assert_eq!(proof["samples"], 3, "{proof:#}");
}

#[test]
fn it_is_served_as_files_and_as_tensors() {
    let sandbox = Sandbox::new();
    let folder = need!(made(&sandbox));
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut command = Command::new(programs::serve());
    command
        .arg("--package")
        .arg(&folder)
        .env("PORT", port.to_string());
    let _server = Server::start(&command, &sandbox.path("work/server.log"));
    let at = |path: &str| format!("http://127.0.0.1:{port}{path}");
    wait::until("the server is ready", Duration::from_secs(60), || {
        ureq::get(at("/v2/health/ready"))
            .call()
            .is_ok()
            .then_some(())
    });
    for (sample, expected) in [
        (folder.join("samples/2-packed.npz"), json!([3.0, 6.0, 9.0])),
        (
            folder.join("samples/3-request.json"),
            json!([4.0, 8.0, 12.0]),
        ),
        not_finite(&folder),
    ] {
        let file = fs::read(sample).unwrap();
        let mut answer = ureq::post(at("/predict")).send(&file[..]).unwrap();
        let answer: Value = answer.body_mut().read_json().unwrap();
        assert_eq!(*scaled(&answer["predictions"][0]), expected, "{answer}");
    }
    let name = folder.file_name().unwrap().to_str().unwrap();
    let request = json!({"inputs": [
        {"name": "factor", "datatype": "INT64", "shape": [2, 1], "data": [10, 100]},
        {"name": "row", "datatype": "FP32", "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]},
    ]});
    let mut answer = ureq::post(at(&format!("/v2/models/{name}-tensor/infer")))
        .send_json(&request)
        .unwrap();
    let answer: Value = answer.body_mut().read_json().unwrap();
    assert_eq!(
        answer["outputs"][0]["data"],
        json!([10.0, 20.0, 30.0, 400.0, 500.0, 600.0]),
        "{answer}"
    );
}
