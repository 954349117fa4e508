//! Every message's JSON, as it goes over the wire. Programs of other versions, and in other
//! languages, read and write exactly this.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use boxwright_model::prediction::{
    ClassPrediction, DeviceUsed, Outcome, OutputTensor, PictureDetails, SampleError, Timing,
};
use boxwright_model::{Device, DeviceKind, Package};
use boxwright_tensor::{DataType, Numbers, Signature};
use boxwright_tensor::{Dimension, TensorSpec};
use boxwright_worker::message::TensorBytes;
use boxwright_worker::{Frame, FromWorker, Item, ToWorker, Want};
use serde::Serialize;
use serde::de::DeserializeOwned;

const SNAPSHOT: &str = include_str!("messages.jsonl");

fn package() -> Package {
    let json = serde_json::json!({
        "format": 1,
        "package": { "name": "tiny", "version": "1.0.0" },
        "model": { "files": [{ "path": "model.onnx" }] },
        "input": [{ "name": "images", "kind": "image", "width": 2, "height": 2 }],
        "postprocess": { "task": "raw" },
    });
    serde_json::from_value(json).unwrap()
}

fn to_worker() -> Vec<ToWorker> {
    let load = |inline, threads, max_pixels| ToWorker::Load {
        package: "/model/boxwright.toml".into(),
        inline,
        device: Device::Auto,
        threads,
        max_pixels,
    };
    vec![
        load(None, 0, None),
        load(Some(Box::new(package())), 2, Some(100_000_000)),
        ToWorker::Predict {
            items: vec![
                Item {
                    id: 0,
                    path: Some("/photos/cat.jpg".into()),
                    bytes: None,
                },
                Item {
                    id: 1,
                    path: None,
                    bytes: Some([0, 4096]),
                },
            ],
            want: Want {
                top_k: Some(3),
                tensor: true,
                thumbnail: 256,
                picture_only: false,
                keep: true,
            },
            batch_size: Some(8),
        },
        ToWorker::Predict {
            items: vec![],
            want: Want::default(),
            batch_size: None,
        },
        ToWorker::Cancel,
        ToWorker::Shutdown,
    ]
}

fn from_worker() -> Vec<FromWorker> {
    let tensor = |name: &str| TensorSpec {
        name: name.into(),
        datatype: DataType::Fp32,
        shape: Some(vec![Dimension::Dynamic("N".into()), Dimension::Fixed(3)]),
    };
    vec![
        FromWorker::Hello {
            program: "boxwright-serve 0.1.0".into(),
            onnxruntime: "1.30.0".into(),
            devices: vec![DeviceKind::Cpu],
        },
        FromWorker::Alive,
        FromWorker::Loaded {
            device: DeviceUsed {
                kind: DeviceKind::Cpu,
                name: "Some CPU".into(),
                reason: "asked for".into(),
            },
            reason: "asked for".into(),
            signature: Signature {
                inputs: vec![tensor("images")],
                outputs: vec![tensor("logits")],
            },
            model_digest: "sha256:00".into(),
            load_ms: 41.5,
        },
        FromWorker::Done {
            timing: Timing {
                wall_ms: 12.5,
                ..Timing::default()
            },
            cancelled: false,
        },
        FromWorker::Error {
            code: "PackageInvalid".into(),
            message: "boxwright.toml line 3: …".into(),
            hint: "Correct the line.".into(),
            causes: vec!["outer".into(), "inner".into()],
            retryable: false,
        },
    ]
}

fn results() -> Vec<FromWorker> {
    let output = OutputTensor {
        shape: vec![2],
        datatype: DataType::Fp32,
        data: Numbers::of(DataType::Fp32, &[1.into(), 2.into()]).unwrap(),
    };
    let bytes = TensorBytes {
        shape: vec![2],
        datatype: DataType::Fp32,
        bytes: [900, 8],
    };
    let class = ClassPrediction {
        class: "tiger cat".into(),
        score: 0.5,
    };
    let error = SampleError {
        code: "SampleUnreadable".into(),
        message: "…".into(),
    };
    let details = PictureDetails {
        format: "JPEG".into(),
        bits: 8,
        channels: 3,
        orientation: 6,
        turned: true,
        colour_profile: Some("Display P3".into()),
    };
    let result = |outcome, picture: Option<_>, thumbnail, tensors| FromWorker::Result {
        sample: 1,
        outcome,
        picture,
        details: picture.and(Some(details.clone())),
        thumbnail,
        tensors,
    };
    vec![
        result(
            Outcome::Classes(vec![class]),
            Some([640, 480]),
            Some([0, 900]),
            BTreeMap::new(),
        ),
        result(
            Outcome::Outputs([("y".to_owned(), output)].into()),
            None,
            None,
            [("y".to_owned(), bytes)].into(),
        ),
        result(Outcome::Error(error), None, None, BTreeMap::new()),
    ]
}

fn written<M: Serialize + DeserializeOwned + PartialEq + Debug + Clone>(messages: &[M]) -> String {
    let mut lines = String::new();
    for message in messages {
        let frame = Frame::new(7, message.clone(), Vec::new()).unwrap();
        let header = frame.parse::<M>().unwrap();
        assert_eq!(
            (header.v, header.id, &header.message),
            (1, 7, message),
            "not read back"
        );
        lines.push_str(std::str::from_utf8(&frame.header).unwrap());
        lines.push('\n');
    }
    lines
}

#[test]
fn every_message_is_what_the_snapshot_says_and_is_read_back() {
    let lines = written(&to_worker()) + &written(&from_worker()) + &written(&results());
    assert!(
        lines == SNAPSHOT,
        "the wire has changed; if that is meant, tests/messages.jsonl becomes:\n{lines}"
    );
}

#[test]
fn a_reader_forgives_fields_that_a_later_writer_adds() {
    let header = r#"{"v":1,"id":1,"type":"cancel","later":true}"#;
    let frame = Frame {
        header: header.into(),
        body: Default::default(),
    };
    assert_eq!(frame.parse::<ToWorker>().unwrap().message, ToWorker::Cancel);
}

#[test]
fn a_reader_forgives_details_that_it_does_not_know_and_those_that_are_not_there() {
    let read = |header: &'static str| {
        let frame = Frame {
            header: header.into(),
            body: Default::default(),
        };
        match frame.parse::<FromWorker>().unwrap().message {
            FromWorker::Result {
                outcome, details, ..
            } => (outcome, details),
            other => panic!("{other:?}"),
        }
    };
    let (outcome, details) =
        read(r#"{"v":1,"id":1,"type":"result","sample":1,"later":{"a":1},"classPredictions":[]}"#);
    assert_eq!((outcome, details), (Outcome::Classes(Vec::new()), None));
    let (_, details) = read(
        r#"{"v":1,"id":1,"type":"result","sample":1,"classPredictions":[],"details":
            {"format":"PNG","bits":16,"channels":4,"orientation":1,"turned":false,
            "colour_profile":null,"later":true}}"#,
    );
    assert_eq!(details.map(|details| details.bits), Some(16));
}
