use std::io::Cursor;

use boxwright_tensor::{DataType, Dimension};
use proptest::prelude::*;

use super::super::source::{Fault, Source};
use super::{Scanned, scan};
use crate::testing::Axis::{D, F};
use crate::testing::{Proto, classifier, external, model, node, pair, tensor, value, write};
use crate::{Model, inspect};

mod external;
mod large;

fn read(proto: &Proto) -> Result<Model, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = write(folder.path(), "m.onnx", proto);
    inspect(&path).map_err(|error| {
        error
            .to_string()
            .replace(
                &*folder.path().canonicalize().unwrap().to_string_lossy(),
                "DIR",
            )
            .replace(&*folder.path().to_string_lossy(), "DIR")
    })
}

/// A graph with one output and whatever else.
fn graph(rest: Proto) -> Proto {
    Proto(rest.message(12, value("y", 1, &[F(1)])).0)
}

#[test]
fn a_model_says_what_it_is() {
    let proto = model(classifier(1000, "Gemm"))
        .text(6, "A cat finder")
        .message(8, Proto::new().text(1, "ai.onnx.ml").varint(2, 3))
        .message(14, pair("names", "{0: 'cat', 1: 'dog'}"));
    let found = read(&proto).unwrap();
    let summary = &found.summary;
    assert_eq!(
        (summary.file.as_str(), summary.format.as_str()),
        ("m.onnx", "ONNX")
    );
    assert_eq!(summary.size_bytes, proto.0.len() as u64);
    assert_eq!(summary.ir_version, 10);
    assert_eq!(summary.producer, "pytorch 2.15.0");
    assert_eq!(
        summary.opset,
        [("".into(), 18), ("ai.onnx.ml".into(), 3)].into()
    );
    assert_eq!(summary.parameters, 3000);
    let input = &summary.signature.inputs[0];
    assert_eq!(input.to_string(), "FP32 [batch, 3, 224, 224]");
    assert_eq!(summary.signature.inputs.len(), 1);
    assert_eq!(summary.signature.outputs[0].name, "scores");
    assert_eq!(found.description, "A cat finder");
    assert_eq!(found.labels.unwrap(), ["cat", "dog"]);
    assert_eq!(found.output_operators["scores"], ["Gemm"]);
}

#[test]
fn the_sample_is_read() {
    let sample = "../../samples/efficientnet-lite0/model.onnx";
    let found = inspect(sample.as_ref()).unwrap();
    assert_eq!(found.summary.opset, [(String::new(), 18)].into());
    assert_eq!(
        found.summary.signature.inputs[0].to_string(),
        "FP32 [batch, 3, 224, 224]"
    );
    assert_eq!(
        found.summary.signature.outputs[0].to_string(),
        "FP32 [batch, 1000]"
    );
    assert!(
        (4_600_000..4_700_000).contains(&found.summary.parameters),
        "{:?}",
        found.summary
    );
}

#[test]
fn every_element_type_is_named() {
    for (number, datatype) in [
        (1, DataType::Fp32),
        (2, DataType::Uint8),
        (3, DataType::Int8),
        (4, DataType::Uint16),
        (5, DataType::Int16),
        (6, DataType::Int32),
        (7, DataType::Int64),
        (8, DataType::Bytes),
        (9, DataType::Bool),
        (10, DataType::Fp16),
        (11, DataType::Fp64),
        (12, DataType::Uint32),
        (13, DataType::Uint64),
        (16, DataType::Bf16),
    ] {
        let found = read(&model(graph(
            Proto::new().message(11, value("x", number, &[F(1)])),
        )));
        assert_eq!(
            found.unwrap().summary.signature.inputs[0].datatype,
            datatype
        );
    }
}

#[test]
fn shapes_keep_what_the_model_knows() {
    let unranked = Proto::new().varint(1, 7);
    let unranked = Proto::new()
        .text(1, "a")
        .message(2, Proto::new().message(1, unranked));
    let proto = model(graph(
        Proto::new()
            .message(11, unranked)
            .message(11, value("b", 1, &[]))
            .message(11, value("c", 1, &[F(-1), D(""), D("höhe"), F(0)])),
    ));
    let inputs = read(&proto).unwrap().summary.signature.inputs;
    assert_eq!(inputs[0].shape, None);
    assert_eq!(inputs[1].shape, Some(vec![]));
    let dynamic = |name: &str| Dimension::Dynamic(name.to_owned());
    let shape = vec![
        dynamic(""),
        dynamic(""),
        dynamic("höhe"),
        Dimension::Fixed(0),
    ];
    assert_eq!(inputs[2].shape.as_ref(), Some(&shape));
}

