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

mod folder;
mod written;

const SAMPLE: &str = include_str!("../../../../../samples/efficientnet-lite0/boxwright.toml");

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
            " line 30: postprocess.decoder: is needed: how the outputs encode boxes, one of `yolov8`, `yolov5`, `yolox`, `end-to-end`, `rt-detr`, `detr`, `rt-detr-transformers`, `d-fine`, `ssd-tf`, `torchvision`, `picodet`, `custom-vision`, `mmdetection`, `yolo-nas`, `yolov7-end-to-end`, `nms`",
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
            "the model's `images` has 2 axes, and a picture has 3, a batch of them 4: make it a `tensor`",
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
