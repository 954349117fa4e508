use std::io::Cursor;

use boxwright_onnx_writer::Axis::{Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::{self, Float};
use boxwright_onnx_writer::{Attribute, Graph, Message, Node, SparseTensor, Tensor, Value};
use boxwright_tensor::{DataType, Dimension};
use proptest::prelude::*;

use super::super::source::{Fault, Source};
use super::{Scanned, scan};
use crate::testing::{classifier, model};
use crate::{Model, inspect};

mod external;
mod large;

fn read(model: impl Into<Message>) -> Result<Model, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    std::fs::write(&path, model.into().0).unwrap();
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
fn graph(rest: Graph) -> Graph {
    rest.output(Value::tensor("y", Float, &[F(1)]))
}

#[test]
fn a_model_says_what_it_is() {
    let proto = model(classifier(1000, "Gemm"))
        .description("A cat finder")
        .opset("ai.onnx.ml", 3)
        .metadata("names", "{0: 'cat', 1: 'dog'}");
    let size = proto.0.0.len() as u64;
    let found = read(proto).unwrap();
    let summary = &found.summary;
    assert_eq!(
        (summary.file.as_str(), summary.format.as_str()),
        ("m.onnx", "ONNX")
    );
    assert_eq!(summary.size_bytes, size);
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
fn operators_that_onnx_runtime_lacks_are_named_with_their_owner() {
    let with = |operator: &str, domain: &str| {
        model(graph(
            Graph::new().node(Node::new(operator, &["x"], &["y"]).domain(domain)),
        ))
    };
    for (operator, domain, says) in [
        (
            "EfficientNMS_TRT",
            "",
            "`EfficientNMS_TRT`, a plug-in of NVIDIA's TensorRT",
        ),
        (
            "BatchedNMS_TRT",
            "TRT",
            "`BatchedNMS_TRT` in the domain `TRT`, a plug-in of NVIDIA's",
        ),
        (
            "TRTBatchedNMS",
            "mmdeploy",
            "`TRTBatchedNMS` in the domain `mmdeploy`",
        ),
        ("NMSRotated", "mmdeploy", "of OpenMMLab"),
        (
            "ImageDecoder",
            "ai.onnx.contrib",
            "of onnxruntime-extensions",
        ),
        ("foo", "my.company", "of another program"),
    ] {
        let message = read(with(operator, domain)).unwrap_err();
        assert!(message.contains(says), "{message} is not {says}");
        assert!(message.contains("ONNX Runtime does not have"), "{message}");
    }
    for (operator, domain) in [
        ("Gemm", ""),
        ("Gemm", "ai.onnx"),
        ("LinearClassifier", "ai.onnx.ml"),
        ("FusedConv", "com.microsoft"),
    ] {
        read(with(operator, domain)).unwrap();
    }
    // A function of the model's own may be in any domain.
    read(with("foo", "my.company").operator("my.company", "foo")).unwrap();
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
    for (element, datatype) in [
        (ElementType::Float, DataType::Fp32),
        (ElementType::Uint8, DataType::Uint8),
        (ElementType::Int8, DataType::Int8),
        (ElementType::Uint16, DataType::Uint16),
        (ElementType::Int16, DataType::Int16),
        (ElementType::Int32, DataType::Int32),
        (ElementType::Int64, DataType::Int64),
        (ElementType::String, DataType::Bytes),
        (ElementType::Bool, DataType::Bool),
        (ElementType::Float16, DataType::Fp16),
        (ElementType::Double, DataType::Fp64),
        (ElementType::Uint32, DataType::Uint32),
        (ElementType::Uint64, DataType::Uint64),
        (ElementType::Bfloat16, DataType::Bf16),
    ] {
        let found = read(model(graph(Graph::new().input(Value::tensor(
            "x",
            element,
            &[F(1)],
        )))));
        assert_eq!(
            found.unwrap().summary.signature.inputs[0].datatype,
            datatype
        );
    }
}

#[test]
fn shapes_keep_what_the_model_knows() {
    let proto = model(graph(
        Graph::new()
            .input(Value::unranked("a", ElementType::Int64))
            .input(Value::tensor("b", Float, &[]))
            .input(Value::tensor("c", Float, &[F(-1), D(""), D("höhe"), F(0)])),
    ));
    let inputs = read(proto).unwrap().summary.signature.inputs;
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
    let (values, indices) = (Tensor::float("s", &[2]), Tensor::float("", &[2]));
    let sparse = SparseTensor::new(values, indices, &[10, 20]);
    let proto = model(graph(
        Graph::new()
            .input(Value::tensor("w", Float, &[F(5)]))
            .input(Value::tensor("x", Float, &[F(1)]))
            .input(Value::tensor("s", Float, &[F(10), F(20)]))
            .initializer(Tensor::float("w", &[5]))
            .sparse_initializer(sparse),
    ));
    let summary = read(proto).unwrap().summary;
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
    let subgraph = Graph::new().initializer(Tensor::float("inner", &[7]));
    let weights = Attribute::tensor("value", Tensor::float("weights", &[1000]));
    let places = Tensor::new("places", ElementType::Int64, &[500]);
    let places = Attribute::tensor("value", places);
    let scalar = Attribute::tensor("value", Tensor::float("no parameter", &[]));
    let branch = Attribute::graph("then_branch", subgraph.clone());
    let both = Attribute::graphs("bodies", [subgraph.clone(), subgraph]);
    let packed = Tensor(Message::new().bytes(1, [2, 3]).bytes(8, "packed"));
    let function = [Node::new("If", &[], &[]).attribute(branch.clone())];
    let proto = model(graph(
        Graph::new()
            .node(
                Node::new("If", &["c"], &["y"])
                    .attribute(branch)
                    .attribute(both),
            )
            .node(Node::new("Constant", &[], &["k"]).attribute(weights))
            .node(Node::new("Constant", &[], &["l"]).attribute(places))
            .node(Node::new("Constant", &[], &["m"]).attribute(scalar))
            .initializer(packed)
            .initializer(Tensor::float("scalar", &[])),
    ))
    .function(function);
    assert_eq!(
        read(proto).unwrap().summary.parameters,
        4 * 7 + 6 + 1 + 1000
    );
}

#[test]
fn outputs_are_followed_past_what_only_reshapes() {
    let nodes = [
        Node::new("Softmax", &["logits"], &["p"]),
        Node::new("Cast", &["p"], &["q"]),
        Node::new("Identity", &["q"], &["y"]),
    ];
    let found = read(model(graph(Graph::new().nodes(nodes)))).unwrap();
    assert_eq!(found.output_operators["y"], ["Identity", "Cast", "Softmax"]);
    let circle = [Node::new("Identity", &["y"], &["y"])];
    let found = read(model(graph(Graph::new().nodes(circle)))).unwrap();
    assert_eq!(found.output_operators["y"].len(), 8);
}

#[test]
fn damage_is_named_with_its_place() {
    let whole = model(classifier(10, "Gemm"));
    let cut = Message(whole.0.0[..40].to_vec());
    let deep = (0..60).fold(Graph::new(), |graph, _| {
        let body = Attribute::graph("", graph);
        Graph::new().node(Node::default().attribute(body))
    });
    let two = model(graph(Graph::new())).graph(graph(Graph::new()));
    let with = |rest| Message::from(model(graph(rest)));
    for (name, proto, message) in [
        (
            "cut",
            cut,
            "a field of 142 bytes, where 18 are left (byte 19)",
        ),
        (
            "header",
            Message(b"\x08\x0a\x12\x07pytorch".to_vec()),
            "it ends without a graph: the file is cut off (byte 11)",
        ),
        (
            "kind",
            Message(b"\x08\x0a\x0b".to_vec()),
            "it holds no ONNX model: 3 is no kind of field (byte 2)",
        ),
        (
            "zero",
            Message(b"\x08\x0a\x00\x00".to_vec()),
            "it holds no ONNX model: 0 is no field number (byte 2)",
        ),
        (
            "number",
            Message(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec()),
            "it holds no ONNX model: a number of more than 64 bits (byte 1)",
        ),
        (
            "fixed",
            Message(b"\x08\x0a\x11\x00".to_vec()),
            "it holds no ONNX model: 8 bytes should follow, and 1 do (byte 3)",
        ),
        (
            "graph",
            Message::new().number(1, 10).number(7, 1),
            "it holds no ONNX model: field 7 is of the wrong kind (byte 2)",
        ),
        (
            "utf-8",
            Message::new().number(1, 10).bytes(2, b"a\xff"),
            "a text that is not UTF-8 (byte 5)",
        ),
        (
            "two graphs",
            two.into(),
            "a second graph, where a model has one (byte 44)",
        ),
        (
            "outputs",
            model(Graph::new()).into(),
            "its graph has no outputs: the file is damaged",
        ),
        (
            "deep",
            with(deep),
            "graphs in graphs, more than 48 deep (byte 547)",
        ),
        (
            "negative",
            with(Graph::new().initializer(Tensor::float("w", &[-1]))),
            "a tensor with an axis of negative length (byte 23)",
        ),
        (
            "overflow",
            with(Graph::new().initializer(Tensor::float("w", &[1 << 62, 4]))),
            "a tensor with more elements than can be counted (byte 33)",
        ),
        (
            "sum",
            with(
                Graph::new()
                    .initializer(Tensor::float("a", &[i64::MAX]))
                    .initializer(Tensor::float("b", &[i64::MAX]))
                    .initializer(Tensor::float("c", &[2])),
            ),
            "more parameters than can be counted (byte 55)",
        ),
        (
            "axes",
            with(Graph::new().input(Value::tensor("x", Float, &[const { F(1) }; 65]))),
            "a shape of more than 64 axes (byte 295)",
        ),
        (
            "unplaced",
            with(Graph::new().initializer(Tensor::float("w", &[1]).external(&[("offset", "0")]))),
            "a tensor whose data is in a file that is not named (byte 23)",
        ),
        (
            "offset",
            with(Graph::new().initializer(
                Tensor::float("w", &[1]).external(&[("location", "w.bin"), ("offset", "x")]),
            )),
            "the external data's offset is no number of bytes (byte 49)",
        ),
        (
            "endless",
            with(
                Graph::new().initializer(
                    Tensor::float("w", &[1])
                        .external(&[("location", "w.bin"), ("offset", "18446744073709551615")]),
                ),
            ),
            "a tensor whose data ends past what any file can hold (byte 23)",
        ),
    ] {
        let expected = format!("DIR/m.onnx can't be read as a model: {message}");
        assert_eq!(read(proto).unwrap_err(), expected, "{name}");
    }
}

#[test]
fn inputs_that_are_no_tensors_are_refused_in_words() {
    for (graph, message) in [
        (
            Graph::new().output(Value::sequence("probabilities")),
            "DIR/m.onnx is an ONNX model whose output `probabilities` is a sequence, where Boxwright \
             takes tensors of numbers, booleans or strings",
        ),
        (
            graph(Graph::new().input(Value::tensor("x", ElementType::Int4, &[F(1)]))),
            "DIR/m.onnx is an ONNX model whose input `x` is a tensor of int4, where Boxwright takes \
             tensors of numbers, booleans or strings",
        ),
    ] {
        assert_eq!(read(model(graph)).unwrap_err(), message);
    }
}

fn scanned(bytes: &[u8]) -> Result<Scanned, Fault> {
    scan(&mut Source::new(Cursor::new(bytes)).unwrap())
}

fn whole() -> Vec<u8> {
    let subgraph = Graph::new().initializer(Tensor::float("inner", &[7]));
    let branch = Attribute::graph("", subgraph);
    let rest = classifier(10, "Gemm")
        .node(Node::new("If", &[], &[]).attribute(branch))
        .initializer(Tensor::float("e", &[2]).external(&[
            ("location", "w"),
            ("offset", "3"),
            ("length", "8"),
        ]));
    model(rest)
        .metadata("names", "['a', 'b']")
        .function([])
        .into_bytes()
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
            prop_assert!(found.tally.kept <= super::tally::MOST_KEPT);
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
