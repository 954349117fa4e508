//! The models of the journeys, and the package of one of them.

use std::path::Path;

use boxwright_onnx_writer::ElementType::Float;
use boxwright_onnx_writer::{Attribute, Axis, Graph, LargeModel, Message, Model, Node};
use boxwright_onnx_writer::{Tensor, Value};

/// A graph's input or output: an axis is a number, or a name where it is dynamic.
fn value(name: &str, axes: &[&str]) -> Value {
    let axes: Vec<Axis> = axes.iter().map(|axis| Axis::of(axis)).collect();
    Value::tensor(name, Float, &axes)
}

fn model(graph: Graph) -> Vec<u8> {
    Model::new(8)
        .producer("boxwright-tests", "")
        .graph(graph)
        .opset("", 13)
        .into_bytes()
}

/// A model that gives the mean of each colour channel: `images` f32 [batch, 3, size, size] to
/// `scores` f32 [batch, 3].
pub fn mean_colour(size: u32) -> Vec<u8> {
    let side = size.to_string();
    mean_colour_of(&side, &side)
}

/// The same model for pictures of any size: `images` f32 [batch, 3, height, width].
pub fn mean_colour_of_any_size() -> Vec<u8> {
    mean_colour_of("height", "width")
}

fn mean_colour_of(height: &str, width: &str) -> Vec<u8> {
    let mean = Node::new("ReduceMean", &["images"], &["scores"])
        .attribute(Attribute::ints("axes", &[2, 3]))
        .attribute(Attribute::int("keepdims", 0));
    let graph = Graph::new()
        .node(mean)
        .name("mean colour")
        .input(value("images", &["batch", "3", height, width]))
        .output(value("scores", &["batch", "3"]));
    model(graph)
}

/// A model that gives back what it is fed: `images` to `fed`, f32 [batch, 3, size, size].
pub fn echo(size: u32) -> Vec<u8> {
    let side = size.to_string();
    let axes = ["batch", "3", &side, &side];
    let graph = Graph::new()
        .node(Node::new("Identity", &["images"], &["fed"]))
        .name("echo")
        .input(value("images", &axes))
        .output(value("fed", &axes));
    model(graph)
}

/// A model whose one weight claims to lie in another file, at `location`.
pub fn with_external_data(location: &str) -> Vec<u8> {
    let bias = Tensor::float("bias", &[3]).external(&[("location", location), ("length", "12")]);
    let graph = Graph::new()
        .node(Node::new("Add", &["scores", "bias"], &["sum"]))
        .name("external")
        .initializer(bias)
        .input(value("scores", &["batch", "3"]))
        .output(value("sum", &["batch", "3"]));
    model(graph)
}

/// Writes a model with `bytes` bytes of weights, all zero: a hole in the file.
///
/// # Panics
/// When the file can't be written.
pub fn write_huge(path: &Path, bytes: u64) {
    let (x, y) = (value("x", &["1"]), value("y", &["1"]));
    let graph = Graph::new().name("huge");
    let model = LargeModel::new(graph, bytes, &[x], &[y]);
    model.write_with_hole(path).unwrap();
}

/// The package file of [`mean_colour`], for labels in `labels.txt`.
pub fn mean_colour_package(name: &str, size: u32) -> String {
    format!(
        r#"format = 1

[package]
name = "{name}"
version = "1"
description = ""

[model]
files = [{{ path = "model.onnx" }}]

[[input]]
name = "images"
kind = "image"
layout = "NCHW"
dtype = "f32"
width = {size}
height = {size}

[preprocess]
resize = "stretch"
filter = "bilinear"
crop = "none"
channels = "rgb"
mean = [0.0, 0.0, 0.0]
std = [255.0, 255.0, 255.0]
exif = true

[postprocess]
task = "classification"
output = "scores"
activation = "none"
top_k = 3

[labels]
file = "labels.txt"
"#
    )
}

/// Writes a whole package of [`mean_colour`] with these three labels.
///
/// # Panics
/// When the folder can't be written.
pub fn write_mean_colour(folder: &Path, name: &str, labels: [&str; 3]) {
    std::fs::create_dir_all(folder).unwrap();
    std::fs::write(folder.join("model.onnx"), mean_colour(16)).unwrap();
    std::fs::write(folder.join("labels.txt"), labels.join("\n") + "\n").unwrap();
    std::fs::write(folder.join("boxwright.toml"), mean_colour_package(name, 16)).unwrap();
}

/// Where the weight of this many bytes lies in a model: they may be changed, and the file stays a
/// model.
///
/// # Panics
/// When there is none.
pub fn weight_of(model: &[u8], bytes: u64) -> std::ops::Range<usize> {
    // `raw_data` is field 9 of a tensor.
    let key = Message::new().opened(9, bytes).0;
    let at = model.windows(key.len()).position(|window| window == key);
    let start = at.expect("a weight of this size") + key.len();
    start..start + usize::try_from(bytes).unwrap()
}
