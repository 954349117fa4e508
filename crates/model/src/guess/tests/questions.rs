//! What is asked, and of which models.

use boxwright_onnx_writer::Axis::{self, Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::Float;
use boxwright_onnx_writer::Model;

use super::models::{Texts, proto, ultralytics};
use crate::guess::{Question, package, question};
use crate::inspect;
use crate::package::{Channels, Decoder, LoadedPackage, Range, Task};
use crate::testing::write;

/// What is asked about a model in a folder of this name; every answer is a package that fits it.
fn asked(name: &str, model: &Model, files: Texts) -> Option<Question> {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().canonicalize().unwrap().join(name);
    std::fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let model = inspect(&write(&folder, "model.onnx", model)).unwrap();
    let guessed = package(&model, &folder).unwrap().package;
    let question = question(&model, &folder, &guessed)?;
    assert_eq!(question.choices[0].package, guessed, "the guess is first");
    for choice in &question.choices {
        let loaded = LoadedPackage::from_parts(choice.package.clone(), &folder).unwrap();
        let problems = loaded.problems(&model.summary.signature);
        assert_eq!(problems, [], "{}", choice.name);
    }
    Some(question)
}

fn of(side: i64, output: &[Axis], metadata: Texts) -> Model {
    let picture = [D("N"), F(3), F(side), F(side)];
    proto(
        &[("x", Float, &picture[..])],
        &[("y", Float, output)],
        metadata,
    )
}

#[test]
fn a_classifier_that_says_nothing_of_its_pixels_is_asked_about() {
    let model = of(224, &[D("N"), F(10)], &[]);
    let question = asked("net", &model, &[]).unwrap();
    assert!(question.choices.len() >= 5);
    let blue = |one: &crate::guess::Choice| one.package.preprocess.channels == Channels::Bgr;
    assert!(question.choices.iter().any(blue));
    let means = question.choices.iter().map(|one| {
        let preprocess = &one.package.preprocess;
        format!(
            "{:?} {:?} {:?}",
            preprocess.mean, preprocess.std, preprocess.channels
        )
    });
    let means: std::collections::BTreeSet<String> = means.collect();
    assert_eq!(means.len(), question.choices.len(), "no two are the same");
}

#[test]
fn what_lies_beside_a_model_or_in_it_leaves_nothing_to_ask() {
    let model = of(224, &[D("N"), F(10)], &[]);
    let processor = r#"{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "do_normalize": true,
        "do_rescale": true, "size": {"height": 224, "width": 224}, "do_resize": true}"#;
    assert_eq!(
        asked("net", &model, &[("preprocessor_config.json", processor)]),
        None
    );
    let range = [("Image.NominalPixelRange", "NominalRange_0_255")];
    assert_eq!(asked("net", &of(224, &[D("N"), F(10)], &range), &[]), None);
    let yolo = ultralytics("detect", &[]);
    assert_eq!(
        asked("net", &of(640, &[F(1), F(8), F(8400)], &yolo), &[]),
        None
    );
    assert_eq!(
        asked("yolov8n", &of(640, &[F(1), F(84), F(8400)], &[]), &[]),
        None
    );
}

#[test]
fn rows_with_several_readings_are_asked_about() {
    let question = asked("net", &of(640, &[F(1), F(300), F(6)], &[]), &[]).unwrap();
    let decoders: Vec<_> = question
        .choices
        .iter()
        .map(|one| one.package.postprocess.decoder)
        .collect();
    let (pixels, parts) = (Some(Decoder::EndToEnd), Some(Decoder::RtDetr));
    assert_eq!(decoders, [pixels, parts, parts]);

    let question = asked("net", &of(640, &[F(1), F(56), F(8400)], &[]), &[]).unwrap();
    let tasks: Vec<Task> = question
        .choices
        .iter()
        .map(|one| one.package.postprocess.task)
        .collect();
    assert_eq!(tasks, [Task::Detection, Task::Pose]);
}

#[test]
fn one_number_a_pixel_may_be_a_matte_classes_or_a_measure() {
    let plane = of(256, &[D("N"), F(1), F(256), F(256)], &[]);
    let question = asked("net", &plane, &[]).unwrap();
    let meanings: Vec<(Task, Range)> = question
        .choices
        .iter()
        .map(|one| (one.package.postprocess.task, one.package.postprocess.range))
        .collect();
    assert_eq!(
        meanings,
        [
            (Task::Matte, Range::Unit),
            (Task::Segmentation, Range::Unit),
            (Task::Matte, Range::MinMax),
        ]
    );
    assert_eq!(asked("u2net", &plane, &[]), None);
}
