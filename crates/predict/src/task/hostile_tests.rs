//! Outputs that no sane model gives: an answer or an error, soon and in little memory.

#![allow(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::time::{Duration, Instant};

use boxwright_model::package::{Activation, Decoder, Range, Upsample};
use boxwright_model::pipeline::{Boxes, Extra, Matte, Roles, Segmentation, Task, Text};
use boxwright_model::prediction::{Detection, Outcome};
use proptest::prelude::*;

use super::outcome;
use crate::error::Result;
use crate::prediction::Want;
use crate::stage::frame::Frame;
use crate::tensor::Slice;

const ODD: [f32; 9] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MAX,
    f32::MIN,
    -1.0,
    0.0,
    1.0,
    1e20,
];

fn boxes(decoder: Decoder, extra: Extra, roles: Roles) -> Boxes {
    Boxes {
        decoder,
        outputs: vec![0, 1, 2, 3],
        roles,
        extra,
        box_format: None,
        score_threshold: decoder.score_threshold(),
        iou_threshold: decoder.iou_threshold(),
        max_detections: 300,
        class_agnostic: decoder.is_class_agnostic(),
        first_class: decoder.first_class(),
        score_digits: None,
        labels: None,
    }
}

fn predicted(task: &Task, outputs: &[Slice<'_>], frame: &Frame) -> Result<Outcome> {
    outcome(task, outputs, Some(frame), &Want::default())
}

fn detections(boxes: Boxes, outputs: &[Slice<'_>]) -> Result<Vec<Detection>> {
    match predicted(&Task::Boxes(boxes), outputs, &Frame::whole(64, 64))? {
        Outcome::Detections(found) => Ok(found),
        other => panic!("{other:?}"),
    }
}

/// A photo of 12 megapixels, stretched onto a tensor.
fn large(canvas: (usize, usize)) -> Frame {
    Frame {
        photo: (4000, 3000),
        source: [0.0, 0.0, 4000.0, 3000.0],
        ..Frame::whole(canvas.0, canvas.1)
    }
}

#[track_caller]
fn within(limit: Duration, what: &str, work: impl FnOnce()) {
    // Without optimisation everything takes several times as long.
    let limit = if cfg!(debug_assertions) {
        limit * 20
    } else {
        limit
    };
    let started = Instant::now();
    work();
    let took = started.elapsed();
    assert!(took < limit, "{what} took {took:?}");
}

#[test]
fn scores_that_are_no_numbers_are_errors_and_not_an_empty_answer() {
    let nan = vec![f32::NAN; 6 * 8];
    for decoder in [
        Decoder::YoloV8,
        Decoder::YoloV5,
        Decoder::EndToEnd,
        Decoder::RtDetr,
    ] {
        let output = [Slice::of_floats("output0", &[8, 6], &nan)];
        let task = boxes(decoder, Extra::None, Roles::default());
        let error = detections(task, &output).unwrap_err().to_string();
        assert!(error.contains("NaN"), "{decoder}: {error}");
    }
}

/// Rows of seven numbers, `dets` with their labels, and YOLO-NAS' boxes with scores: NaN, nothing, and
/// as many as there are.
#[test]
fn exports_with_their_own_layouts_refuse_what_is_no_number() {
    let labels = [0.0f32; 8];
    for (decoder, columns) in [
        (Decoder::YoloV7EndToEnd, 7),
        (Decoder::YoloNas, 7),
        (Decoder::MmDetection, 5),
    ] {
        let roles = Roles {
            classes: (decoder == Decoder::MmDetection).then_some(1),
            ..Roles::default()
        };
        let found = |rows: usize, number: f32| {
            let numbers = vec![number; rows * columns];
            let outputs = [
                Slice::of_floats("rows", &[rows, columns], &numbers),
                Slice::of_floats("labels", &[rows], &labels[..rows]),
            ];
            detections(boxes(decoder, Extra::None, roles), &outputs)
        };
        let error = found(8, f32::NAN).unwrap_err().to_string();
        assert!(error.contains("NaN"), "{decoder}: {error}");
        assert_eq!(found(0, 0.0).unwrap(), [], "{decoder}");
        assert!(!found(8, 1.0).unwrap().is_empty(), "{decoder}");
    }
    let roles = Roles {
        scores: Some(1),
        ..Roles::default()
    };
    let (four, nan) = ([1.0f32; 8], [f32::NAN; 4]);
    let outputs = [
        Slice::of_floats("boxes", &[2, 4], &four),
        Slice::of_floats("scores", &[2, 2], &nan),
    ];
    let error = detections(boxes(Decoder::YoloNas, Extra::None, roles), &outputs).unwrap_err();
    assert!(error.to_string().contains("NaN"), "{error}");
}

#[test]
fn a_number_of_detections_that_is_none_is_an_error_and_a_huge_one_is_all() {
    let roles = Roles {
        boxes: 0,
        scores: Some(1),
        classes: Some(2),
        count: Some(3),
        masks: None,
    };
    let (four, one) = ([0.1f32, 0.1, 0.5, 0.5, 0.2, 0.2, 0.6, 0.6], [0.9f32, 0.8]);
    let found = |count: f32| {
        let count = [count];
        let outputs = [
            Slice::of_floats("boxes", &[2, 4], &four),
            Slice::of_floats("scores", &[2], &one),
            Slice::of_floats("classes", &[2], &[1.0, 2.0]),
            Slice::of_floats("count", &[1], &count),
        ];
        detections(boxes(Decoder::SsdTf, Extra::None, roles), &outputs)
    };
    assert_eq!(found(1e30).unwrap().len(), 2);
    assert_eq!(found(1.0).unwrap().len(), 1);
    assert_eq!(found(0.0).unwrap().len(), 0);
    for wrong in [-1.0, f32::NAN] {
        let error = found(wrong).unwrap_err().to_string();
        assert!(error.contains("number of detections"), "{error}");
    }
}

#[test]
fn empty_outputs_hold_nothing() {
    for (decoder, shape) in [
        (Decoder::YoloV8, [6, 0]),
        (Decoder::YoloV5, [0, 6]),
        (Decoder::EndToEnd, [0, 6]),
        (Decoder::RtDetr, [0, 6]),
    ] {
        let outputs = [Slice::of_floats("output0", &shape, &[])];
        let task = boxes(decoder, Extra::None, Roles::default());
        assert_eq!(detections(task, &outputs).unwrap(), [], "{decoder}");
    }
}

#[test]
fn a_row_alone_is_one_box() {
    let row = [4.0f32, 5.0, 20.0, 30.0, 0.9, 3.0];
    let outputs = [Slice::of_floats("output0", &[6], &row)];
    let task = boxes(Decoder::EndToEnd, Extra::None, Roles::default());
    let found = detections(task, &outputs).unwrap();
    assert_eq!(
        (found[0].index, found[0].bounds),
        (3, [4.0, 5.0, 20.0, 30.0])
    );
}

#[test]
fn millions_of_boxes_take_seconds() {
    let count = 3_000_000;
    let mut floats = vec![0.0f32; 6 * count];
    for (place, value) in floats.iter_mut().enumerate() {
        let (row, column) = (place / count, place % count);
        *value = match row {
            0 | 1 => (column * (row + 7) % 6400) as f32 / 100.0,
            2 | 3 => 0.01,
            _ => 0.3 + (column % 1000) as f32 / 2000.0,
        };
    }
    within(Duration::from_secs(3), "3 million boxes", || {
        let outputs = [Slice::of_floats("output0", &[6, count], &floats)];
        let task = boxes(Decoder::YoloV8, Extra::None, Roles::default());
        assert_eq!(detections(task, &outputs).unwrap().len(), 300);
    });
    within(Duration::from_secs(10), "30,000 rotated boxes", || {
        let outputs = [Slice::of_floats("output0", &[6, count], &floats)];
        let task = boxes(Decoder::YoloV8, Extra::Angle, Roles::default());
        assert_eq!(detections(task, &outputs).unwrap().len(), 300);
    });
}

/// 300 boxes that cover a photo of 12 megapixels.
#[test]
fn masks_of_a_large_photo_are_made_in_seconds() {
    let (count, side) = (300, 160);
    let mut head = vec![0.0f32; 37 * count];
    for column in 0..count {
        for (row, value) in [320.0, 320.0, 640.0, 640.0, 0.9].into_iter().enumerate() {
            head[row * count + column] = value;
        }
        head[(5 + column % 32) * count + column] = 1.0;
    }
    let prototypes: Vec<f32> = (0..32 * side * side)
        .map(|place| ((place * 7919 % 1000) as f32 / 500.0 - 1.0) + 0.9)
        .collect();
    let roles = Roles {
        masks: Some(1),
        ..Roles::default()
    };
    let task = Boxes {
        iou_threshold: None,
        ..boxes(Decoder::YoloV8, Extra::Mask, roles)
    };
    within(Duration::from_secs(8), "300 masks", || {
        let outputs = [
            Slice::of_floats("output0", &[37, count], &head),
            Slice::of_floats("output1", &[32, side, side], &prototypes),
        ];
        let found = predicted(&Task::Boxes(task), &outputs, &large((640, 640))).unwrap();
        let Outcome::Detections(found) = found else {
            panic!("boxes are detections");
        };
        assert_eq!(found.len(), count);
        let mask = found[0].mask.as_ref().unwrap();
        assert_eq!(mask.size, [3000, 4000]);
        let pixels: u64 = mask.counts.iter().map(|run| u64::from(*run)).sum();
        assert_eq!(pixels, 12_000_000);
    });
}

/// All classes at the photo's size would be 7 GB.
#[test]
fn a_segmentation_of_a_large_photo_is_made_in_seconds() {
    let (classes, side) = (150, 32);
    let scores: Vec<f32> = (0..classes * side * side)
        .map(|place| (place * 7919 % 1009) as f32)
        .collect();
    within(Duration::from_secs(6), "150 classes", || {
        let outputs = [Slice::of_floats("logits", &[classes, side, side], &scores)];
        let found = predicted(
            &Task::Segmentation(segmentation()),
            &outputs,
            &large((128, 128)),
        );
        let Outcome::Segmentation(found) = found.unwrap() else {
            panic!("a segmentation is one");
        };
        let pixels: usize = found.classes.iter().map(|class| class.pixels).sum();
        assert_eq!(pixels, 12_000_000);
    });
}

fn segmentation() -> Segmentation {
    Segmentation {
        output: 0,
        upsample: Upsample::Scores,
        threshold: 0.5,
        activation: Activation::None,
        labels: None,
    }
}

fn numbers(count: usize) -> impl Strategy<Value = Vec<f32>> {
    let number = prop_oneof![
        6 => -1.0f32..2.0,
        2 => 0.0f32..70.0,
        1 => prop::sample::select(&ODD[..]),
    ];
    prop::collection::vec(number, count)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever comes, a detection is of finite numbers, and nothing panics.
    #[test]
    fn boxes_are_finite_or_an_error(
        decoder in prop::sample::select(Decoder::ALL),
        turned in any::<bool>(),
        (rows, columns) in (0usize..12, 0usize..12),
        seed in numbers(12 * 12),
        others in numbers(12 * 12),
    ) {
        let length = rows * columns;
        let (first, second) = (&seed[..length], &others[..length]);
        let shape = [rows, columns];
        let outputs = [
            Slice::of_floats("first", &shape, first),
            Slice::of_floats("second", &shape, second),
            Slice::of_floats("third", &[rows], &others[..rows]),
            Slice::of_floats("fourth", &[1], &seed[..1]),
        ];
        let extra = if turned { Extra::Angle } else { Extra::None };
        let roles = Roles {
            boxes: 0,
            scores: Some(if matches!(decoder, Decoder::Detr | Decoder::RtDetrTransformers) { 1 } else { 2 }),
            classes: Some(2),
            count: Some(3),
            masks: None,
        };
        if let Ok(found) = detections(boxes(decoder, extra, roles), &outputs) {
            for detection in found {
                prop_assert!(detection.score.is_finite());
                prop_assert!(detection.bounds.iter().all(|side| side.is_finite()));
            }
        }
    }

    #[test]
    fn masks_fill_the_photo_or_are_an_error(
        (prototypes, height, width) in (0usize..4, 0usize..5, 0usize..5),
        head in numbers(9 * 6),
        values in numbers(4 * 5 * 5),
    ) {
        let rows = 5 + prototypes;
        let outputs = [
            Slice::of_floats("head", &[rows, 6], &head[..rows * 6]),
            Slice::of_floats("prototypes", &[prototypes, height, width], &values[..prototypes * height * width]),
        ];
        let roles = Roles { masks: Some(1), ..Roles::default() };
        if let Ok(found) = detections(boxes(Decoder::YoloV8, Extra::Mask, roles), &outputs) {
            for mask in found.iter().filter_map(|one| one.mask.as_ref()) {
                prop_assert_eq!(mask.counts.iter().sum::<u32>(), 64 * 64);
            }
        }
    }

    #[test]
    fn pixels_and_text_are_an_answer_or_an_error(
        shape in prop::collection::vec(0usize..5, 0..5),
        values in numbers(5 * 5 * 5 * 5),
        several in any::<bool>(),
    ) {
        let length = shape.iter().product();
        let outputs = [Slice::of_floats("output", &shape, &values[..length])];
        let upsample = if several { Upsample::Scores } else { Upsample::Classes };
        let tasks = [
            Task::Segmentation(Segmentation { upsample, ..segmentation() }),
            Task::Matte(Matte { output: 0, range: Range::MinMax, activation: Activation::Sigmoid }),
            Task::Text(Text { output: 0, blank: 0, activation: Activation::None, labels: None }),
        ];
        for task in tasks {
            let _ = predicted(&task, &outputs, &Frame::whole(7, 3));
        }
    }
}
