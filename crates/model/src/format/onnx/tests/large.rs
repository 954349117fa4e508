use std::time::{Duration, Instant};

use boxwright_onnx_writer::Axis::Fixed as F;
use boxwright_onnx_writer::ElementType::Float;
use boxwright_onnx_writer::{Graph, LargeModel, Node, Value};

use super::{graph, read};
use crate::inspect;
use crate::testing::model;

/// Bytes of a process that were read from disk or the page cache, as the kernel counts them.
#[cfg(target_os = "linux")]
fn bytes_read() -> u64 {
    let io = std::fs::read_to_string("/proc/thread-self/io").unwrap();
    let line = io
        .lines()
        .find_map(|line| line.strip_prefix("rchar: "))
        .unwrap();
    line.parse().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn two_gigabytes_are_not_read() {
    const DATA: u64 = 2_000_000_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.onnx");
    let ends = ["x", "y"].map(|name| [Value::tensor(name, Float, &[F(1)])]);
    let large = LargeModel::new(Graph::new(), DATA, &ends[0], &ends[1]);
    large.write_with_hole(&path).unwrap();
    let (before, start) = (bytes_read(), Instant::now());
    let found = inspect(&path).unwrap();
    let (read, took) = (bytes_read() - before, start.elapsed());
    assert_eq!(found.summary.parameters, 500_000_000);
    assert_eq!(found.summary.signature.outputs[0].name, "y");
    assert!(read < 1 << 20, "{read} bytes were read");
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_million_fields_are_read_and_endless_ones_are_not() {
    let nodes = Graph::new().nodes((0..300_000).map(|_| Node::new("Relu", &["a"], &["b"])));
    let start = Instant::now();
    read(model(graph(nodes))).unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    let input = || Value::tensor("x", Float, &[F(1)]);
    let names = (0..300_000).fold(Graph::new(), |graph, _| graph.input(input()));
    let message = read(model(graph(names))).unwrap_err();
    assert!(
        message.contains("more names, shapes and metadata than any model has"),
        "{message}"
    );
}
