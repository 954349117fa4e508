use std::fs;
use std::path::{Path, PathBuf};

use boxwright_onnx_writer::Axis::{Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::{Float, Uint8};
use boxwright_onnx_writer::{Axis, Graph, Tensor, Value};
use boxwright_tensor::Signature;
use proptest::prelude::*;

use super::*;
use crate::inspect;
use crate::testing::{classifier, model, write};

const SAMPLE: &str = include_str!("../../../../samples/efficientnet-lite0/boxwright.toml");

fn parse(text: &str) -> Result<Package, String> {
    Package::from_toml(text, Path::new("boxwright.toml")).map_err(|error| error.to_string())
}

fn sample() -> Package {
    parse(SAMPLE).unwrap()
}

fn signature(graph: Graph) -> Signature {
    let folder = tempfile::tempdir().unwrap();
    inspect(&write(folder.path(), "m.onnx", &model(graph)))
        .unwrap()
        .summary
        .signature
}

#[test]
fn the_sample_is_written_as_it_was_read() {
    assert_eq!(sample().to_toml(), SAMPLE);
}

#[test]
fn what_may_be_left_out_has_defaults() {
    let text = "format = 1\n[package]\nname = 'a'\nversion = '1'\n[model]\nfiles = [{path = 'm'}]\n\
                [[input]]\nname = 'x'\nkind = 'tensor'\n[postprocess]\ntask = 'raw'\n";
    let package = parse(text).unwrap();
    assert_eq!(package.preprocess, Preprocess::default());
    assert_eq!(
        package.batch,
        Batch {
            max_size: 8,
            max_delay_ms: 2
        }
    );
    assert_eq!(package.resources.memory_mb, 512);
    assert_eq!(package.postprocess.top_k, 5);
    assert_eq!(parse(&package.to_toml()).unwrap(), package);
}

#[test]
fn errors_name_the_line() {
    let change = |from: &str, to: &str| {
        assert!(SAMPLE.contains(from), "{from}");
        SAMPLE.replacen(from, to, 1)
    };
    for (text, message) in [
        (
            change("format = 2", "format = 3"),
            " line 1: format 3 is not known to this program, which reads formats 1 and 2: use a newer Boxwright",
        ),
        (
            change("format = 2", "\nformat = 'one'"),
            " line 2: `format` is no version number: write `format = 2`",
        ),
        (
            change("format = 2", "format = 1"),
            " line 22: `long_side` is a key of format 2: write `format = 2`, and read in docs/PACKAGE.md what that changes",
        ),
        (
            change("format = 2", ""),
            ": the key `format` is missing: write `format = 2` first",
        ),
        (
            change("size = 256", "size = 256\nsise = 256"),
            " line 22: unknown field `sise`, expected one of `decode`, `exif`, `draft`, `jpeg_quality`, `central_crop`, `resize`, `size`, `max_size`, `long_side`, `filter`, `antialias`, `resize_in`, `pad`, `pad_normalised`, `align`, `crop`, `channels`, `grey`, `scale`, `mean`, `std`, `arithmetic`",
        ),
        (
            change("[batch]", "[bach]"),
            " line 39: unknown field `bach`, expected one of `format`, `package`, `model`, `input`, `preprocess`, `postprocess`, `labels`, `batch`, `resources`",
        ),
        (
            change("width = 224", "width = '224'"),
            " line 16: invalid type: string \"224\", expected u32",
        ),
        (
            change("width = 224", "width = -1"),
            " line 16: invalid value: integer `-1`, expected u32",
        ),
        (
            change("\"NCHW\"", "\"nchw\""),
            " line 14: unknown variant `nchw`, expected `NCHW` or `NHWC`",
        ),
        (
            change("name = \"images\"", ""),
            " line 11: missing field `name`",
        ),
        (
            change(
                "name = \"efficientnet-lite0\"",
                "name = \"EfficientNet Lite0\"",
            ),
            " line 4: package.name: `EfficientNet Lite0` is no name: lower-case letters and digits, separated by single `.`, `_` or `-`, at most 128 characters; such as `efficientnet-lite0`",
        ),
        (
            change("\"0.0.1\"", "\"0.0.1+a\""),
            " line 5: package.version: `0.0.1+a` is no version: letters, digits, `.`, `_` and `-`, not beginning with `.` or `-`, at most 128 characters; such as `0.0.1-a`",
        ),
        (
            change("model.onnx", "../model.onnx"),
            " line 9: model.files.0.path: `../model.onnx` leads out by `..`: only files inside the folder are taken",
        ),
        (
            change("model.onnx", "/model.onnx"),
            " line 9: model.files.0.path: `/model.onnx` is an absolute path: only files inside the folder are taken",
        ),
        (
            change("model.onnx", "a\\\\model.onnx"),
            " line 9: model.files.0.path: `a\\model.onnx` has a backslash: separate folders by `/`",
        ),
        (
            change("model.onnx", "./model.onnx"),
            " line 9: model.files.0.path: write this path as `model.onnx`",
        ),
        (
            change("labels.txt", "a/../../b"),
            " line 37: labels.file: `a/../../b` leads out by `..`: only files inside the folder are taken",
        ),
        (
            change("std = [128.0, 128.0, 128.0]", "std = [128.0, 0.0, 128.0]"),
            " line 27: preprocess.std: is divided by, so it can't be 0",
        ),
        (
            change("std = [128.0, 128.0, 128.0]", "std = [128.0, 128.0]"),
            " line 27: preprocess.std: has 2 numbers, and the channels are 3, or one for all",
        ),
        (
            change("mean = [127.0, 127.0, 127.0]", "mean = [nan]"),
            " line 26: preprocess.mean: must be finite numbers",
        ),
        (
            change("\"center\"", "\"none\""),
            " line 24: preprocess.crop: `short-side` keeps the picture's own aspect ratio: cut it to the input's size with `center`, or resize by `stretch` or `letterbox`",
        ),
        (
            change("max_size = 8", "max_size = 0"),
            " line 40: batch.max_size: 0 is not from 1 to 4096",
        ),
        (
            change("top_k = 5", "top_k = 0"),
            " line 34: postprocess.top_k: must be at least 1",
        ),
        (
            change("width = 224\n", ""),
            " line 11: input.0.width: is needed where the height is given",
        ),
        (
            change("task = \"classification\"", "task = \"detection\""),
            " line 31: postprocess.task: `detection` is not there yet: use `classification` or `raw`",
        ),
        (change("mean = [", "mean = [["), ""),
        (
            "format = 2\nformat = 2".to_owned(),
            " line 2: duplicate key",
        ),
    ] {
        let got = parse(&text).unwrap_err();
        if message.is_empty() {
            assert!(got.starts_with("boxwright.toml line "), "{got}");
        } else {
            assert_eq!(got, format!("boxwright.toml{message}"));
        }
    }
}

#[test]
fn a_file_of_format_1_keeps_its_meaning() {
    let old = SAMPLE
        .replace("format = 2", "format = 1")
        .replace("long_side = \"floor\"\n", "");
    let package = parse(&old).unwrap();
    assert_eq!(package.preprocess.long_side, Some(Rounding::Round));
    assert_eq!(package.preprocess.filter, Filter::Bicubic);
    let saved = package.to_toml();
    assert!(saved.starts_with("format = 2\n"), "{saved}");
    assert!(saved.contains("long_side = \"round\"\n"), "{saved}");
    assert_eq!(parse(&saved).unwrap(), package);
    let package = parse(&old.replace("\"bicubic\"", "\"opencv-linear\"")).unwrap();
    assert_eq!(package.preprocess.filter, Filter::Format1Linear);
    assert_eq!(parse(&package.to_toml()).unwrap(), package);
}

#[test]
fn a_package_is_held_against_its_model() {
    let graph = |axes: &[Axis], element| {
        Graph::new()
            .input(Value::tensor("images", element, axes))
            .output(Value::tensor("logits", Float, &[D("n"), F(1000)]))
    };
    let fitting = signature(graph(&[D("n"), F(3), D("h"), D("w")], Float));
    assert_eq!(sample().problems(Some(&fitting)), []);
    for (axes, element, field, message) in [
        (
            vec![D("n"), F(3), F(96), F(224)],
            Float,
            "input.0.height",
            "the model's `images` has a fixed height of 96",
        ),
        (
            vec![D("n"), F(1), F(224), F(224)],
            Float,
            "preprocess.channels",
            "the model's `images` takes one channel: use `grey`",
        ),
        (
            vec![D("n"), F(224), F(224), F(3)],
            Float,
            "input.0.layout",
            "the model's `images` has 224 channels in layout NCHW: another layout, or no picture",
        ),
        (
            vec![D("n"), F(3), F(224), F(224)],
            Uint8,
            "input.0.dtype",
            "the model's `images` takes UINT8",
        ),
        (
            vec![D("n"), F(10)],
            Float,
            "input.0.kind",
            "the model's `images` has 2 axes, and a batch of pictures has 4: make it a `tensor`",
        ),
    ] {
        let problems = sample().problems(Some(&signature(graph(&axes, element))));
        assert_eq!(problems[0], (field.to_owned(), message.to_owned()));
    }
    // A fixed batch is filled up or cut into: any `max_size` serves it.
    let fixed = signature(graph(&[F(1), F(3), F(224), F(224)], Float));
    assert_eq!(sample().problems(Some(&fixed)), []);
    let mut package = sample();
    package.input[0].name = "pictures".to_owned();
    package.postprocess.output = Some("scores".to_owned());
    let problems = package.problems(Some(&fitting));
    assert_eq!(
        problems,
        [
            (
                "input.0.name",
                "the model has no input `pictures`; it has `images`"
            ),
            ("input", "the model's input `images` has no [[input]]"),
            (
                "postprocess.output",
                "the model has no output `scores`; it has `logits`"
            ),
        ]
        .map(|(field, message)| (field.to_owned(), message.to_owned()))
    );
}

/// A folder with a model, labels, and the sample's package file.
fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let graph = Graph::new()
        .input(Value::tensor(
            "images",
            Float,
            &[D("n"), F(3), F(224), F(224)],
        ))
        .output(Value::tensor("logits", Float, &[D("n"), F(2)]));
    write(&root, "model.onnx", &model(graph));
    fs::write(root.join("labels.txt"), "cat\ndog\n").unwrap();
    fs::write(root.join(FILE_NAME), SAMPLE).unwrap();
    (folder, root)
}