#[test]
fn initializers_are_no_inputs_wherever_they_stand() {
    let sparse = Proto::new()
        .message(1, tensor("s", &[2]))
        .message(2, tensor("", &[2]))
        .varint(3, 10)
        .varint(3, 20);
    let proto = model(graph(
        Proto::new()
            .message(11, value("w", 1, &[F(5)]))
            .message(11, value("x", 1, &[F(1)]))
            .message(11, value("s", 1, &[F(10), F(20)]))
            .message(5, tensor("w", &[5]))
            .message(15, sparse),
    ));
    let summary = read(&proto).unwrap().summary;
    let names: Vec<&str> = summary
        .signature
        .inputs
        .iter()
        .map(|i| i.name.as_str())
        .collect();
    assert_eq!(names, ["x"]);
    assert_eq!(summary.parameters, 205);
}

#[test]
fn parameters_count_wherever_they_are() {
    let subgraph = Proto::new().message(5, tensor("inner", &[7]));
    let constant = Proto::new()
        .text(1, "value")
        .message(5, tensor("no parameter", &[1000]));
    let branch = Proto::new()
        .text(1, "then_branch")
        .message(6, subgraph.clone());
    let both = Proto::new()
        .text(1, "bodies")
        .each(11, [subgraph.clone(), subgraph.clone()]);
    let packed = Proto::new().bytes(1, &[2, 3]).text(8, "packed");
    let function = Proto::new().message(7, node("If", &[], &[]).message(5, branch.clone()));
    let proto = model(graph(
        Proto::new()
            .message(
                1,
                node("If", &["c"], &["y"])
                    .message(5, branch)
                    .message(5, both),
            )
            .message(1, node("Constant", &[], &["k"]).message(5, constant))
            .message(5, packed)
            .message(5, tensor("scalar", &[])),
    ))
    .message(25, function);
    assert_eq!(read(&proto).unwrap().summary.parameters, 4 * 7 + 6 + 1);
}

#[test]
fn outputs_are_followed_past_what_only_reshapes() {
    let nodes = [
        node("Softmax", &["logits"], &["p"]),
        node("Cast", &["p"], &["q"]),
        node("Identity", &["q"], &["y"]),
    ];
    let found = read(&model(graph(Proto::new().each(1, nodes)))).unwrap();
    assert_eq!(found.output_operators["y"], ["Identity", "Cast", "Softmax"]);
    let circle = [node("Identity", &["y"], &["y"])];
    let found = read(&model(graph(Proto::new().each(1, circle)))).unwrap();
    assert_eq!(found.output_operators["y"].len(), 8);
}

