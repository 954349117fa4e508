//! Each kind of model but detectors, with the signature that its exporter writes.

use boxwright_onnx_writer::Axis;
use boxwright_onnx_writer::Axis::{Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::{Bool, Float, Int64, Uint8};

use super::models::{Tensor, open, proto, sized};
use super::{guess, lines, reason};
use crate::package::{
    Activation, Align, Channels, Filter, InputKind, Range, Resize, Rounding, Scale, SizeOrder,
    StrideRounding, Task, Upsample,
};

#[test]
fn four_numbers_beside_scores_are_no_classes() {
    let outputs: [Tensor; 2] = [("a", Float, &[F(1), F(4)]), ("b", Float, &[F(1), F(9)])];
    let guessed = sized(224, &outputs, &[], &[]);
    assert_eq!(guessed.package.postprocess.output.as_deref(), Some("b"));
    assert!(reason(&guessed, "postprocess.task").contains("probably a box"));
}

#[test]
fn several_outputs_of_scores_are_heads_with_their_own_classes() {
    let outputs: [Tensor; 4] = [
        ("gender", Float, &[D("N"), F(3)]),
        ("age", Float, &[D("N"), F(1)]),
        ("colour", Float, &[D("N"), F(9)]),
        ("embedding_aux", Float, &[D("N"), F(64)]),
    ];
    let files = [
        ("labels.txt", &*lines(3)),
        ("colour.txt", &*lines(9)),
        ("labels_age.txt", "one\ntwo\n"),
    ];
    let inputs = [("x", Float, &[D("N"), F(3), F(224), F(224)][..])];
    let guessed = guess("m", &proto(&inputs, &outputs[..3], &[]), &files);
    let postprocess = &guessed.package.postprocess;
    assert_eq!(postprocess.task, Task::Classification);
    assert_eq!(postprocess.output.as_deref(), Some("gender"));
    let heads: Vec<(&str, Activation, usize)> = postprocess
        .heads
        .iter()
        .map(|head| (&*head.output, head.activation, head.classes.len()))
        .collect();
    assert_eq!(
        heads,
        [
            ("age", Activation::None, 0),
            ("colour", Activation::Softmax, 9)
        ]
    );
    assert!(reason(&guessed, "postprocess.heads").contains('2'));
    // A vector beside scores is none.
    let guessed = guess("m", &proto(&inputs, &[outputs[0], outputs[3]], &[]), &[]);
    assert_eq!(guessed.package.postprocess.heads, []);
}

#[test]
fn answers_for_every_pixel_are_told_apart() {
    let planes = |count, side| [D("batch"), F(count), F(side), F(side)];
    let guessed = |axes: &[Axis]| sized(512, &[("y", Float, axes)], &[], &[]);
    let segmentation = guessed(&planes(21, 128)).package;
    assert_eq!(segmentation.postprocess.task, Task::Segmentation);
    assert_eq!(segmentation.preprocess.resize, Resize::Stretch);
    assert_eq!(
        guessed(&planes(1, 512)).package.postprocess.task,
        Task::Matte
    );
    // What is drawn anew is no list of classes.
    let drawn = guessed(&planes(3, 512)).package.postprocess.task;
    assert_eq!(drawn, Task::Raw);
    // A few patches are no pixels.
    assert_eq!(
        guessed(&planes(256, 16)).package.postprocess.task,
        Task::Raw
    );

    let maps: Vec<String> = (0..7).map(|map| format!("d{map}")).collect();
    let axes = [F(1), F(1), F(320), F(320)];
    let maps: Vec<Tensor> = maps
        .iter()
        .map(|name| (&**name, Float, &axes[..]))
        .collect();
    let package = sized(320, &maps, &[], &[]).package;
    assert_eq!(package.postprocess.output.as_deref(), Some("d0"));
    assert_eq!(package.postprocess.range, Range::MinMax);
    assert_eq!(package.preprocess.scale, Scale::PhotoMaximum);
    assert_eq!(package.preprocess.filter, Filter::Lanczos);

    let out: &[Axis] = &[D("batch"), F(21), D("height"), D("width")];
    let package = open("m", &[("out", Float, out), ("aux", Float, out)], &[], &[]).package;
    assert_eq!(package.preprocess.size, Some(520));
    assert_eq!(package.postprocess.upsample, Upsample::Classes);
    assert_eq!(package.input[0].width, None);

    let picture: &[Axis] = &[F(1), D("h"), D("w"), F(3)];
    let inputs = [("ImageTensor:0", Uint8, picture)];
    let best: Tensor = ("SemanticPredictions:0", Int64, &[F(1), D("h"), D("w")]);
    let package = guess("m", &proto(&inputs, &[best], &[]), &[]).package;
    assert_eq!(package.postprocess.task, Task::Segmentation);
    assert_eq!(
        (package.preprocess.resize, package.preprocess.size),
        (Resize::LongSide, Some(513))
    );
    assert_eq!(package.postprocess.upsample, Upsample::Classes);
}

#[test]
fn dynamic_sides_are_not_224() {
    let map: &[Axis] = &[D("batch"), F(1), D("height"), D("width")];
    let package = open("ppocr-det", &[("y", Float, map)], &[], &[]).package;
    assert_eq!(package.postprocess.task, Task::Matte);
    let input = &package.input[0];
    assert_eq!(
        (input.width, input.height, input.stride),
        (None, None, Some(32))
    );
    assert_eq!(input.stride_rounding, StrideRounding::Nearest);
    assert_eq!(package.preprocess.channels, Channels::Bgr);
    let package = open("m", &[("y", Float, map)], &[], &[]).package;
    assert_eq!(
        (package.input[0].width, package.input[0].stride),
        (None, Some(32))
    );
}

#[test]
fn vectors_are_embeddings() {
    let guessed = |name, length| {
        let axes = [D("batch"), F(length)];
        sized(112, &[(name, Float, &axes)], &[], &[])
    };
    for (name, length, task) in [
        ("image_embeds", 64, Task::Embedding),
        ("features", 1000, Task::Embedding),
        ("683", 512, Task::Embedding),
        ("683", 1000, Task::Classification),
        ("logits", 512, Task::Classification),
    ] {
        let package = guessed(name, length).package;
        assert_eq!(package.postprocess.task, task, "{name} {length}");
    }
    let face = guessed("683", 512).package;
    assert_eq!(
        (face.preprocess.mean[0], face.preprocess.std[0]),
        (127.5, 127.5)
    );
    let axes = [D("batch"), F(512)];
    let labelled = sized(
        112,
        &[("y", Float, &axes)],
        &[],
        &[("labels.txt", &lines(512))],
    );
    assert_eq!(labelled.package.postprocess.task, Task::Classification);

    let tokens: &[Axis] = &[D("batch"), F(257), F(384)];
    let pooled: &[Axis] = &[D("batch"), F(384)];
    let outputs = [
        ("last_hidden_state", Float, tokens),
        ("pooler_output", Float, pooled),
    ];
    let package = sized(224, &outputs, &[], &[]).package;
    assert_eq!(package.postprocess.output.as_deref(), Some("pooler_output"));
    let alone = sized(224, &outputs[..1], &[], &[]);
    assert!(reason(&alone, "postprocess.task").contains("pooled"));
}

#[test]
fn readers_of_text_take_their_characters() {
    let picture: &[Axis] = &[D("b"), F(3), F(48), D("w")];
    let inputs = [("x", Float, picture)];
    let outputs: [Tensor; 1] = [("y", Float, &[D("b"), D("t"), F(6)])];
    let characters = [("character", "a\n\u{3000}\nb\nc\n")];
    let package = guess("m", &proto(&inputs, &outputs, &characters), &[]).package;
    assert_eq!(package.postprocess.task, Task::Text);
    let preprocess = &package.preprocess;
    assert_eq!(preprocess.pad_normalised, Some(0.0));
    assert_eq!(
        (preprocess.align, preprocess.rounding()),
        (Align::TopLeft, Rounding::Ceil)
    );
    assert_eq!(
        (package.input[0].width, package.input[0].height),
        (Some(320), Some(48))
    );
    assert_eq!(package.labels.unwrap().file, "labels.txt");
}

#[test]
fn inputs_beside_a_picture_are_filled_in() {
    let picture: &[Axis] = &[F(1), F(3), F(416), F(416)];
    let inputs: [Tensor; 6] = [
        ("image_shape", Float, &[F(1), F(2)]),
        ("images", Float, picture),
        ("iou_threshold", Float, &[F(1)]),
        ("score_threshold", Float, &[]),
        ("max_output_boxes_per_class", Int64, &[F(1)]),
        ("training", Bool, &[]),
    ];
    let outputs: [Tensor; 1] = [("y", Float, &[F(1), F(9)])];
    let package = guess("m", &proto(&inputs, &outputs, &[]), &[]).package;
    let values: Vec<&[f64]> = package.input.iter().map(|input| &input.value[..]).collect();
    assert_eq!(values, [&[][..], &[], &[0.5], &[0.25], &[300.0], &[0.0]]);
    assert_eq!(package.input[0].kind, InputKind::OriginalSize);
    assert_eq!(package.input[0].order, SizeOrder::Hw);
    assert_eq!(package.input[1].kind, InputKind::Image);
    // What nobody knows is left to the user.
    let inputs: [Tensor; 2] = [("images", Float, picture), ("gamma", Float, &[F(1), F(7)])];
    let guessed = guess("m", &proto(&inputs, &outputs, &[]), &[]);
    assert_eq!(guessed.package.input[0].kind, InputKind::Tensor);
    assert!(reason(&guessed, "input.1.kind").contains("`gamma`"));
}

#[test]
fn image_metadata_says_order_and_range() {
    let metadata = [
        ("Image.BitmapPixelFormat", "Bgr8"),
        ("Image.NominalPixelRange", "NominalRange_0_255"),
    ];
    let outputs: [Tensor; 1] = [("y", Float, &[F(1), F(9)])];
    let preprocess = sized(224, &outputs, &metadata, &[]).package.preprocess;
    assert_eq!(preprocess.channels, Channels::Bgr);
    assert_eq!((preprocess.mean[0], preprocess.std[0]), (0.0, 1.0));
}

#[test]
fn trainers_files_beside_the_model_name_classes() {
    let outputs: [Tensor; 1] = [("y", Float, &[D("b"), F(2)])];
    let picture: &[Axis] = &[D("b"), F(224), F(224), F(3)];
    let inputs = [("x", Float, picture)];
    for (file, text) in [
        ("data.yaml", "nc: 2\nnames: ['cat', 'dog']\n"),
        ("labels.csv", "0,cat\n1,dog\n"),
        ("labels.json", r#"{"0": "cat", "1": "dog"}"#),
        ("labels.txt", "0 cat\n1 dog\n"),
        (
            "signature.json",
            r#"{"classes": {"Label": ["cat", "dog"]}}"#,
        ),
        (
            "metadata.json",
            r#"{"tmVersion": "2.4.5", "labels": ["cat", "dog"], "imageSize": 224}"#,
        ),
        ("coco.names", "cat\ndog\n"),
    ] {
        let guessed = guess("m", &proto(&inputs, &outputs, &[]), &[(file, text)]);
        assert!(guessed.package.labels.is_some(), "{file}");
        let preprocess = &guessed.package.preprocess;
        match file {
            "metadata.json" => assert_eq!(preprocess.filter, Filter::Lanczos),
            "signature.json" => assert_eq!(preprocess.std, [255.0; 3]),
            _ => assert_eq!(preprocess.std, [127.5; 3]),
        }
    }
}

#[test]
fn a_state_is_no_batch() {
    let inputs: [Tensor; 3] = [
        ("input", Float, &[D(""), D("")]),
        ("state", Float, &[F(2), D(""), F(128)]),
        ("sr", Int64, &[]),
    ];
    let outputs: [Tensor; 1] = [("y", Float, &[D(""), F(1)])];
    let package = guess("m", &proto(&inputs, &outputs, &[]), &[]).package;
    assert_eq!(package.batch.max_size, 8);
    assert_eq!(package.postprocess.task, Task::Raw);
    assert_eq!(package.postprocess.activation, Activation::None);
}