#[test]
fn a_package_is_opened_by_its_file_or_folder() {
    let (_folder, root) = folder();
    let by_folder = LoadedPackage::open(&root).unwrap();
    assert_eq!(
        by_folder,
        LoadedPackage::open(&root.join(FILE_NAME)).unwrap()
    );
    assert_eq!(by_folder.root, root);
    assert_eq!(by_folder.files, [root.join("model.onnx")]);
    assert_eq!(by_folder.labels.as_ref().unwrap(), &["cat", "dog"]);
    assert_eq!(by_folder.labels_text().unwrap(), "cat\ndog\n");
}

#[test]
fn saving_fills_the_hashes_in_and_leaves_nothing_else() {
    let (_folder, root) = folder();
    let mut loaded = LoadedPackage::open(&root).unwrap();
    loaded.package.preprocess.mean = vec![123.675];
    loaded.labels = Some(vec!["chat".to_owned(), "chien".to_owned()]);
    loaded.save().unwrap();
    let text = fs::read_to_string(root.join(FILE_NAME)).unwrap();
    let hash = hash_files(&loaded.files, &mut |_| {}).unwrap().remove(0);
    assert!(text.contains(&format!("sha256 = \"{hash}\"")), "{text}");
    assert!(text.contains("mean = [123.675]"), "{text}");
    let again = LoadedPackage::open(&root).unwrap();
    assert_eq!(again.package.preprocess, loaded.package.preprocess);
    assert_eq!(again.labels, loaded.labels);
    let mut names: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["boxwright.toml", "labels.txt", "model.onnx"]);
    again.save().unwrap();
    assert_eq!(fs::read_to_string(root.join(FILE_NAME)).unwrap(), text);
}

