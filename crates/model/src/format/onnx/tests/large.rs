use std::io::{Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use super::{graph, read};
use crate::inspect;
use crate::testing::Axis::F;
use crate::testing::{Proto, model, node, tensor, value};

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
    let mut file = std::fs::File::create(&path).unwrap();
    let length = |message: u64| {
        let length = Proto::new().varint(0, message.cast_signed()).0;
        length[1..].to_vec()
    };
    // The tensor's own fields, then its data, then the rest of the graph.
    let facts = tensor("w", &[500_000_000]).0;
    let rest = Proto::new()
        .message(11, value("x", 1, &[F(1)]))
        .message(12, value("y", 1, &[F(1)]))
        .0;
    let data = [&[0x4a][..], &length(DATA)].concat();
    let tensor_size = (facts.len() + data.len()) as u64 + DATA;
    let in_graph = [&[0x2a][..], &length(tensor_size)].concat();
    let graph_size = in_graph.len() as u64 + tensor_size + rest.len() as u64;
    let head = [
        &[0x08, 10, 0x3a][..],
        &length(graph_size),
        &in_graph,
        &facts,
        &data,
    ]
    .concat();
    file.write_all(&head).unwrap();
    file.set_len(head.len() as u64 + DATA).unwrap();
    file.seek(SeekFrom::End(0)).unwrap();
    file.write_all(&rest).unwrap();
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
    let nodes = Proto::new().each(1, (0..300_000).map(|_| node("Relu", &["a"], &["b"])));
    let start = Instant::now();
    read(&model(graph(nodes))).unwrap();
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    let names = Proto::new().each(11, (0..300_000).map(|_| value("x", 1, &[F(1)])));
    let message = read(&model(graph(names))).unwrap_err();
    assert!(
        message.contains("more names, shapes and metadata than any model has"),
        "{message}"
    );
}
