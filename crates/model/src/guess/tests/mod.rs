use std::fs;
use std::path::Path;

use super::{Guessed, Preset, package};
use crate::inspect;
use crate::package::{
    Activation, Channels, ImageDtype, InputKind, Layout, LoadedPackage, Task, open_any,
};
use crate::testing::Axis::{D, F};
use crate::testing::{Axis, Proto, classifier, model, node, pair, value, write};

mod config;

/// The guess for a model in a folder of this name, with files beside it.
fn guess(folder_name: &str, proto: &Proto, files: &[(&str, &str)]) -> Guessed {
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
    guessed
}

fn taking(element: i64, axes: &[Axis], output: &[Axis]) -> Proto {
    model(
        Proto::new()
            .message(1, node("Gemm", &["x"], &["y"]))
            .message(11, value("x", element, axes))
            .message(12, value("y", 1, output)),
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
    assert_eq!(
        Preset::of(&written.preprocess),
        Some(Preset::EfficientnetLite)
    );
}

#[test]
fn inputs_are_told_apart() {
    let classes = || [D("batch"), F(10)];
    for (element, axes, kind, layout, dtype) in [
        (
            1,
            vec![D("n"), F(3), F(96), F(128)],
            InputKind::Image,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            10,
            vec![D("n"), F(1), D("h"), D("w")],
            InputKind::Image,
            Layout::Nchw,
            ImageDtype::F16,
        ),
        (
            2,
            vec![F(1), F(96), F(128), F(3)],
            InputKind::Image,
            Layout::Nhwc,
            ImageDtype::U8,
        ),
        (
            1,
            vec![D("n"), F(28), F(28), F(1)],
            InputKind::Image,
            Layout::Nhwc,
            ImageDtype::F32,
        ),
        (
            1,
            vec![D("n"), F(12)],
            InputKind::Tensor,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            7,
            vec![D("n"), F(3), F(96), F(96)],
            InputKind::Tensor,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            1,
            vec![D("n"), F(64), F(7), F(7)],
            InputKind::Tensor,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            1,
            vec![D(""), D(""), D(""), D("")],
            InputKind::Tensor,
            Layout::Nchw,
            ImageDtype::F32,
        ),
        (
            1,
            vec![F(3), F(224), F(224)],
            InputKind::Tensor,
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
    let dynamic = taking(1, &[D("n"), F(3), D("h"), D("w")], &[D("n"), F(10)]);
    let fixed = taking(1, &[D("n"), F(3), F(96), F(128)], &[D("n"), F(10)]);
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
        let graph = Proto::new()
            .message(1, node("Gemm", &["x"], &["y"]))
            .message(11, value("x", 1, &[D("n"), F(3), height, width]))
            .message(12, value("y", 1, &[D("n"), F(10)]));
        let pairs = metadata.iter().map(|(key, text)| pair(key, text));
        pairs.fold(model(graph), |model, one| model.message(14, one))
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
    let pytorch = taking(1, &nchw(), &[D("n"), F(10)]);
    let bytes = taking(2, &nchw(), &[D("n"), F(10)]);
    let grey = taking(1, &[D("n"), F(1), F(28), F(28)], &[D("n"), F(10)]);
    let nhwc = taking(1, &[D("n"), F(224), F(224), F(3)], &[D("n"), F(10)]);
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
        let preprocess = guess(folder, proto, &[]).package.preprocess;
        assert_eq!(
            Preset::of(&preprocess),
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
fn every_preset_is_found_again_by_its_name_and_fields() {
    let opened = |channels, side: Axis| {
        let proto = taking(1, &[D("n"), F(channels), side, side], &[F(1)]);
        let folder = tempfile::tempdir().unwrap();
        let mut model = inspect(&write(folder.path(), "m", &proto)).unwrap();
        let mut guessed = package(&model, folder.path()).unwrap();
        let spec = model.summary.signature.inputs.remove(0);
        (guessed.package.input.remove(0), spec)
    };
    for preset in Preset::ALL {
        assert_eq!(preset.to_string().parse(), Ok(preset));
        for channels in [1, 3] {
            let (input, spec) = opened(channels, F(299));
            let mut preprocess = preset.preprocess(&input, &spec);
            assert_eq!(Preset::of(&preprocess), Some(preset));
            preprocess.mean[0] += 1.0;
            assert_eq!(Preset::of(&preprocess), None);
        }
    }
    // What the model leaves open is what the package says.
    let (mut input, spec) = opened(3, D("side"));
    (input.width, input.height) = (Some(384), Some(288));
    let size = Preset::Imagenet.preprocess(&input, &spec).size;
    assert_eq!(size, Some(439));
    assert_eq!(
        "caffe".parse::<Preset>(),
        Err(
            "`caffe` is no preset: imagenet, tf, efficientnet-lite, unit, raw, opencv-imagenet"
                .to_owned()
        )
    );
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
            guess("m", &taking(1, &image(), &output), &[])
                .package
                .postprocess
                .task,
            task
        );
    }
    let named = model(
        Proto::new()
            .message(11, value("x", 1, &image()))
            .message(12, value("image_embeds", 1, &[D("n"), F(512)])),
    );
    assert_eq!(guess("m", &named, &[]).package.postprocess.task, Task::Raw);
    let detector = taking(1, &image(), &[D("n"), F(10)]).message(14, pair("task", "detect"));
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
    let named = model(classifier(10, "Gemm")).message(14, pair("names", &names));
    assert_eq!(file(&[], &named).unwrap(), "labels.txt");
    assert_eq!(
        file(&[("labels.txt", &wrong)], &named).unwrap(),
        "class-labels.txt"
    );
}

#[test]
fn labels_of_the_model_are_written_when_saving() {
    let folder = tempfile::tempdir().unwrap();
    let named = model(classifier(2, "Gemm")).message(14, pair("names", "{0: 'cat', 1: 'dog'}"));
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
        &taking(1, &[F(4), F(3), F(8), F(8)], &[F(4), F(10)]),
        &[],
    );
    assert_eq!(guessed.package.batch.max_size, 4);
    assert_eq!(
        reason(&guessed, "batch.max_size"),
        "the model takes batches of 4 only"
    );
    let outside = crate::testing::external("w", &[1], &[("location", "w.bin")]);
    let proto = model(classifier(10, "Gemm").message(5, outside));
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
