//! The models that several tests read.

use std::path::{Path, PathBuf};

use boxwright_onnx_writer::Axis::{Dynamic, Fixed};
use boxwright_onnx_writer::ElementType::Float;
use boxwright_onnx_writer::{Graph, Model, Node, Tensor, Value};

/// A model of IR version 10 and operator set 18 around a graph.
pub(crate) fn model(graph: Graph) -> Model {
    Model::new(10)
        .producer("pytorch", "2.15.0")
        .graph(graph)
        .opset("", 18)
}

/// A classifier of pictures, NCHW, whose output is made by `last`.
pub(crate) fn classifier(classes: i64, last: &str) -> Graph {
    let images = [Dynamic("batch"), Fixed(3), Fixed(224), Fixed(224)];
    let scores = [Dynamic("batch"), Fixed(classes)];
    Graph::new()
        .node(Node::new("Conv", &["images", "w"], &["features"]))
        .node(Node::new(last, &["features"], &["scores"]))
        .initializer(Tensor::float("w", &[classes, 3, 1, 1]))
        .input(Value::tensor("images", Float, &images))
        .output(Value::tensor("scores", Float, &scores))
}

/// Writes a model as `name` into the folder.
pub(crate) fn write(folder: &Path, name: &str, model: &Model) -> PathBuf {
    let path = folder.join(name);
    model.write(&path).unwrap();
    path
}
