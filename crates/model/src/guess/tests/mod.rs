use std::fs;
use std::path::Path;

use boxwright_onnx_writer::Axis::{Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::{Float, Float16, Int64, Uint8};
use boxwright_onnx_writer::{Axis, ElementType, Graph, Model, Node, Tensor, Value};

use super::{Guessed, Preset, package};
use crate::inspect;
use crate::package::{
    Activation, Channels, ImageDtype, InputKind, Layout, LoadedPackage, Task, open_any,
};
use crate::testing::{classifier, model, write};

mod config;
mod detectors;
mod exports;
mod models;
mod preset;
mod questions;
mod samples;
mod tasks;

/// The guess for a model in a folder of this name, with files beside it.
fn guess(folder_name: &str, proto: &Model, files: &[(&str, &str)]) -> Guessed {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().canonicalize().unwrap().join(folder_name);
    fs::create_dir(&folder).unwrap();
    for (name, text) in files {
        fs::write(folder.join(name), text).unwrap();
    }
    let path = write(&folder, "model.onnx", proto);
    let guessed = package(&inspect(&path).unwrap(), &folder).unwrap();
    assert_eq!(
        guessed
            .package
            .problems(Some(&inspect(&path).unwrap().summary.signature)),
        []
    );
    let signature = inspect(&path).unwrap().summary.signature;
    let loaded = LoadedPackage::from_parts(guessed.package.clone(), &folder).unwrap();
    assert_eq!(loaded.problems(&signature), []);
    for (field, reason) in &guessed.reasons {
        assert!(!reason.is_empty(), "{field} has no reason");
    }
    guessed
}

fn taking(element: ElementType, axes: &[Axis], output: &[Axis]) -> Model {
    model(
        Graph::new()
            .node(Node::new("Gemm", &["x"], &["y"]))
            .input(Value::tensor("x", element, axes))
            .output(Value::tensor("y", Float, output)),
    )
}

fn reason<'a>(guessed: &'a Guessed, field: &str) -> &'a str {
    let found = guessed.reasons.iter().find(|(name, _)| name == field);
    &found
        .unwrap_or_else(|| panic!("{field}: {:?}", guessed.reasons))
        .1
}

fn lines(count: usize) -> String {
    (0..count).map(|index| format!("class {index}\n")).collect()
}

#[test]
fn the_sample_is_guessed_as_its_reference_has_it() {
    let sample = "../../samples/efficientnet-lite0";
    let sample = fs::canonicalize(sample).unwrap();
    let found = inspect(&sample.join("model.onnx")).unwrap();
    let guessed = package(&found, &sample).unwrap();
    let written = LoadedPackage::open(&sample).unwrap().package;
    let mut expected = written.clone();
    expected.model.files[0].sha256 = None;
    expected.package.description = String::new();
    assert_eq!(guessed.package, expected);
    assert_eq!(Preset::of(&written), Some(Preset::EfficientnetLite));
}

#[test]
fn inputs_are_told_apart() {
    let classes = || [D("batch"), F(10)];
    for (element, axes, kind, layout, dtype) in [
        (
            Float,
            vec![D("n"), F(3), F(96), F(128)],
            InputKind::Image,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            Float16,
            vec![D("n"), F(1), D("h"), D("w")],
            InputKind::Image,
            Layout::Nchw,
            ImageDtype::F16,
        ),
        (
            Uint8,
            vec![F(1), F(96), F(128), F(3)],
            InputKind::Image,
            Layout::Nhwc,
            ImageDtype::U8,
        ),
        (
            Float,
            vec![D("n"), F(28), F(28), F(1)],
            InputKind::Image,
            Layout::Nhwc,
            ImageDtype::F32,
        ),
        (
            Float,
            vec![D("n"), F(12)],
            InputKind::Tensor,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            Int64,
            vec![D("n"), F(3), F(96), F(96)],
            InputKind::Tensor,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            Float,
            vec![D("n"), F(64), F(7), F(7)],
            InputKind::Tensor,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            Float,
            vec![D(""), D(""), D(""), D("")],
            InputKind::Tensor,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            Float,
            vec![F(3), F(224), F(224)],
            InputKind::Image,
            Layout::Nchw,
            ImageDtype::F32,
        ),
    ] {
        let guessed = guess("m", &taking(element, &axes, &classes()), &[]);
        let input = &guessed.package.input[0];
        assert_eq!(
            (input.kind, input.layout, input.dtype),
            (kind, layout, dtype)
        );
        let image = kind == InputKind::Image;
        assert_eq!(
            guessed.package.postprocess.task == Task::Classification,
            image
        );
        assert_eq!(input.width.is_some(), image);
    }
}

