//! Detectors that are told by the names of their exporter's outputs.

use boxwright_onnx_writer::Axis::{Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::{Float, Int32, Int64, Uint8};
use boxwright_onnx_writer::{Axis, Graph, Node, Value};

use super::models::{Texts, open, proto, sized};
use super::{guess, reason};
use crate::package::{Align, Channels, Decoder, Filter, Resize, Rounding, Task};
use crate::testing::model;

#[test]
fn custom_vision_s_boxes_are_parts_of_the_photo() {
    let metadata: Texts = &[
        ("Image.BitmapPixelFormat", "Bgr8"),
        ("Image.NominalPixelRange", "NominalRange_0_255"),
    ];
    let outputs = [
        ("detected_boxes", Float, &[F(1), D("n"), F(4)][..]),
        ("detected_classes", Int64, &[F(1), D("n")]),
        ("detected_scores", Float, &[F(1), D("n")]),
    ];
    for (metadata, channels, std) in [
        (&[][..], Channels::Rgb, 255.0),
        (metadata, Channels::Bgr, 1.0),
    ] {
        let guessed = sized(320, &outputs, metadata, &[("labels.txt", "cat\ndog\n")]);
        let (postprocess, preprocess) = (&guessed.package.postprocess, &guessed.package.preprocess);
        assert_eq!(postprocess.decoder, Some(Decoder::CustomVision));
        assert_eq!(postprocess.score_threshold, Some(0.01));
        assert_eq!(postprocess.iou_threshold, None);
        assert_eq!(preprocess.resize, Resize::Stretch);
        assert_eq!(preprocess.filter, Filter::Bicubic);
        assert_eq!(preprocess.channels, channels);
        assert_eq!(preprocess.std, [std; 3]);
        assert!(reason(&guessed, "postprocess.decoder").contains("Custom Vision"));
    }
}

#[test]
fn mmdetection_s_dets_have_the_recipe_of_their_model() {
    let dets: &[Axis] = &[F(1), D("n"), F(5)];
    let labels: &[Axis] = &[F(1), D("n")];
    let masks: &[Axis] = &[F(1), D("n"), D("h"), D("w")];
    let boxes = [("dets", Float, dets), ("labels", Int64, labels)];
    let with_masks = [boxes[0], boxes[1], ("masks", Float, masks)];
    let usual = open("faster-rcnn", &boxes, &[], &[]);
    assert_eq!(usual.package.postprocess.task, Task::Detection);
    assert_eq!(
        usual.package.postprocess.decoder,
        Some(Decoder::MmDetection)
    );
    let preprocess = &usual.package.preprocess;
    assert_eq!(
        (preprocess.size, preprocess.max_size),
        (Some(800), Some(1333))
    );
    assert_eq!(preprocess.rounding(), Rounding::HalfUp);
    let masked = open("mask-rcnn", &with_masks, &[], &[]);
    assert_eq!(masked.package.postprocess.task, Task::InstanceSegmentation);
    let small = open("rtmdet_tiny", &boxes, &[], &[]).package.preprocess;
    assert_eq!(small.resize, Resize::Letterbox);
    assert_eq!((small.align, small.pad), (Align::TopLeft, Some([114; 3])));
    assert_eq!(small.channels, Channels::Bgr);
    assert_eq!(small.mean, [103.53, 116.28, 123.675]);
    let fixed = sized(640, &boxes, &[], &[]).package.preprocess;
    assert_eq!(fixed.resize, Resize::Letterbox);
    assert_eq!(fixed.pad_normalised, Some(0.0));
}

#[test]
fn yolo_nas_has_three_forms() {
    let before = [
        ("1", Float, &[F(1), F(8400), F(4)][..]),
        ("2", Float, &[F(1), F(8400), F(80)]),
    ];
    let apart = [
        ("num_predictions", Int64, &[F(1), F(1)][..]),
        ("pred_boxes", Float, &[F(1), F(1000), F(4)]),
        ("pred_scores", Float, &[F(1), F(1000)]),
        ("pred_classes", Int64, &[F(1), F(1000)]),
    ];
    let flat = [("graph2_flat_predictions", Float, &[D("n"), F(7)][..])];
    let picture = [F(1), F(3), F(640), F(640)];
    for (outputs, iou) in [
        (&before[..], Some(0.7)),
        (&apart[..], None),
        (&flat[..], None),
    ] {
        for (element, std) in [(Float, 255.0), (Uint8, 1.0)] {
            let inputs = [("input", element, &picture[..])];
            let guessed = guess("m", &proto(&inputs, outputs, &[]), &[]);
            let postprocess = &guessed.package.postprocess;
            assert_eq!(postprocess.decoder, Some(Decoder::YoloNas), "{outputs:?}");
            assert_eq!(postprocess.iou_threshold, iou, "{outputs:?}");
            let preprocess = &guessed.package.preprocess;
            assert_eq!(preprocess.resize, Resize::Letterbox);
            assert_eq!(preprocess.size, Some(636));
            assert_eq!(preprocess.std, [std; 3]);
        }
    }
    // SSD's boxes and scores have other places, and boxes of another kind.
    let other = [
        ("scores", Float, &[F(1), F(4420), F(2)][..]),
        ("boxes", Float, &[F(1), F(4420), F(4)]),
    ];
    let guessed = sized(320, &other, &[], &[]);
    assert_eq!(guessed.package.postprocess.task, Task::Raw);
}

#[test]
fn yolos_with_their_suppression_are_told_by_rows_and_names() {
    let picture = [F(1), F(3), F(640), F(640)];
    let graph = |last| {
        let graph = Graph::new().node(Node::new(last, &["images"], &["output"]));
        let graph = graph.input(Value::tensor("images", Float, &picture));
        model(graph.output(Value::tensor("output", Float, &[D("n"), F(7)])))
    };
    let guessed = guess("m", &graph("Concat"), &[]);
    let postprocess = &guessed.package.postprocess;
    assert_eq!(postprocess.decoder, Some(Decoder::YoloV7EndToEnd));
    assert_eq!(postprocess.iou_threshold, None);
    assert_eq!(guessed.package.preprocess.resize, Resize::Letterbox);
    // Seven numbers of a picture are rather classes.
    let classes = guess("m", &graph("Softmax"), &[]);
    assert_eq!(classes.package.postprocess.decoder, None);
    for names in [
        ["num_dets", "det_boxes", "det_scores", "det_classes"],
        ["num_dets", "boxes", "scores", "labels"],
    ] {
        let outputs = [
            (names[0], Int32, &[F(1), F(1)][..]),
            (names[1], Float, &[F(1), F(100), F(4)]),
            (names[2], Float, &[F(1), F(100)]),
            (names[3], Int32, &[F(1), F(100)]),
        ];
        let guessed = sized(640, &outputs, &[], &[]);
        let postprocess = &guessed.package.postprocess;
        assert_eq!(postprocess.decoder, Some(Decoder::Nms), "{names:?}");
        assert_eq!(postprocess.outputs.count.as_deref(), Some("num_dets"));
    }
}

#[test]
fn grids_of_yolo_are_told_with_the_way_to_decode_them() {
    let grids = [
        ("80", Float, &[F(1), F(3), F(80), F(80), F(85)][..]),
        ("40", Float, &[F(1), F(3), F(40), F(40), F(85)]),
        ("20", Float, &[F(1), F(3), F(20), F(20), F(85)]),
    ];
    let guessed = sized(640, &grids, &[], &[]);
    assert_eq!(guessed.package.postprocess.task, Task::Raw);
    assert!(reason(&guessed, "postprocess.task").contains("--grid"));
}

#[test]
fn of_two_heads_of_yolov9_the_second_is_the_main_one() {
    let head: &[Axis] = &[F(1), F(84), F(8400)];
    let picture = [F(1), F(3), F(640), F(640)];
    let inputs = [("images", Float, &picture[..])];
    let outputs = [("output0", Float, head), ("1903", Float, head)];
    let guessed = guess("yolov9-c", &proto(&inputs, &outputs, &[]), &[]);
    let postprocess = &guessed.package.postprocess;
    assert_eq!(postprocess.decoder, Some(Decoder::YoloV8));
    assert_eq!(postprocess.output.as_deref(), Some("1903"));
}

/// torchvision's classes put their outputs in orders of their own.
#[test]
fn torchvision_s_outputs_are_told_by_shape_and_type_in_any_order() {
    let boxes: &[Axis] = &[D("n"), F(4)];
    let row: &[Axis] = &[D("n")];
    let (boxes, scores) = (("a", Float, boxes), ("b", Float, row));
    let labels = ("c", Int64, row);
    let masks = ("d", Float, &[D("n"), F(1), D("h"), D("w")][..]);
    let picture = [F(3), D("h"), D("w")];
    let inputs = [("x", Float, &picture[..])];
    for outputs in [
        // RetinaNet, FCOS and SSD; Faster R-CNN; Mask R-CNN.
        &[boxes, scores, labels][..],
        &[boxes, labels, scores],
        &[boxes, labels, scores, masks],
    ] {
        let guessed = guess("m", &proto(&inputs, outputs, &[]), &[]);
        let postprocess = &guessed.package.postprocess;
        assert_eq!(postprocess.decoder, Some(Decoder::TorchVision));
        let named = &postprocess.outputs;
        assert_eq!(named.boxes.as_deref(), Some("a"));
        assert_eq!(named.scores.as_deref(), Some("b"));
        assert_eq!(named.classes.as_deref(), Some("c"));
        assert_eq!(named.masks.is_some(), outputs.len() == 4);
    }
}
