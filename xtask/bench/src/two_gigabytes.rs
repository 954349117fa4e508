//! An ONNX model of 2 GB: one matrix that is added to the input, of numbers that don't compress.

use std::path::PathBuf;

use boxwright_onnx_writer::ElementType::Float;
use boxwright_onnx_writer::{Axis, Graph, LargeModel, Node, Value};

use crate::bench::Bench;
use crate::failed::Failed;

/// Bytes of the weight, so that the file stays below protobuf's 2 GiB.
const WEIGHT: u64 = 2_000_000_000;

/// The model's file, made once in a run.
pub fn model(bench: &Bench) -> Result<PathBuf, Failed> {
    let folder = bench.scratch.path().join("two-gigabytes");
    let path = folder.join("large.onnx");
    if path.is_file() {
        return Ok(path);
    }
    std::fs::create_dir_all(&folder)?;
    let graph = Graph::new()
        .node(Node::new("Add", &["x", "weight"], &["y"]))
        .name("large");
    let value = |name| [Value::tensor(name, Float, &[Axis::Dynamic("n")])];
    LargeModel::new(graph, WEIGHT, &value("x"), &value("y")).write_with_noise(&path)?;
    Ok(path)
}
