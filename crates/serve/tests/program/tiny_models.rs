//! Small ONNX models.

use boxwright_onnx_writer::{Axis, ElementType, Graph, Model, Node, Value};
use boxwright_tensor::DataType;

/// A model that gives its input `x` back, as `y` and as `z`. An axis is a number, or a name where
/// it is dynamic.
pub fn echo(datatype: DataType, axes: &[&str]) -> Vec<u8> {
    let axes: Vec<Axis> = axes.iter().map(|axis| Axis::of(axis)).collect();
    let value = |name: &str| Value::tensor(name, element(datatype), &axes);
    let graph = Graph::new()
        .node(Node::new("Identity", &["x"], &["y"]))
        .node(Node::new("Identity", &["x"], &["z"]))
        .name("echo")
        .input(value("x"))
        .output(value("y"))
        .output(value("z"));
    Model::new(8).graph(graph).opset("", 16).into_bytes()
}

/// What ONNX calls the element type.
fn element(datatype: DataType) -> ElementType {
    match datatype {
        DataType::Fp32 => ElementType::Float,
        DataType::Uint8 => ElementType::Uint8,
        DataType::Int8 => ElementType::Int8,
        DataType::Uint16 => ElementType::Uint16,
        DataType::Int16 => ElementType::Int16,
        DataType::Int32 => ElementType::Int32,
        DataType::Int64 => ElementType::Int64,
        DataType::Bytes => ElementType::String,
        DataType::Bool => ElementType::Bool,
        DataType::Fp16 => ElementType::Float16,
        DataType::Fp64 => ElementType::Double,
        DataType::Uint32 => ElementType::Uint32,
        DataType::Uint64 => ElementType::Uint64,
        DataType::Bf16 => ElementType::Bfloat16,
    }
}
