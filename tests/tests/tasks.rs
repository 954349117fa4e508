//! Predictions of every task against those of the libraries that the models come from. Transformers'
//! image processors resize as torchvision does on tensors.
//!
//! `BOXWRIGHT_TEST_ALL=1` draws more outputs, which takes minutes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use boxwright_tests::{Sandbox, need, programs, venv};
use serde::Deserialize;
use serde_json::Value;

const LABELS: [&str; 10] = [
    "cat", "remote", "couch", "dog", "person", "bicycle", "cup", "car", "rocket", "tie",
];

/// A model of `tests/data/tasks`, with the package that says what its library does.
struct Model {
    name: &'static str,
    labels: &'static [&'static str],
    /// All tables but those that every package has.
    tables: &'static str,
    samples: &'static [&'static str],
}

impl Model {
    /// The results, and those of `reference.json`.
    #[track_caller]
    fn predict(&self, sandbox: &Sandbox) -> Vec<(Value, Value)> {
        let data = data();
        let folder = sandbox.path(&format!("work/{}", self.name));
        fs::create_dir(&folder).unwrap();
        let model = data.join(self.name).join("model.onnx");
        fs::copy(model, folder.join("model.onnx")).unwrap();
        let labels = match self.labels {
            [] => "",
            lines => {
                fs::write(folder.join("labels.txt"), lines.join("\n") + "\n").unwrap();
                "\n[labels]\nfile = \"labels.txt\"\n"
            }
        };
        let package = format!(
            "format = 2\n\n[package]\nname = \"{}\"\nversion = \"1\"\n\n[model]\nfiles = [{{ path = \
             \"model.onnx\" }}]\n{}{labels}",
            self.name, self.tables
        );
        fs::write(folder.join("boxwright.toml"), package).unwrap();
        let samples = self.samples.iter();
        let run = sandbox
            .boxwright([
                "preview", "--format", "json", "--device", "cpu", "--top-k", "10",
            ])
            .arg(&folder)
            .args(samples.map(|sample| data.join("photos").join(sample)))
            .run()
            .ok();
        let reference = fs::read_to_string(data.join(self.name).join("reference.json")).unwrap();
        let reference: Value = serde_json::from_str(&reference).unwrap();
        let results = run.json()["results"].as_array().unwrap().clone();
        let expected = reference["results"].as_array().unwrap().clone();
        assert_eq!(results.len(), self.samples.len());
        let pairs = results.into_iter().map(|result| {
            let same = |one: &&Value| one["sample"] == result["sample"];
            let expected = expected.iter().find(same).unwrap().clone();
            (result, expected)
        });
        pairs.collect()
    }
}

fn data() -> PathBuf {
    programs::checkout().join("tests/data/tasks")
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value
        .as_array()
        .unwrap_or_else(|| panic!("no list: {value}"));
    list.iter().map(|number| number.as_f64().unwrap()).collect()
}

#[track_caller]
fn close(one: &[f64], other: &[f64], tolerance: f64, what: &str) {
    assert_eq!(one.len(), other.len(), "{what}");
    for (one, other) in one.iter().zip(other) {
        assert!(
            (one - other).abs() <= tolerance,
            "{what}: {one}, not {other}"
        );
    }
}

/// Classes with their scores.
#[track_caller]
fn same_classes(result: &Value, expected: &[(String, f64)]) {
    let found: BTreeMap<&str, f64> = result["classPredictions"]
        .as_array()
        .unwrap_or_else(|| panic!("{result}"))
        .iter()
        .map(|one| {
            (
                one["class"].as_str().unwrap(),
                one["score"].as_f64().unwrap(),
            )
        })
        .collect();
    for (class, score) in expected {
        let off = (found[&**class] - score).abs();
        assert!(off < 1e-5, "{}: {class}: {found:?}", result["sample"]);
    }
}

fn class_predictions(expected: &Value) -> Vec<(String, f64)> {
    let list = expected["classPredictions"].as_array().unwrap().iter();
    let class = |one: &Value| {
        let name = one["class"].as_str().unwrap().to_owned();
        (name, one["score"].as_f64().unwrap())
    };
    list.map(class).collect()
}

#[test]
fn transformers_vit_classifies_as_its_image_processor_feeds_it() {
    let model = Model {
        name: "hf-vit-cls",
        labels: &LABELS,
        tables: r#"
[[input]]
name = "pixel_values"
kind = "image"
width = 224
height = 224

[preprocess]
resize = "stretch"
filter = "torchvision-bilinear"
mean = [127.5]
std = [127.5]

[postprocess]
task = "classification"
"#,
        samples: &["chelsea.png", "odd.jpg", "grey.png"],
    };
    for (result, expected) in model.predict(&Sandbox::new()) {
        same_classes(&result, &class_predictions(&expected));
    }
}