#[cfg(unix)]
#[test]
fn a_saved_file_is_readable_by_others() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, root) = folder();
    LoadedPackage::open(&root).unwrap().save().unwrap();
    fs::write(root.join("plain"), "").unwrap();
    let mode = |name| fs::metadata(root.join(name)).unwrap().permissions().mode();
    assert_eq!(mode(FILE_NAME), mode("plain"));
}

#[test]
fn a_package_with_problems_is_not_saved() {
    let (_folder, root) = folder();
    let mut loaded = LoadedPackage::open(&root).unwrap();
    loaded.package.package.name = "No Name".to_owned();
    let message = loaded.save().unwrap_err().to_string();
    assert!(
        message.contains("package.name: `No Name` is no name"),
        "{message}"
    );
    assert_eq!(fs::read_to_string(root.join(FILE_NAME)).unwrap(), SAMPLE);
}

#[cfg(unix)]
#[test]
fn only_regular_files_inside_the_folder_are_taken() {
    use std::os::unix::fs::symlink;
    let (_folder, root) = folder();
    let outside = tempfile::NamedTempFile::new().unwrap();
    fs::write(outside.path(), "secret\n").unwrap();
    let open = || {
        let error = LoadedPackage::open(&root).unwrap_err().to_string();
        error.replace(&*root.to_string_lossy(), "DIR").replace(
            &*outside.path().canonicalize().unwrap().to_string_lossy(),
            "OUT",
        )
    };
    fs::remove_file(root.join("labels.txt")).unwrap();
    assert_eq!(
        open(),
        "DIR/boxwright.toml: labels.file: `labels.txt` is missing from DIR"
    );
    symlink(outside.path(), root.join("labels.txt")).unwrap();
    assert_eq!(
        open(),
        "DIR/boxwright.toml: labels.file: `labels.txt` is a link to OUT, outside DIR: copy the \
         file itself there"
    );
    fs::remove_file(root.join("labels.txt")).unwrap();
    fs::write(root.join("real.txt"), "cat\ndog\n").unwrap();
    symlink("real.txt", root.join("labels.txt")).unwrap();
    LoadedPackage::open(&root).unwrap();
    fs::rename(root.join("model.onnx"), root.join("m")).unwrap();
    fs::create_dir(root.join("model.onnx")).unwrap();
    assert_eq!(
        open(),
        "DIR/boxwright.toml: model.files.0.path: `model.onnx` is a folder, not a regular file"
    );
}

