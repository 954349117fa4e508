//! Each kind of detector, with the signature that its exporter writes.

use boxwright_onnx_writer::Axis::{Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::{Float, Int64, Uint8};
use boxwright_onnx_writer::{Axis, Graph, Node, Value};

use super::models::{COCO, Tensor, Texts, open, proto, sized, ultralytics};
use super::{guess, lines, reason};
use crate::package::{
    Align, Channels, Crop, Decode, Decoder, Filter, InputKind, Range, Resize, Rounding, SizeOrder,
    Task,
};
use crate::testing::model;

#[test]
fn ultralytics_layouts_are_told_by_axes_and_metadata() {
    let boxes = |a, b| [F(1), F(a), F(b)];
    let masks = [F(1), F(32), F(160), F(160)];
    let nms = [("args", "{'batch': 1, 'nms': True}")];
    let rtdetr = [("head", "RTDETRDecoder")];
    let pose = [("kpt_shape", "[17, 3]")];
    let ended = [("end2end", "True"), ("kpt_shape", "(17, 3)")];
    let none: Texts = &[];
    for (task, more, axes, with_masks, expected, decoder) in [
        (
            "detect",
            none,
            boxes(8, 8400),
            false,
            Task::Detection,
            Decoder::YoloV8,
        ),
        (
            "detect",
            none,
            boxes(300, 6),
            false,
            Task::Detection,
            Decoder::EndToEnd,
        ),
        (
            "detect",
            &nms,
            boxes(300, 6),
            false,
            Task::Detection,
            Decoder::EndToEnd,
        ),
        (
            "detect",
            none,
            boxes(300, 8),
            false,
            Task::Detection,
            Decoder::RtDetr,
        ),
        (
            "detect",
            &rtdetr,
            boxes(300, 6),
            false,
            Task::Detection,
            Decoder::RtDetr,
        ),
        (
            "detect",
            none,
            boxes(25200, 9),
            false,
            Task::Detection,
            Decoder::YoloV5,
        ),
        (
            "obb",
            none,
            boxes(9, 21504),
            false,
            Task::RotatedDetection,
            Decoder::YoloV8,
        ),
        (
            "obb",
            none,
            boxes(300, 7),
            false,
            Task::RotatedDetection,
            Decoder::EndToEnd,
        ),
        (
            "pose",
            &pose,
            boxes(59, 8400),
            false,
            Task::Pose,
            Decoder::YoloV8,
        ),
        (
            "pose",
            none,
            boxes(59, 8400),
            false,
            Task::Pose,
            Decoder::YoloV8,
        ),
        (
            "pose",
            &ended,
            boxes(300, 57),
            false,
            Task::Pose,
            Decoder::EndToEnd,
        ),
        (
            "segment",
            none,
            boxes(40, 8400),
            true,
            Task::InstanceSegmentation,
            Decoder::YoloV8,
        ),
        (
            "segment",
            none,
            boxes(300, 38),
            true,
            Task::InstanceSegmentation,
            Decoder::EndToEnd,
        ),
    ] {
        let mut outputs = vec![("output0", Float, &axes[..])];
        if with_masks {
            outputs.push(("output1", Float, &masks[..]));
        }
        let guessed = sized(640, &outputs, &ultralytics(task, more), &[]);
        let (package, case) = (&guessed.package, format!("{task} {axes:?} {more:?}"));
        let postprocess = &package.postprocess;
        assert_eq!(postprocess.task, expected, "{case}");
        assert_eq!(postprocess.decoder, Some(decoder), "{case}");
        assert_eq!(postprocess.score_threshold, Some(0.25), "{case}");
        let iou = (decoder == Decoder::YoloV8).then_some(0.7);
        let iou = iou.or((decoder == Decoder::YoloV5).then_some(0.45));
        assert_eq!(postprocess.iou_threshold, iou, "{case}");
        let keypoints = (task == "pose").then_some([17, 3]);
        assert_eq!(postprocess.keypoints, keypoints, "{case}");
        let prototypes = with_masks.then_some("output1");
        assert_eq!(postprocess.outputs.masks.as_deref(), prototypes, "{case}");
        let resize = match decoder {
            Decoder::RtDetr => Resize::Stretch,
            _ => Resize::Letterbox,
        };
        assert_eq!(package.preprocess.resize, resize, "{case}");
        assert_eq!(package.preprocess.filter, Filter::OpenCvLinear, "{case}");
        assert_eq!(
            package.labels.as_ref().unwrap().file,
            "labels.txt",
            "{case}"
        );
        assert!(!reason(&guessed, "postprocess.decoder").is_empty());
    }
}

#[test]
fn an_ultralytics_export_is_letterboxed_as_predict_does() {
    let rows: &[Axis] = &[D("batch"), F(8), D("anchors")];
    let fixed = sized(
        640,
        &[("output0", Float, &[F(1), F(8), F(8400)])],
        &ultralytics("detect", &[]),
        &[],
    );
    let open = open(
        "m",
        &[("output0", Float, rows)],
        &ultralytics("detect", &[]),
        &[],
    );
    for guessed in [&fixed, &open] {
        let preprocess = &guessed.package.preprocess;
        assert_eq!(preprocess.pad, Some([114; 3]));
        assert_eq!(preprocess.rounding(), Rounding::Round);
        assert_eq!(preprocess.channels, Channels::Rgb);
        assert_eq!(preprocess.decode, Decode::OpenCv);
        assert_eq!(preprocess.std, [255.0; 3]);
        let input = &guessed.package.input[0];
        assert_eq!((input.width, input.height), (Some(640), Some(640)));
    }
    assert_eq!(fixed.package.input[0].stride, None);
    // Exports with dynamic axes are padded to the next multiple only.
    assert_eq!(open.package.input[0].stride, Some(32));
    assert_eq!(open.package.postprocess.decoder, Some(Decoder::YoloV8));
}

#[test]
fn ultralytics_other_tasks_are_known() {
    let classify = open(
        "m",
        &[("output0", Float, &[D("batch"), F(4)])],
        &ultralytics("classify", &[]),
        &[],
    );
    assert_eq!(classify.package.postprocess.task, Task::Classification);
    assert_eq!(classify.package.preprocess.crop, Crop::Center);
    let planes: &[Axis] = &[F(1), F(4), F(640), F(640)];
    let semantic = sized(
        640,
        &[("output0", Float, planes)],
        &ultralytics("semantic", &[]),
        &[],
    );
    assert_eq!(semantic.package.postprocess.task, Task::Segmentation);
    assert_eq!(semantic.package.preprocess.resize, Resize::Letterbox);
    let depth: &[Axis] = &[F(1), F(1), F(640), F(640)];
    let depth = sized(
        640,
        &[("output0", Float, depth)],
        &ultralytics("depth", &[]),
        &[],
    );
    assert_eq!(depth.package.postprocess.range, Range::MinMax);
    let unknown = sized(
        640,
        &[("output0", Float, &[F(1), F(7)])],
        &ultralytics("detect", &[]),
        &[],
    );
    assert_eq!(unknown.package.postprocess.task, Task::Raw);
    assert!(reason(&unknown, "postprocess.task").contains("set task, decoder and outputs"));
}

#[test]
fn yolo_without_metadata_is_told_by_its_cells() {
    let yolov5 = [("stride", "32"), ("names", COCO)];
    let none: Texts = &[];
    for (folder, metadata, side, a, b, decoder, channels) in [
        (
            "m",
            &yolov5[..],
            640,
            25200,
            9,
            Decoder::YoloV5,
            Channels::Rgb,
        ),
        ("m", none, 640, 25200, 85, Decoder::YoloV5, Channels::Rgb),
        ("m", none, 640, 8400, 85, Decoder::YoloX, Channels::Bgr),
        (
            "yolox_nano",
            none,
            416,
            3549,
            85,
            Decoder::YoloX,
            Channels::Bgr,
        ),
        (
            "yolov6n",
            none,
            640,
            8400,
            85,
            Decoder::YoloV5,
            Channels::Rgb,
        ),
        ("m", none, 640, 84, 8400, Decoder::YoloV8, Channels::Rgb),
        ("m", none, 640, 300, 6, Decoder::EndToEnd, Channels::Rgb),
    ] {
        let axes = [F(1), F(3), F(side), F(side)];
        let inputs = [("images", Float, &axes[..])];
        let output = [F(1), F(a), F(b)];
        let model = proto(&inputs, &[("output", Float, &output)], metadata);
        let package = guess(folder, &model, &[]).package;
        assert_eq!(
            package.postprocess.decoder,
            Some(decoder),
            "{folder} {a} {b}"
        );
        assert_eq!(package.preprocess.channels, channels, "{folder} {a} {b}");
        assert_eq!(package.preprocess.resize, Resize::Letterbox);
        if decoder == Decoder::YoloX {
            assert_eq!(package.preprocess.align, Align::TopLeft);
            assert_eq!(package.preprocess.std, [1.0; 3]);
            assert_eq!(package.preprocess.rounding(), Rounding::Floor);
        }
    }
    let masks: &[Axis] = &[F(1), F(32), F(160), F(160)];
    let rows: &[Axis] = &[F(1), F(25200), F(41)];
    let outputs = [("output0", Float, rows), ("output1", Float, masks)];
    let guessed = sized(640, &outputs, &yolov5, &[]);
    assert_eq!(guessed.package.postprocess.task, Task::InstanceSegmentation);
    assert_eq!(guessed.package.postprocess.iou_threshold, Some(0.45));
}

#[test]
fn transformers_detectors_take_their_processor_and_mask() {
    let picture: &[Axis] = &[D("batch"), F(3), D("height"), D("width")];
    let mask: &[Axis] = &[D("batch"), D("height"), D("width")];
    let logits = |classes| [D("batch"), D("queries"), F(classes)];
    let boxes: &[Axis] = &[D("batch"), D("queries"), F(4)];
    let id2label = r#""id2label": {"0": "cat", "1": "dog", "2": "tie"}"#;
    let config = format!(r#"{{"model_type": "MODEL", {id2label}}}"#);
    let processor = r#"{"size": {"shortest_edge": 800, "longest_edge": 1333}, "resample": 2, "do_pad": true,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225], "rescale_factor": 0.00392156862745098}"#;
    let square = r#"{"size": {"height": 640, "width": 640}, "do_normalize": false, "image_mean": [0.5, 0.5, 0.5]}"#;
    for (kind, processor, masked, classes, decoder, resize) in [
        ("detr", processor, true, 4, Decoder::Detr, Resize::ShortSide),
        (
            "rt_detr",
            square,
            false,
            3,
            Decoder::RtDetrTransformers,
            Resize::Stretch,
        ),
        (
            "d_fine",
            square,
            false,
            3,
            Decoder::RtDetrTransformers,
            Resize::Stretch,
        ),
        (
            "deformable_detr",
            processor,
            true,
            3,
            Decoder::RtDetrTransformers,
            Resize::ShortSide,
        ),
        (
            "unheard-of",
            processor,
            true,
            4,
            Decoder::Detr,
            Resize::ShortSide,
        ),
    ] {
        let mut inputs = vec![("pixel_values", Float, picture)];
        if masked {
            inputs.push(("pixel_mask", Int64, mask));
        }
        let logits = logits(classes);
        let outputs = [("logits", Float, &logits[..]), ("pred_boxes", Float, boxes)];
        let config = config.replace("MODEL", kind);
        let files = [
            ("config.json", &*config),
            ("preprocessor_config.json", processor),
        ];
        let package = guess("m", &proto(&inputs, &outputs, &[]), &files).package;
        assert_eq!(package.postprocess.decoder, Some(decoder), "{kind}");
        assert_eq!(package.preprocess.resize, resize, "{kind}");
        assert!(package.labels.is_some(), "{kind}");
        if masked {
            assert_eq!(package.input[1].kind, InputKind::Mask);
        }
        if resize == Resize::ShortSide {
            let preprocess = &package.preprocess;
            assert_eq!(
                (preprocess.size, preprocess.max_size),
                (Some(800), Some(1333))
            );
            assert_eq!(preprocess.rounding(), Rounding::Detr);
            assert_eq!(package.input[0].width, None);
        }
    }
}

#[test]
fn detectors_with_outputs_of_their_own_are_told_by_names_and_types() {
    let wh: &[Axis] = &[D("N"), F(2)];
    let square: &[Axis] = &[D("N"), F(3), F(640), F(640)];
    let rows: &[Axis] = &[D("N"), F(300)];
    let boxes: &[Axis] = &[D("N"), F(300), F(4)];
    let model = proto(
        &[("images", Float, square), ("orig_target_sizes", Int64, wh)],
        &[
            ("labels", Int64, rows),
            ("boxes", Float, boxes),
            ("scores", Float, rows),
        ],
        &[],
    );
    let package = guess("m", &model, &[]).package;
    assert_eq!(package.postprocess.decoder, Some(Decoder::DFine));
    let size = &package.input[1];
    assert_eq!(
        (size.kind, size.order),
        (InputKind::OriginalSize, SizeOrder::Wh)
    );
    assert_eq!(package.preprocess.std, [255.0; 3]);

    let picture: &[Axis] = &[F(1), D("h"), D("w"), F(3)];
    let model = proto(
        &[("image_tensor:0", Uint8, picture)],
        &[
            ("detection_boxes:0", Float, &[F(1), F(100), F(4)]),
            ("detection_classes:0", Float, &[F(1), F(100)]),
            ("detection_scores:0", Float, &[F(1), F(100)]),
            ("num_detections:0", Float, &[F(1)]),
        ],
        &[],
    );
    let package = guess("m", &model, &[]).package;
    assert_eq!(package.postprocess.decoder, Some(Decoder::SsdTf));
    assert_eq!(package.preprocess.resize, Resize::None);
    assert_eq!(
        package.postprocess.outputs.count.as_deref(),
        Some("num_detections:0")
    );

    let model = proto(
        &[("image", Float, &[F(3), D("height"), D("width")])],
        &[
            ("2775", Float, &[D("n"), F(4)]),
            ("2776", Int64, &[D("n")]),
            ("2777", Float, &[D("n")]),
            ("2778", Float, &[D("n"), F(1), D("h"), D("w")]),
        ],
        &[],
    );
    let package = guess("m", &model, &[]).package;
    assert_eq!(package.postprocess.task, Task::InstanceSegmentation);
    assert_eq!(package.postprocess.decoder, Some(Decoder::TorchVision));
    assert_eq!(package.preprocess.resize, Resize::None);
    assert_eq!(package.postprocess.outputs.classes.as_deref(), Some("2776"));
    assert_eq!(package.batch.max_size, 1);

    let (scores, bins): (&[Axis], &[Axis]) = (&[F(1), D("c"), F(4)], &[F(1), D("c"), F(32)]);
    let outputs: Vec<Tensor> = ["a", "b", "c", "d"]
        .map(|name| (name, Float, scores))
        .into_iter()
        .chain(["e", "f", "g", "h"].map(|name| (name, Float, bins)))
        .collect();
    let package = sized(416, &outputs, &[], &[("labels.txt", &lines(4))]).package;
    assert_eq!(package.postprocess.decoder, Some(Decoder::PicoDet));
    assert!(package.labels.is_some());

    let unknown = sized(
        320,
        &[
            ("bbox", Float, &[F(1), F(4)]),
            ("scores", Float, &[F(1), F(9)]),
        ],
        &[],
        &[],
    );
    assert_eq!(unknown.package.postprocess.task, Task::Raw);
    assert!(reason(&unknown, "postprocess.task").contains("decoder"));
}

#[test]
fn what_ends_with_a_transposition_is_not_decoded() {
    let side = [F(1), F(3), F(640), F(640)];
    for (nodes, decoder) in [
        (vec![Node::new("Concat", &["a"], &["y"])], Decoder::YoloV5),
        (
            vec![
                Node::new("Concat", &["a"], &["b"]),
                Node::new("Transpose", &["b"], &["y"]),
            ],
            Decoder::YoloX,
        ),
    ] {
        let graph = Graph::new()
            .nodes(nodes)
            .input(Value::tensor("images", Float, &side))
            .output(Value::tensor("y", Float, &[F(1), F(8400), F(85)]));
        let package = guess("m", &model(graph), &[]).package;
        assert_eq!(package.postprocess.decoder, Some(decoder));
    }
}