#[test]
fn timm_s_transform_of_a_model_is_a_short_side_and_a_crop() {
    let model = Model {
        name: "timm-test-vit-cls",
        labels: &LABELS,
        tables: r#"
[[input]]
name = "x"
kind = "image"
width = 160
height = 160

[preprocess]
resize = "short-side"
size = 168
filter = "bicubic"
crop = "center"
mean = [127.5]
std = [127.5]

[postprocess]
task = "classification"
"#,
        samples: &["chelsea.png", "odd.jpg", "grey.png"],
    };
    for (result, expected) in model.predict(&Sandbox::new()) {
        same_classes(&result, &class_predictions(&expected));
    }
}

/// The photos' own size after resizing, and a mask of ones beside them. The library keeps the order
/// of queries, and a prediction falls by score.
#[test]
fn transformers_detr_detects_the_same_boxes() {
    let model = Model {
        name: "hf-detr-det",
        labels: &LABELS,
        tables: r#"
[[input]]
name = "pixel_values"
kind = "image"

[[input]]
name = "pixel_mask"
kind = "mask"

[preprocess]
resize = "short-side"
size = 800
max_size = 1333
long_side = "detr"
filter = "torchvision-bilinear"
mean = [123.675, 116.28, 103.53]
std = [58.395, 57.12, 57.375]

[postprocess]
task = "detection"
decoder = "detr"
score_threshold = 0.565
"#,
        samples: &["chelsea.png", "odd.jpg"],
    };
    for (result, expected) in model.predict(&Sandbox::new()) {
        same_detections(&result, &expected);
    }
}

#[test]
fn tensorflow_s_layout_has_rows_first_and_classes_from_one() {
    let model = Model {
        name: "tf-ssd-layout-det",
        labels: &["cat", "remote", "couch"],
        tables: r#"
[[input]]
name = "image_tensor:0"
kind = "image"
layout = "NHWC"
dtype = "u8"
width = 320
height = 320

[preprocess]
resize = "stretch"
filter = "bilinear"

[postprocess]
task = "detection"
decoder = "ssd-tf"
"#,
        samples: &["chelsea.png", "odd.jpg"],
    };
    for (result, expected) in model.predict(&Sandbox::new()) {
        same_detections(&result, &expected);
        for detection in result["detections"].as_array().unwrap() {
            let index = usize::try_from(detection["index"].as_u64().unwrap()).unwrap();
            assert_eq!(detection["class"], ["cat", "remote", "couch"][index - 1]);
        }
    }
}

#[track_caller]
fn same_detections(result: &Value, expected: &Value) {
    let found = result["detections"]
        .as_array()
        .unwrap_or_else(|| panic!("{result}"));
    let mut expected = expected["detections"].as_array().unwrap().clone();
    let score = |one: &Value| one["score"].as_f64().unwrap();
    expected.sort_by(|a, b| score(b).total_cmp(&score(a)));
    assert_eq!(found.len(), expected.len(), "{}", result["sample"]);
    for (one, other) in found.iter().zip(&expected) {
        assert_eq!(one["index"], other["index"]);
        assert!((score(one) - score(other)).abs() < 1e-5, "{one} {other}");
        close(&numbers(&one["box"]), &numbers(&other["box"]), 1e-3, "box");
    }
}

/// As many pixels of each class, but for those where two classes are as good as equal.
#[test]
fn transformers_segformer_gives_the_same_classes_to_pixels() {
    let model = Model {
        name: "hf-segformer-seg",
        labels: &LABELS,
        tables: r#"
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
task = "segmentation"
"#,
        samples: &["chelsea.png", "odd.jpg"],
    };
    for (result, expected) in model.predict(&Sandbox::new()) {
        let found = &result["segmentation"];
        assert_eq!(found["width"], expected["width"]);
        assert_eq!(found["height"], expected["height"]);
        let count = |list: &Value| -> BTreeMap<String, i64> {
            let list = list.as_array().unwrap().iter();
            let class = |one: &Value| {
                (
                    one["class"].as_str().unwrap().to_owned(),
                    one["pixels"].as_i64().unwrap(),
                )
            };
            list.map(class).collect()
        };
        let (found, expected_counts) = (count(&found["classes"]), count(&expected["segmentation"]));
        let all = found.keys().chain(expected_counts.keys());
        let of =
            |counts: &BTreeMap<String, i64>, class: &str| counts.get(class).copied().unwrap_or(0);
        let off: i64 = all
            .map(|class| (of(&found, class) - of(&expected_counts, class)).abs())
            .sum();
        let unsure = expected["pixels_with_margin_under_1e-4"].as_i64().unwrap();
        // Each class is there twice, and so is each pixel.
        assert!(
            off <= 4 * unsure,
            "{off} pixels are off: {found:?}, not {expected_counts:?}"
        );
    }
}

