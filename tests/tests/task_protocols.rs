//! The same package by every door: what the preview shows is what the container answers, for every
//! task and by every protocol, and what `/openapi.json` describes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test's panic is its report"
)]

use std::fs;

use boxwright_tests::Sandbox;
use boxwright_tests::serving::Serving;
use boxwright_tests::task_models::{TASKS, TaskPackage};
use serde_json::Value;

/// The preview's results, without the names of the samples.
fn preview(sandbox: &Sandbox, package: &TaskPackage) -> Vec<Value> {
    let command = sandbox
        .boxwright(["preview", "--format", "json", "--device", "cpu"])
        .arg(&package.folder)
        .args(&package.samples);
    let results = command.run().ok().json()["results"].clone();
    let results = results.as_array().unwrap().iter().map(|result| {
        let mut result = result.clone();
        assert!(result.as_object_mut().unwrap().remove("sample").is_some());
        result
    });
    results.collect()
}

/// Numbers have no tolerance: every protocol carries the same JSON, in which a number has the fewest
/// digits that give it back.
fn same_by_all(task: (&'static str, &'static str)) {
    let sandbox = Sandbox::new();
    let package = TaskPackage::write(&sandbox, task);
    let expected = preview(&sandbox, &package);
    assert_eq!(expected.len(), package.samples.len());
    for result in &expected {
        let keys: Vec<&String> = result.as_object().unwrap().keys().collect();
        assert_eq!(keys, [package.key], "{result}");
    }
    assert_ne!(
        expected[0], expected[1],
        "every sample has an answer of its own"
    );
    assert_is_of(&package, &expected);
    let serving = Serving::start(&sandbox, &package.folder, &package.name());
    let samples: Vec<Vec<u8>> = package
        .samples
        .iter()
        .map(|file| fs::read(file).unwrap())
        .collect();
    for (protocol, results) in serving.by_all(&samples) {
        assert_eq!(results, expected, "{}: {protocol}", package.task);
    }
    is_as_described(&serving, &samples, package.task);
}

/// The results have what the task adds, so that it is compared.
fn assert_is_of(package: &TaskPackage, results: &[Value]) {
    let (list, fields): (&[Value], &[&str]) = match package.key {
        "detections" => {
            let list = results[0]["detections"].as_array().unwrap();
            let more = match package.task {
                "rotated-detection" => "polygon",
                "pose" => "keypoints",
                "instance-segmentation" => "mask",
                _ => "index",
            };
            (list, &["class", "index", "score", "box", more])
        }
        "segmentation" => {
            let fields = &["width", "height", "classes", "mask"];
            (std::slice::from_ref(&results[0]["segmentation"]), fields)
        }
        "embedding" => (
            std::slice::from_ref(&results[0]["embedding"]),
            &["values", "norm"],
        ),
        "text" => {
            assert!(results[0]["text"]["value"].as_str().unwrap().len() > 3);
            (
                std::slice::from_ref(&results[0]["text"]),
                &["value", "score"],
            )
        }
        _ => return,
    };
    assert!(!list.is_empty(), "{}: nothing to compare", package.task);
    for one in list {
        for field in fields {
            assert!(
                !one[field].is_null(),
                "{}: no {field} in {one}",
                package.task
            );
        }
    }
}

/// The answers of the server fit the schemas of its document, and its example does.
fn is_as_described(serving: &Serving, samples: &[Vec<u8>], task: &str) {
    let document = serving.get("/openapi.json");
    let check = |schema: &str, answer: &Value| {
        let mut root = document.clone();
        root["$ref"] = format!("#/components/schemas/{schema}").into();
        let validator = jsonschema::draft202012::new(&root).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(answer)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .take(3)
            .collect();
        assert!(wrong.is_empty(), "{task}: {schema}: {wrong:?}");
    };
    let broken = vec![b"no sample".to_vec()];
    for samples in [samples, &broken] {
        let answer = serving.predict(samples);
        check("Predictions", &answer);
        let v1 = serving.v1(samples);
        check("V1Response", &v1);
        check("Predictions", &v1);
        let v2 = serving.v2(samples);
        check("InferResponse", &v2);
        for text in v2["outputs"][0]["data"].as_array().unwrap() {
            let result: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
            check("Prediction", &result);
        }
    }
    let schema = &document["components"]["schemas"]["Predictions"];
    let example = &schema["examples"][0];
    check("Predictions", example);
    let real = serving.predict(samples);
    let keys = |answer: &Value| {
        let first = answer["predictions"][0].as_object().unwrap();
        first.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        keys(example),
        keys(&real),
        "{task}: the example is of the task"
    );
    // The document is this package's: another task's result does not fit it.
    for (_, other) in TASKS {
        let mut foreign = example.clone();
        let first = foreign["predictions"][0].as_object_mut().unwrap();
        let value = first.values().next().unwrap().clone();
        first.clear();
        first.insert(other.to_owned(), value);
        let root = {
            let mut root = document.clone();
            root["$ref"] = "#/components/schemas/Predictions".into();
            root
        };
        let fits = jsonschema::draft202012::is_valid(&root, &foreign);
        assert_eq!(fits, keys(example) == [other], "{task}: {other}");
    }
}

macro_rules! every_task {
    ($($name:ident: $place:literal,)*) => {$(
        #[test]
        fn $name() {
            same_by_all(TASKS[$place]);
        }
    )*};
}

every_task! {
    a_classification_is_the_same_by_all_protocols: 0,
    a_detection_is_the_same_by_all_protocols: 1,
    rotated_boxes_are_the_same_by_all_protocols: 2,
    a_pose_is_the_same_by_all_protocols: 3,
    instance_masks_are_the_same_by_all_protocols: 4,
    a_segmentation_is_the_same_by_all_protocols: 5,
    a_matte_is_the_same_by_all_protocols: 6,
    an_embedding_is_the_same_by_all_protocols: 7,
    a_text_is_the_same_by_all_protocols: 8,
    raw_outputs_are_the_same_by_all_protocols: 9,
}
