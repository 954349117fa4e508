//! The pipeline's numbers against Pillow's, by the command line: models that give back what they
//! are fed, in packages with all kinds of pictures, filters and tensors.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;
use std::path::Path;

use boxwright_tests::{Sandbox, need, programs, venv};
use serde_json::Value;

#[test]
fn what_the_model_sees_is_what_pillow_gives() {
    let python = programs::checkout().join("tests/python");
    let interpreter = need!(venv::python(&python.join("requirements.txt")));
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work/cases");
    let photos = programs::sample().join("images");
    let script = python.join("parity_cases.py");
    venv::run_script(&interpreter, &script, &[&folder, &photos]);
    let cases = fs::read_to_string(folder.join("cases.json")).unwrap();
    let cases: Value = serde_json::from_str(&cases).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() > 60, "{} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|case| differences(&sandbox, &folder, case))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with the predictions of a case, in words. It is a package, its samples, what
/// Pillow makes of each (the shape of the tensor, or null where the sample has to be refused),
/// and the most that a number may be off.
fn differences(sandbox: &Sandbox, folder: &Path, case: &Value) -> Vec<String> {
    let name = case["name"].as_str().unwrap();
    let package = folder.join(name);
    let samples = case["samples"].as_array().unwrap();
    let files: Vec<_> = samples
        .iter()
        .map(|sample| sample["file"].as_str().unwrap())
        .collect();
    let run = sandbox.boxwright(["preview", "--format", "json", "--device", "cpu"]);
    let paths = files.iter().map(|file| package.join("samples").join(file));
    let json = run.arg(&package).args(paths).run().ok().json();
    let results = json["results"].as_array().unwrap();
    assert_eq!(results.len(), samples.len(), "{name}");
    let tolerance = case["tolerance"].as_f64().unwrap();
    let wrong = |index: usize| {
        assert_eq!(results[index]["sample"], files[index]);
        let expected = package.join(format!("expected/{}.f32", files[index]));
        let shape = &samples[index]["expected"];
        let judged = judge(&results[index], shape, &expected, tolerance);
        Some(format!("{name}/{}: {}", files[index], judged.err()?))
    };
    (0..files.len()).filter_map(wrong).collect()
}

fn judge(result: &Value, shape: &Value, expected: &Path, tolerance: f64) -> Result<(), String> {
    if shape.is_null() {
        let refused = result["error"]["code"] == "SampleUnreadable";
        return refused.then_some(()).ok_or("was not refused".into());
    }
    let outputs = result["outputs"]
        .as_object()
        .ok_or_else(|| result.to_string())?;
    assert_eq!(outputs.len(), 1);
    let output = outputs.values().next().unwrap();
    if output["shape"] != *shape {
        return Err(format!(
            "has the shape {} instead of {shape}",
            output["shape"]
        ));
    }
    let expected = fs::read(expected).unwrap();
    let (expected, _) = expected.as_chunks::<4>();
    let data = output["data"].as_array().unwrap();
    assert_eq!(data.len(), expected.len());
    let off = data.iter().zip(expected).map(|(got, expected)| {
        (got.as_f64().unwrap() - f64::from(f32::from_le_bytes(*expected))).abs()
    });
    let (mut most, mut count) = (0.0, 0);
    for off in off.filter(|off| *off > 0.0) {
        most = f64::max(most, off);
        count += 1;
    }
    if most > tolerance {
        return Err(format!(
            "{count} of {} numbers differ, by up to {most}",
            data.len()
        ));
    }
    Ok(())
}
