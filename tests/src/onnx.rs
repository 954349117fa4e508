//! Small ONNX models, written field by field as `onnx.proto` numbers them.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

const FLOAT: u64 = 1;

/// A message of protocol buffers that is being put together.
#[derive(Debug, Clone, Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(mut self, field: u64, value: u64) -> Self {
        varint(&mut self.0, field << 3);
        varint(&mut self.0, value);
        self
    }

    fn bytes(self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        let mut message = self.opened(field, bytes.len() as u64);
        message.0.extend(bytes);
        message
    }

    fn message(self, field: u64, message: Self) -> Self {
        self.bytes(field, message.0)
    }

    /// Key and length of a field whose bytes follow.
    fn opened(mut self, field: u64, length: u64) -> Self {
        varint(&mut self.0, field << 3 | 2);
        varint(&mut self.0, length);
        self
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A graph's input or output: an axis is a number, or a name where it is dynamic.
fn value(name: &str, axes: &[&str]) -> Message {
    let shape = axes.iter().fold(Message::default(), |shape, axis| {
        let dimension = match axis.parse() {
            Ok(length) => Message::default().number(1, length),
            Err(_) => Message::default().bytes(2, axis),
        };
        shape.message(1, dimension)
    });
    let tensor = Message::default().number(1, FLOAT).message(2, shape);
    Message::default()
        .bytes(1, name)
        .message(2, Message::default().message(1, tensor))
}

fn model(graph: Message) -> Message {
    Message::default()
        .number(1, 8)
        .bytes(2, "boxwright-tests")
        .message(7, graph)
        .message(8, Message::default().bytes(1, "").number(2, 13))
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
    let axes = Message::default()
        .bytes(1, "axes")
        .number(8, 2)
        .number(8, 3)
        .number(20, 7);
    let keep = Message::default()
        .bytes(1, "keepdims")
        .number(3, 0)
        .number(20, 2);
    let node = Message::default()
        .bytes(1, "images")
        .bytes(2, "scores")
        .bytes(4, "ReduceMean")
        .message(5, axes)
        .message(5, keep);
    let graph = Message::default()
        .message(1, node)
        .bytes(2, "mean colour")
        .message(11, value("images", &["batch", "3", height, width]))
        .message(12, value("scores", &["batch", "3"]));
    model(graph).0
}

/// A model whose one weight claims to lie in another file, at `location`.
pub fn with_external_data(location: &str) -> Vec<u8> {
    let entry = |key, value| Message::default().bytes(1, key).bytes(2, value);
    let weight = Message::default()
        .number(1, 3)
        .number(2, FLOAT)
        .bytes(8, "bias")
        .message(13, entry("location", location))
        .message(13, entry("length", "12"))
        .number(14, 1);
    let node = Message::default()
        .bytes(1, "scores")
        .bytes(1, "bias")
        .bytes(2, "sum")
        .bytes(4, "Add");
    let graph = Message::default()
        .message(1, node)
        .bytes(2, "external")
        .message(5, weight)
        .message(11, value("scores", &["batch", "3"]))
        .message(12, value("sum", &["batch", "3"]));
    model(graph).0
}

/// Writes a model with `bytes` bytes of weights, all zero: a hole in the file.
///
/// # Panics
/// When the file can't be written.
pub fn write_huge(path: &Path, bytes: u64) {
    let weight = Message::default()
        .number(1, bytes / 4)
        .number(2, FLOAT)
        .bytes(8, "weight");
    let weight = weight.opened(9, bytes);
    let rest = Message::default()
        .message(11, value("x", &["1"]))
        .message(12, value("y", &["1"]));
    let graph = Message::default()
        .bytes(2, "huge")
        .opened(5, weight.0.len() as u64 + bytes);
    let length = graph.0.len() as u64 + weight.0.len() as u64 + bytes + rest.0.len() as u64;
    let head = Message::default().number(1, 8).opened(7, length);
    let tail = Message::default().message(8, Message::default().bytes(1, "").number(2, 13));
    let mut file = File::create(path).unwrap();
    for part in [&head, &graph, &weight] {
        file.write_all(&part.0).unwrap();
    }
    file.seek(SeekFrom::Current(bytes.cast_signed())).unwrap();
    file.write_all(&rest.0).unwrap();
    file.write_all(&tail.0).unwrap();
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
    let key = Message::default().opened(9, bytes).0;
    let at = model.windows(key.len()).position(|window| window == key);
    let start = at.expect("a weight of this size") + key.len();
    start..start + usize::try_from(bytes).unwrap()
}