#[test]
fn sizes_come_from_the_model_then_its_name() {
    let dynamic = taking(Float, &[D("n"), F(3), D("h"), D("w")], &[D("n"), F(10)]);
    let fixed = taking(Float, &[D("n"), F(3), F(96), F(128)], &[D("n"), F(10)]);
    for (name, proto, width, height, size) in [
        ("vit_base_patch16_384", &dynamic, 384, 384, 439),
        ("inception_v3", &dynamic, 299, 299, 342),
        ("resnet50", &dynamic, 224, 224, 256),
        ("resnet50_320", &fixed, 128, 96, 147),
    ] {
        let guessed = guess(name, proto, &[]);
        let input = &guessed.package.input[0];
        assert_eq!(
            (input.width, input.height),
            (Some(width), Some(height)),
            "{name}"
        );
        assert_eq!(guessed.package.preprocess.size, Some(size), "{name}");
    }
}

#[test]
fn a_size_that_the_model_leaves_open_is_guessed_with_its_reason() {
    let open = |metadata: &[(&str, &str)], height, width| {
        let graph = Graph::new()
            .node(Node::new("Gemm", &["x"], &["y"]))
            .input(Value::tensor("x", Float, &[D("n"), F(3), height, width]))
            .output(Value::tensor("y", Float, &[D("n"), F(10)]));
        let add = |model: Model, (key, text): &(&str, &str)| model.metadata(key, text);
        metadata.iter().fold(model(graph), add)
    };
    let (yolo, detect, classify) = (
        ("author", "Ultralytics"),
        ("task", "detect"),
        ("task", "classify"),
    );
    let any = |metadata: &[(&str, &str)]| open(metadata, D("h"), D("w"));
    for (proto, name, width, height, why) in [
        (any(&[]), "m", 224, 224, "takes any size"),
        (
            any(&[("imgsz", "[160, 320]")]),
            "net_384",
            320,
            160,
            "says 320 × 160",
        ),
        (
            any(&[yolo, detect, ("imgsz", "480")]),
            "m",
            480,
            480,
            "says 480",
        ),
        (any(&[yolo, detect]), "m", 640, 640, "mostly trained on 640"),
        (any(&[yolo, classify]), "m", 224, 224, "trained on 224"),
        (
            any(&[("imgsz", "[0, 99999999]")]),
            "m",
            224,
            224,
            "takes any size",
        ),
        (any(&[("imgsz", "large")]), "m", 224, 224, "takes any size"),
        (
            open(&[], F(320), D("w")),
            "m",
            320,
            320,
            "fixes the other side at 320",
        ),
    ] {
        let guessed = guess(name, &proto, &[]);
        let input = &guessed.package.input[0];
        let found = (input.width, input.height);
        assert_eq!(found, (Some(width), Some(height)), "{why}");
        let reason = reason(&guessed, "input.0.width");
        assert!(reason.contains(why), "{reason} is not {why}");
    }
}

#[test]
fn presets_follow_where_the_model_comes_from() {
    let nchw = || [D("n"), F(3), F(224), F(224)];
    let pytorch = taking(Float, &nchw(), &[D("n"), F(10)]);
    let bytes = taking(Uint8, &nchw(), &[D("n"), F(10)]);
    let grey = taking(Float, &[D("n"), F(1), F(28), F(28)], &[D("n"), F(10)]);
    let nhwc = taking(Float, &[D("n"), F(224), F(224), F(3)], &[D("n"), F(10)]);
    for (proto, folder, preset, channels) in [
        (&pytorch, "resnet", Preset::Imagenet, Channels::Rgb),
        (
            &pytorch,
            "efficientnet-lite4",
            Preset::EfficientnetLite,
            Channels::Rgb,
        ),
        (&pytorch, "mobilenet-keras", Preset::Tf, Channels::Rgb),
        (&bytes, "m", Preset::Raw, Channels::Rgb),
        (&grey, "mnist", Preset::Unit, Channels::Grey),
        (&nhwc, "m", Preset::Tf, Channels::Rgb),
    ] {
        let guessed = guess(folder, proto, &[]).package;
        let preprocess = &guessed.preprocess;
        assert_eq!(
            Preset::of(&guessed),
            Some(preset),
            "{folder}: {preprocess:?}"
        );
        assert_eq!(preprocess.channels, channels, "{folder}");
        assert_eq!(
            preprocess.mean.len(),
            if channels == Channels::Grey { 1 } else { 3 }
        );
    }
}

#[test]
fn outputs_are_told_apart() {
    let image = || [D("n"), F(3), F(224), F(224)];
    for (output, task) in [
        (vec![D("n"), F(1000)], Task::Classification),
        (vec![D("n"), D("classes")], Task::Classification),
        (vec![F(1), F(1000), F(1), F(1)], Task::Classification),
        (vec![D("n"), F(1)], Task::Raw),
        (vec![D("n"), F(84), F(8400)], Task::Raw),
        (vec![F(1000)], Task::Raw),
    ] {
        assert_eq!(
            guess("m", &taking(Float, &image(), &output), &[])
                .package
                .postprocess
                .task,
            task
        );
    }
    let named = model(
        Graph::new()
            .input(Value::tensor("x", Float, &image()))
            .output(Value::tensor("image_embeds", Float, &[D("n"), F(512)])),
    );
    let embedding = guess("m", &named, &[]).package.postprocess;
    assert_eq!(embedding.task, Task::Embedding);
    let detector = taking(Float, &image(), &[D("n"), F(10)]).metadata("task", "detect");
    let guessed = guess("m", &detector, &[]);
    assert_eq!(guessed.package.postprocess.task, Task::Raw);
    assert!(reason(&guessed, "postprocess.task").contains("`detect`"));
}