#[test]
fn damage_is_named_with_its_place() {
    let whole = model(classifier(10, "Gemm"));
    let cut = Proto(whole.0[..40].to_vec());
    let deep = (0..60).fold(Proto::new(), |graph, _| {
        let attribute = Proto::new().message(6, graph);
        Proto::new().message(1, Proto::new().message(5, attribute))
    });
    let two = model(graph(Proto::new())).message(7, graph(Proto::new()));
    let with = |rest| model(graph(rest));
    for (name, proto, message) in [
        (
            "cut",
            cut,
            "a field of 142 bytes, where 18 are left (byte 19)",
        ),
        (
            "header",
            Proto(b"\x08\x0a\x12\x07pytorch".to_vec()),
            "it ends without a graph: the file is cut off (byte 11)",
        ),
        (
            "kind",
            Proto(b"\x08\x0a\x0b".to_vec()),
            "it holds no ONNX model: 3 is no kind of field (byte 2)",
        ),
        (
            "zero",
            Proto(b"\x08\x0a\x00\x00".to_vec()),
            "it holds no ONNX model: 0 is no field number (byte 2)",
        ),
        (
            "number",
            Proto(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec()),
            "it holds no ONNX model: a number of more than 64 bits (byte 1)",
        ),
        (
            "fixed",
            Proto(b"\x08\x0a\x11\x00".to_vec()),
            "it holds no ONNX model: 8 bytes should follow, and 1 do (byte 3)",
        ),
        (
            "graph",
            Proto::new().varint(1, 10).varint(7, 1),
            "it holds no ONNX model: field 7 is of the wrong kind (byte 2)",
        ),
        (
            "utf-8",
            Proto::new().varint(1, 10).bytes(2, b"a\xff"),
            "a text that is not UTF-8 (byte 5)",
        ),
        (
            "two graphs",
            two,
            "a second graph, where a model has one (byte 44)",
        ),
        (
            "outputs",
            model(Proto::new()),
            "its graph has no outputs: the file is damaged",
        ),
        (
            "deep",
            with(deep),
            "graphs in graphs, more than 48 deep (byte 424)",
        ),
        (
            "negative",
            with(Proto::new().message(5, tensor("w", &[-1]))),
            "a tensor with an axis of negative length (byte 23)",
        ),
        (
            "overflow",
            with(Proto::new().message(5, tensor("w", &[1 << 62, 4]))),
            "a tensor with more elements than can be counted (byte 33)",
        ),
        (
            "sum",
            with(Proto::new().each(
                5,
                [
                    tensor("a", &[i64::MAX]),
                    tensor("b", &[i64::MAX]),
                    tensor("c", &[2]),
                ],
            )),
            "more parameters than can be counted (byte 55)",
        ),
        (
            "axes",
            with(Proto::new().message(11, value("x", 1, &[const { F(1) }; 65]))),
            "a shape of more than 64 axes (byte 295)",
        ),
        (
            "unplaced",
            with(Proto::new().message(5, external("w", &[1], &[("offset", "0")]))),
            "a tensor whose data is in a file that is not named (byte 23)",
        ),
        (
            "offset",
            with(Proto::new().message(
                5,
                external("w", &[1], &[("location", "w.bin"), ("offset", "x")]),
            )),
            "the external data's offset is no number of bytes (byte 49)",
        ),
        (
            "endless",
            with(Proto::new().message(
                5,
                external(
                    "w",
                    &[1],
                    &[("location", "w.bin"), ("offset", "18446744073709551615")],
                ),
            )),
            "a tensor whose data ends past what any file can hold (byte 23)",
        ),
    ] {
        let expected = format!("DIR/m.onnx can't be read as a model: {message}");
        assert_eq!(read(&proto).unwrap_err(), expected, "{name}");
    }
}

#[test]
fn inputs_that_are_no_tensors_are_refused_in_words() {
    let typed = |name: &str, kind| Proto::new().text(1, name).message(2, kind);
    let sequence = Proto::new().message(4, Proto::new());
    for (graph, message) in [
        (
            Proto::new().message(12, typed("probabilities", sequence)),
            "DIR/m.onnx is an ONNX model whose output `probabilities` is a sequence, where Boxwright \
             takes tensors of numbers, booleans or strings",
        ),
        (
            graph(Proto::new().message(11, value("x", 22, &[F(1)]))),
            "DIR/m.onnx is an ONNX model whose input `x` is a tensor of int4, where Boxwright takes \
             tensors of numbers, booleans or strings",
        ),
    ] {
        assert_eq!(read(&model(graph)).unwrap_err(), message);
    }
}

fn scanned(bytes: &[u8]) -> Result<Scanned, Fault> {
    scan(&mut Source::new(Cursor::new(bytes)).unwrap())
}

fn whole() -> Vec<u8> {
    let subgraph = Proto::new().message(5, tensor("inner", &[7]));
    let branch = Proto::new().message(6, subgraph);
    let rest = classifier(10, "Gemm")
        .message(1, node("If", &[], &[]).message(5, branch))
        .message(
            5,
            external(
                "e",
                &[2],
                &[("location", "w"), ("offset", "3"), ("length", "8")],
            ),
        );
    model(rest)
        .message(14, pair("names", "['a', 'b']"))
        .message(25, Proto::new())
        .0
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes_end_in_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(scanned(&bytes));
    }

    #[test]
    fn a_changed_model_ends_in_an_answer(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = whole();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(Scanned::Model(found)) = scanned(&bytes) {
            prop_assert!(found.kept <= super::MOST_KEPT);
        }
        bytes.truncate(end.index(bytes.len()));
        drop(scanned(&bytes));
    }

    #[test]
    fn a_cut_model_is_never_taken_for_a_whole_one(end in any::<prop::sample::Index>()) {
        let bytes = whole();
        // Past the graph only the operator sets, metadata and functions follow.
        let end = end.index(bytes.len() - 60);
        prop_assert!(!matches!(scanned(&bytes[..end]), Ok(Scanned::Model(_))));
    }
}