#[test]
fn a_package_names_all_files_of_its_model() {
    let (_folder, root) = folder();
    fs::write(root.join("w.bin"), [0; 4]).unwrap();
    let graph = classifier(2, "Gemm")
        .initializer(Tensor::float("e", &[1]).external(&[("location", "w.bin")]));
    write(&root, "model.onnx", &model(graph));
    let text = SAMPLE.replace("\"logits\"", "\"scores\"");
    fs::write(root.join(FILE_NAME), &text).unwrap();
    let message = open_any(&root).unwrap_err().to_string();
    assert!(
        message.ends_with("model.files: the model keeps weights in `w.bin`, which is missing"),
        "{message}"
    );
    let files = text.replace(" }]", " }, { path = \"w.bin\" }]");
    fs::write(root.join(FILE_NAME), files).unwrap();
    assert_eq!(open_any(&root).unwrap().0.files.len(), 2);
}

#[test]
fn there_are_as_many_labels_as_classes() {
    let (_folder, root) = folder();
    open_any(&root).unwrap();
    fs::write(root.join("labels.txt"), "cat\ndog\nmouse\n").unwrap();
    let message = open_any(&root).unwrap_err().to_string();
    let expected = "labels.file: names 3 classes, and the model has 2: one line a class, in the model's order; where \
                    the model was trained with a background class, that is the first line";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn a_folder_with_one_model_is_enough() {
    let (_folder, root) = folder();
    fs::remove_file(root.join(FILE_NAME)).unwrap();
    let (loaded, found, reasons) = open_any(&root).unwrap();
    assert_eq!(found.summary.file, "model.onnx");
    assert_eq!(loaded.labels.unwrap(), ["cat", "dog"]);
    assert!(reasons.iter().any(|(field, _)| field == "preprocess.mean"));
    fs::copy(root.join("model.onnx"), root.join("other.onnx")).unwrap();
    let message = open_any(&root).unwrap_err().to_string();
    assert!(message.ends_with("is a folder with several ONNX models and no boxwright.toml"));
}

prop_compose! {
    fn numbers()(numbers in proptest::collection::vec(proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL | proptest::num::f64::ZERO, 0..4)) -> Vec<f64> {
        numbers
    }
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

prop_compose! {
    fn resizing()(
        resize in any_of(Resize::ALL),
        (size, max_size) in any::<(Option<u32>, Option<u32>)>(),
        long_side in proptest::option::of(any_of(Rounding::ALL)),
        filter in any_of(Filter::ALL),
        antialias in any::<Option<bool>>(),
        resize_in in any_of(Depth::ALL),
        pad in any::<Option<[u8; 3]>>(),
        pad_normalised in proptest::option::of(proptest::num::f64::NORMAL),
        align in any_of(Align::ALL),
        crop in any_of(Crop::ALL),
    ) -> Preprocess {
        Preprocess { resize, size, max_size, long_side, filter, antialias, resize_in, pad, pad_normalised, align, crop, ..Preprocess::default() }
    }
}

prop_compose! {
    fn pipeline()(
        resizing in resizing(),
        decode in any_of(Decode::ALL),
        (draft, exif) in any::<(bool, bool)>(),
        jpeg_quality in any::<Option<u8>>(),
        central_crop in proptest::option::of(proptest::num::f64::NORMAL),
        (channels, grey) in (any_of(Channels::ALL), any_of(GreyOrder::ALL)),
        (scale, arithmetic) in (any_of(Scale::ALL), any_of(Arithmetic::ALL)),
        mean in numbers(),
        std in numbers(),
    ) -> Preprocess {
        Preprocess { decode, draft, exif, jpeg_quality, central_crop, channels, grey, scale, mean, std, arithmetic, ..resizing }
    }
}

prop_compose! {
    fn any_package()(
        name in any::<String>(),
        description in any::<String>(),
        files in proptest::collection::vec((any::<String>(), any::<Option<String>>()), 0..4),
        inputs in proptest::collection::vec((any::<String>(), any::<bool>(), any::<Option<u32>>()), 1..4),
        preprocess in pipeline(),
        texts in any::<[Option<String>; 6]>(),
        (top_k, score, iou) in (0..1_000_000_usize, any::<Option<f32>>(), -1.0_f32..2.0),
        labels in any::<Option<String>>(),
        (max_size, memory_mb, cpus, gpus) in (0..1_000_000_usize, 0..1_u64 << 40, proptest::num::f32::NORMAL, any::<u32>()),
    ) -> Package {
        let [output, boxes, scores, classes, decoder, box_format] = texts;
        Package {
            format: FORMAT,
            package: Identity { name, version: "1".to_owned(), description },
            model: ModelFiles { files: files.into_iter().map(|(path, sha256)| ModelFile { path, sha256 }).collect() },
            input: inputs.into_iter().map(|(name, image, width)| Input {
                name,
                kind: if image { InputKind::Image } else { InputKind::Tensor },
                layout: Layout::Nhwc,
                dtype: if image { ImageDtype::F16 } else { ImageDtype::F32 },
                width,
                height: width,
                stride: width,
                stride_rounding: StrideRounding::Nearest,
            }).collect(),
            preprocess,
            postprocess: Postprocess {
                task: Task::Detection, output, activation: Activation::Sigmoid, top_k, score_digits: Some(3), boxes, scores, classes,
                decoder, box_format, score_threshold: score.filter(|score| !score.is_nan()), iou_threshold: Some(iou),
            },
            labels: labels.map(|file| Labels { file }),
            batch: Batch { max_size, max_delay_ms: 5 },
            resources: Resources { memory_mb, cpus, gpus },
        }
    }
}

proptest! {
    #[test]
    fn every_package_is_read_as_it_was_written(package in any_package()) {
        let text = package.to_toml();
        let read: Package = toml::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(&read, &package);
        prop_assert_eq!(read.to_toml(), text);
        package.problems(None);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        drop(parse(&text));
    }

    #[test]
    fn any_change_of_a_package_file_is_read_or_refused(
        at in any::<prop::sample::Index>(),
        text in "[\\[\\]{}=\"'.,a-z0-9\n\\-+]{0,6}",
        length in 0_usize..10,
    ) {
        let start = at.index(SAMPLE.len());
        let end = (start + length).min(SAMPLE.len());
        let mut changed = SAMPLE.to_owned();
        changed.replace_range(start..end, &text);
        if let Ok(package) = parse(&changed) {
            prop_assert_eq!(parse(&package.to_toml()).unwrap(), package);
        }
    }
}