#[test]
fn the_activation_is_what_the_model_leaves_out() {
    for (last, activation) in [
        ("Gemm", Activation::Softmax),
        ("Softmax", Activation::None),
        ("Sigmoid", Activation::None),
        ("LogSoftmax", Activation::Softmax),
    ] {
        let guessed = guess("m", &model(classifier(10, last)), &[]);
        assert_eq!(guessed.package.postprocess.activation, activation, "{last}");
    }
    let several = [(
        "config.json",
        r#"{"problem_type": "multi_label_classification"}"#,
    )];
    let guessed = guess("m", &model(classifier(10, "Gemm")), &several);
    assert_eq!(guessed.package.postprocess.activation, Activation::Sigmoid);
}

#[test]
fn labels_with_the_right_count_are_taken() {
    let ten = model(classifier(10, "Gemm"));
    let (right, wrong) = (lines(10), lines(9));
    let file = |files: &[(&str, &str)], proto| {
        guess("m", proto, files)
            .package
            .labels
            .map(|labels| labels.file)
    };
    assert_eq!(file(&[("labels.txt", &right)], &ten).unwrap(), "labels.txt");
    assert_eq!(
        file(&[("labels.txt", &wrong), ("coco.names", &right)], &ten).unwrap(),
        "coco.names"
    );
    assert_eq!(
        file(&[("labels.txt", &wrong), ("readme.txt", &right)], &ten),
        None
    );
    let id2label = (0..10)
        .map(|id| format!("\"{id}\": \"c{id}\""))
        .collect::<Vec<_>>()
        .join(",");
    let config = format!("{{\"id2label\": {{{id2label}}}}}");
    assert_eq!(
        file(&[("config.json", &config)], &ten).unwrap(),
        "labels.txt"
    );
    let config = config.replace("\"c", "\"LABEL_");
    assert_eq!(file(&[("config.json", &config)], &ten), None);
    let names = format!(
        "{{{}}}",
        (0..10)
            .map(|i| format!("{i}: 'n{i}'"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    let named = model(classifier(10, "Gemm")).metadata("names", &names);
    assert_eq!(file(&[], &named).unwrap(), "labels.txt");
    assert_eq!(
        file(&[("labels.txt", &wrong)], &named).unwrap(),
        "class-labels.txt"
    );
}

#[test]
fn labels_of_the_model_are_written_when_saving() {
    let folder = tempfile::tempdir().unwrap();
    let named = model(classifier(2, "Gemm")).metadata("names", "{0: 'cat', 1: 'dog'}");
    let path = write(folder.path(), "pets.onnx", &named);
    let (loaded, _, reasons) = open_any(&path).unwrap();
    assert_eq!(loaded.labels.as_ref().unwrap(), &["cat", "dog"]);
    assert!(!reasons.is_empty());
    loaded.save().unwrap();
    assert_eq!(
        fs::read_to_string(folder.path().join("labels.txt")).unwrap(),
        "cat\ndog\n"
    );
    let (opened, _, reasons) = open_any(folder.path()).unwrap();
    assert_eq!(opened.labels, loaded.labels);
    assert_eq!(opened.package.package.name, "pets");
    assert_eq!(reasons, []);
}

#[test]
fn a_fixed_batch_and_external_data_are_kept() {
    let guessed = guess(
        "m",
        &taking(Float, &[F(4), F(3), F(8), F(8)], &[F(4), F(10)]),
        &[],
    );
    assert_eq!(guessed.package.batch.max_size, 4);
    assert_eq!(
        reason(&guessed, "batch.max_size"),
        "the model takes batches of 4 only"
    );
    let outside = Tensor::float("w", &[1]).external(&[("location", "w.bin")]);
    let proto = model(classifier(10, "Gemm").initializer(outside));
    let guessed = guess("m", &proto, &[("w.bin", "1234")]);
    let files: Vec<&str> = guessed
        .package
        .model
        .files
        .iter()
        .map(|f| f.path.as_str())
        .collect();
    assert_eq!(files, ["model.onnx", "w.bin"]);
}

#[test]
fn names_come_from_the_file_or_its_folder() {
    let named = |folder: &Path, file: &str| {
        fs::create_dir_all(folder).unwrap();
        let path = write(folder, file, &model(classifier(10, "Gemm")));
        package(&inspect(&path).unwrap(), folder)
            .unwrap()
            .package
            .package
            .name
    };
    let parent = tempfile::tempdir().unwrap();
    let parent = parent.path().canonicalize().unwrap();
    assert_eq!(named(&parent.join("My Cats!"), "model.onnx"), "my-cats");
    assert_eq!(
        named(&parent.join("My Cats!"), "model_quantized.onnx"),
        "my-cats"
    );
    assert_eq!(
        named(&parent.join("x"), "ResNet 50 (v2).onnx"),
        "resnet-50-v2"
    );
}