#[test]
fn transformers_clip_embeds_as_its_image_processor_feeds_it() {
    let model = Model {
        name: "hf-clip-embed",
        labels: &[],
        tables: r#"
[[input]]
name = "pixel_values"
kind = "image"
width = 224
height = 224

[preprocess]
resize = "short-side"
size = 224
filter = "torchvision-bicubic"
crop = "center-floor"
mean = [122.7709383, 116.7460125, 104.09373615]
std = [68.5005327, 66.6321579, 70.32316305]

[postprocess]
task = "embedding"
output = "image_embeds"
"#,
        samples: &["chelsea.png", "odd.jpg", "grey.png"],
    };
    for (result, expected) in model.predict(&Sandbox::new()) {
        let values = numbers(&result["embedding"]["values"]);
        close(&values, &numbers(&expected["embedding"]), 1e-5, "embedding");
        let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        close(
            &[norm],
            &[result["embedding"]["norm"].as_f64().unwrap()],
            1e-4,
            "norm",
        );
    }
}

/// Padded on the right, after normalising.
#[test]
fn rapidocr_s_text_direction_has_the_same_scores() {
    let model = Model {
        name: "ppocr-cls-real",
        labels: &["0", "180"],
        tables: r#"
[[input]]
name = "x"
kind = "image"
width = 192
height = 48

[preprocess]
decode = "opencv"
resize = "letterbox"
align = "top-left"
long_side = "ceil"
pad = [0, 0, 0]
pad_normalised = 0.0
filter = "opencv-linear"
channels = "bgr"
mean = [127.5]
std = [127.5]

[postprocess]
task = "classification"
activation = "none"
"#,
        samples: &["text.png", "invoice.jpg", "invoice180.jpg"],
    };
    for (result, expected) in model.predict(&Sandbox::new()) {
        let scores = expected["scores"].as_object().unwrap().iter();
        let scores: Vec<_> = scores
            .map(|(class, score)| (class.clone(), score.as_f64().unwrap()))
            .collect();
        same_classes(&result, &scores);
    }
}

/// Three inputs, of which one has no axes and another's batch is its second.
#[test]
fn silero_s_voice_activity_takes_its_own_tensors() {
    let model = Model {
        name: "silero-vad-real",
        labels: &[],
        tables: r#"
[[input]]
name = "input"
kind = "tensor"

[[input]]
name = "state"
kind = "tensor"

[[input]]
name = "sr"
kind = "tensor"

[postprocess]
task = "raw"
"#,
        samples: &["chunk0.npz", "chunk1.npz", "chunk2.npz"],
    };
    for (result, expected) in model.predict(&Sandbox::new()) {
        let outputs = &result["outputs"];
        assert!(outputs.is_object(), "{result}");
        let output = numbers(&outputs["output"]["data"]);
        close(&output, &numbers(&expected["output"][0]), 1e-5, "output");
        let state = numbers(&outputs["stateN"]["data"]);
        assert_eq!(state.len(), 256);
        close(
            &state[..8],
            &numbers(&expected["stateN"]["first8"]),
            1e-4,
            "state",
        );
    }
}

/// A package that `tests/python/tasks` wrote.
#[derive(Deserialize)]
struct Case {
    name: String,
    samples: Vec<String>,
}

#[test]
fn outputs_of_every_layout_are_decoded_as_their_libraries_decode_them() {
    let python = need!(venv::environment("vision"));
    let sandbox = Sandbox::new();
    let folder = sandbox.path("work/cases");
    let scripts = programs::checkout().join("tests/python/tasks");
    run_python(&python, &scripts.join("make.py"), &folder, &[]);
    let cases = fs::read_to_string(folder.join("cases.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&cases).unwrap();
    assert!(cases.len() >= 30, "{} cases", cases.len());
    for case in &cases {
        let photos = case.samples.iter();
        let run = sandbox
            .boxwright(["preview", "--format", "json", "--device", "cpu"])
            .args(["--batch-size", "4"])
            .arg(folder.join(&case.name))
            .args(photos.map(|sample| folder.join("photos").join(sample)))
            .run();
        fs::write(folder.join(&case.name).join("predicted.json"), &run.stdout).unwrap();
    }
    let names: Vec<&str> = cases.iter().map(|case| &*case.name).collect();
    let wrong = run_python(&python, &scripts.join("compare.py"), &folder, &names);
    assert!(wrong.trim().is_empty(), "{wrong}");
}

/// What a script prints.
fn run_python(python: &Path, script: &Path, folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(python);
    command.arg(script).arg(folder).args(arguments);
    // Nothing is looked for on the network.
    let output = command.env("HF_HUB_OFFLINE", "1").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout).unwrap()
}
