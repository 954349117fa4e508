//! Models that do nothing, with the signatures that exporters write.

use boxwright_onnx_writer::Axis::{self, Dynamic as D, Fixed as F};
use boxwright_onnx_writer::ElementType::{self, Float};
use boxwright_onnx_writer::{Graph, Model, Value};

use super::guess;
use crate::guess::Guessed;
use crate::testing::model;

pub(super) type Tensor<'a> = (&'a str, ElementType, &'a [Axis<'a>]);
pub(super) type Texts<'a> = &'a [(&'a str, &'a str)];

/// A model that does nothing, with these inputs, outputs and metadata.
pub(super) fn proto(inputs: &[Tensor], outputs: &[Tensor], metadata: Texts) -> Model {
    let mut graph = Graph::new();
    for (name, element, axes) in inputs {
        graph = graph.input(Value::tensor(name, *element, axes));
    }
    for (name, element, axes) in outputs {
        graph = graph.output(Value::tensor(name, *element, axes));
    }
    let add = |model: Model, (key, text): &(&str, &str)| model.metadata(key, text);
    metadata.iter().fold(model(graph), add)
}

/// The guess for a model of pictures of this size.
pub(super) fn sized(side: i64, outputs: &[Tensor], metadata: Texts, files: Texts) -> Guessed {
    let axes = [F(1), F(3), F(side), F(side)];
    let inputs = [("images", Float, &axes[..])];
    guess("m", &proto(&inputs, outputs, metadata), files)
}

/// The guess for a model of pictures of any size.
pub(super) fn open(folder: &str, outputs: &[Tensor], metadata: Texts, files: Texts) -> Guessed {
    let axes = [D("batch"), F(3), D("height"), D("width")];
    let inputs = [("images", Float, &axes[..])];
    guess(folder, &proto(&inputs, outputs, metadata), files)
}

pub(super) const COCO: &str = "{0: 'cat', 1: 'dog', 2: \"o'clock\", 3: 'tie'}";

pub(super) fn ultralytics<'a>(task: &'a str, more: Texts<'a>) -> Vec<(&'a str, &'a str)> {
    let common = [
        ("author", "Ultralytics"),
        ("task", task),
        ("names", COCO),
        ("stride", "32"),
        ("imgsz", "[640, 640]"),
    ];
    common.iter().chain(more).copied().collect()
}
