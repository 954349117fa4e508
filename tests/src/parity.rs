//! What a model sees against what a library makes of the same pictures: packages with a model that
//! gives back what it is fed, predicted by the command line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::Deserialize;

use crate::Sandbox;

/// Programs that run at once.
const AT_ONCE: usize = 2;

/// A package, its samples, and what a library makes of them, as a script wrote it.
#[derive(Debug, Deserialize)]
struct Case {
    /// The package's folder.
    name: String,
    /// What the library is asked for, in its own words.
    call: String,
    /// The folder of the samples.
    photos: String,
    /// The most that a number may be off.
    tolerance: f32,
    samples: Vec<Sample>,
}

/// A picture or an array.
#[derive(Debug, Deserialize)]
struct Sample {
    file: String,
    /// The shape of the tensor; none where the sample has to be refused.
    expected: Option<Vec<usize>>,
}

/// The document that `boxwright preview --format json` prints.
#[derive(Debug, Deserialize)]
struct Document {
    results: Vec<Prediction>,
}

#[derive(Debug, Deserialize)]
struct Prediction {
    sample: String,
    #[serde(default)]
    outputs: BTreeMap<String, Output>,
    error: Option<Failure>,
}

#[derive(Debug, Deserialize)]
struct Output {
    shape: Vec<usize>,
    data: Vec<f32>,
}

#[derive(Debug, Deserialize)]
struct Failure {
    code: String,
    message: String,
}

/// What `check` found.
#[derive(Debug)]
pub struct Findings {
    /// Packages that were predicted with.
    pub cases: usize,
    /// Every tensor that isn't the library's, in words.
    pub wrong: Vec<String>,
}

/// Predicts with every package that `cases.json` in `folder` lists.
pub fn check(sandbox: &Sandbox, folder: &Path) -> Findings {
    let cases = fs::read_to_string(folder.join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&cases).unwrap();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let work = || {
        while let Some((at, case)) = take(&next, &cases) {
            let found = differences(sandbox, folder, case);
            wrong.lock().unwrap().insert(at, found);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(work);
        }
    });
    Findings {
        cases: cases.len(),
        wrong: wrong
            .into_inner()
            .unwrap()
            .into_values()
            .flatten()
            .collect(),
    }
}

fn take<'a>(next: &AtomicUsize, cases: &'a [Case]) -> Option<(usize, &'a Case)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    Some((at, cases.get(at)?))
}

fn differences(sandbox: &Sandbox, folder: &Path, case: &Case) -> Vec<String> {
    let Case { name, call, .. } = case;
    let package = folder.join(name);
    let photos = folder.join(&case.photos);
    let run = sandbox
        .boxwright(["preview", "--format", "json", "--device", "cpu"])
        .arg(&package)
        .args(case.samples.iter().map(|sample| photos.join(&sample.file)))
        .run();
    let document: Document = match serde_json::from_str(&run.stdout) {
        Ok(document) => document,
        Err(_) => return vec![format!("{name}: {call}: {}", run.stderr().trim())],
    };
    assert_eq!(document.results.len(), case.samples.len(), "{name}");
    let samples = case.samples.iter().zip(&document.results);
    samples
        .filter_map(|(sample, result)| {
            assert_eq!(result.sample, sample.file, "{name}");
            let expected = package.join(format!("expected/{}.f32", sample.file));
            let judged = judge(sample, result, &expected, case.tolerance);
            Some(format!(
                "{name}: {call}: {}: {}",
                sample.file,
                judged.err()?
            ))
        })
        .collect()
}

/// What is wrong with a prediction.
fn judge(
    sample: &Sample,
    result: &Prediction,
    expected: &Path,
    tolerance: f32,
) -> Result<(), String> {
    let Some(shape) = &sample.expected else {
        return match &result.error {
            Some(failure) if failure.code == "SampleUnreadable" => Ok(()),
            Some(failure) => Err(format!("{}: {}", failure.code, failure.message)),
            None => Err("is not refused".into()),
        };
    };
    if let Some(failure) = &result.error {
        return Err(format!("{}: {}", failure.code, failure.message));
    }
    let mut outputs = result.outputs.values();
    let (Some(output), None) = (outputs.next(), outputs.next()) else {
        return Err("has not exactly one output".into());
    };
    if output.shape != *shape {
        let text = "has the shape";
        return Err(format!("{text} {:?} instead of {shape:?}", output.shape));
    }
    let expected = fs::read(expected).unwrap();
    let expected = expected.as_chunks::<4>().0.iter();
    let expected: Vec<f32> = expected.map(|bytes| f32::from_le_bytes(*bytes)).collect();
    assert_eq!(output.data.len(), expected.len());
    compare(&output.data, &expected, shape, tolerance)
}

fn compare(data: &[f32], expected: &[f32], shape: &[usize], tolerance: f32) -> Result<(), String> {
    let off = |at: usize| (data[at] - expected[at]).abs();
    // What isn't a number is off too.
    let wrong = (0..data.len()).filter(|at| data[*at] != expected[*at]);
    let wrong: Vec<_> = wrong
        .filter(|at| !matches!(off(*at), off if off <= tolerance))
        .collect();
    let Some(worst) = wrong
        .iter()
        .copied()
        .max_by(|one, other| off(*one).total_cmp(&off(*other)))
    else {
        return Ok(());
    };
    Err(format!(
        "{} of {} numbers differ, at {:?} most: {} in place of {}",
        wrong.len(),
        data.len(),
        place(worst, shape),
        data[worst],
        expected[worst]
    ))
}

/// The index along each axis of a number.
fn place(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<_> = shape
        .iter()
        .rev()
        .map(|length| {
            let index = at % length;
            at /= length;
            index
        })
        .collect();
    place.reverse();
    place
}
