//! A small model of each task, with the metadata that its exporter writes. Those of boxes and text
//! answer the same for every picture; the others look at it.

use std::f32::consts::FRAC_PI_6;

use boxwright_onnx_writer::ElementType::{Float, Int64};
use boxwright_onnx_writer::{Attribute, Axis, Graph, Model, Node, Tensor, Value};

/// The side of the pictures that they take.
const SIDE: &str = "320";
/// The boxes of each picture, with scores from 0.95 down by 0.08: 9 of them are above 0.25.
pub const BOXES: usize = 12;
/// The classes of boxes, which come in turn.
pub const CLASSES: [&str; 3] = [
    "bolt",
    "a wall-mounted ventilation unit with a protective grille, seen from below",
    "nut",
];
/// What the model of text reads.
pub const TEXT: &str = "boxwright";

/// Detection, as Ultralytics exports YOLOv8.
pub fn detection() -> Vec<u8> {
    let rows = rows(&CLASSES, |_, _| Vec::new());
    ultralytics("detect", &CLASSES, &[head(&rows)], &[])
}

/// Detection with this many boxes of a few pixels, all above the threshold.
pub fn crowd(boxes: usize) -> Vec<u8> {
    let across = boxes.isqrt().max(1);
    let row = |place: usize| {
        let step = 300.0 / across as f32;
        let x = 10.0 + step * (0.5 + (place % across) as f32);
        let y = 60.0 + step * 0.6 * (place / across) as f32;
        let mut row = vec![x, y, step * 0.8, step * 0.5];
        let score = 0.97 - 0.7 * place as f32 / boxes as f32;
        row.extend((0..CLASSES.len()).map(|class| one_of(place % CLASSES.len(), class, score)));
        row
    };
    let rows: Vec<_> = (0..boxes).map(row).collect();
    ultralytics("detect", &CLASSES, &[head(&rows)], &[])
}

/// Rotated boxes.
pub fn rotated() -> Vec<u8> {
    let rows = rows(&CLASSES, |_, _| vec![FRAC_PI_6]);
    ultralytics("obb", &CLASSES, &[head(&rows)], &[])
}

/// Boxes with 17 keypoints down their diagonals.
pub fn pose() -> Vec<u8> {
    let keypoints = |x: f32, y: f32| {
        let share = |point: u8| f32::from(point) / 16.0 - 0.5;
        let at = |point| [x + 36.0 * share(point), y + 32.0 * share(point), 0.9];
        (0..17).flat_map(at).collect()
    };
    let head = head(&rows(&["person"], keypoints));
    ultralytics("pose", &["person"], &[head], &[("kpt_shape", "[17, 3]")])
}

/// Boxes with masks, which fill them.
pub fn instances() -> Vec<u8> {
    let coefficients = |_: f32, _: f32| (0..32).map(|place| one_of(0, place, 8.0)).collect();
    let prototypes = Constant {
        name: "output1",
        dims: vec![32, 1, 1],
        values: (0..32).map(|place| one_of(0, place, 1.0)).collect(),
        expanded: vec![32, 80, 80],
    };
    let head = head(&rows(&CLASSES, coefficients));
    ultralytics("segment", &CLASSES, &[head, prototypes], &[])
}

/// Text, as a recogniser of PaddleOCR's gives it: a character, then a blank.
pub fn text() -> Vec<u8> {
    let alphabet: Vec<String> = ('a'..='z').map(String::from).collect();
    // The blank before them and the space after them go without saying.
    let characters = alphabet.len() + 2;
    let place = |letter: u8| usize::from(letter - b'a') + 1;
    let steps = TEXT.bytes().flat_map(|letter| [place(letter), 0]);
    // The model ends without a softmax, after which the best character has 0.98.
    let logit = (0.98 * (characters - 1) as f32 / 0.02).ln();
    let row = |step| (0..characters).map(move |class| one_of(step, class, logit));
    let rows = Constant {
        name: "linear_0.tmp_0",
        dims: vec![2 * TEXT.len(), characters],
        values: steps.flat_map(row).collect(),
        expanded: vec![2 * TEXT.len(), characters],
    };
    constants("x", "48", &[rows], &[("character", &alphabet.join("\n"))])
}

/// Which of three colours each pixel has the most of.
pub fn segmentation() -> Vec<u8> {
    let small = Node::new("AveragePool", &["images"], &["logits"])
        .attribute(Attribute::ints("kernel_shape", &[4, 4]))
        .attribute(Attribute::ints("strides", &[4, 4]));
    // A fourth class that never wins: three planes would be a picture.
    let more = Node::new("ReduceMin", &["logits"], &["least"])
        .attribute(Attribute::ints("axes", &[1]))
        .attribute(Attribute::int("keepdims", 1));
    let all = Node::new("Concat", &["logits", "least"], &["classes"])
        .attribute(Attribute::int("axis", 1));
    of_picture([small, more, all], &[("classes", &["4", "80", "80"])])
}

/// How bright each pixel is.
pub fn matte() -> Vec<u8> {
    let mean = Node::new("ReduceMean", &["images"], &["grey"])
        .attribute(Attribute::ints("axes", &[1]))
        .attribute(Attribute::int("keepdims", 1));
    let share = Node::new("Sigmoid", &["grey"], &["matte"]);
    of_picture([mean, share], &[("matte", &["1", SIDE, SIDE])])
}

/// The picture in 8 × 8 pixels, as a vector.
pub fn embedding() -> Vec<u8> {
    let small = Node::new("AveragePool", &["images"], &["small"])
        .attribute(Attribute::ints("kernel_shape", &[40, 40]))
        .attribute(Attribute::ints("strides", &[40, 40]));
    let flat = Node::new("Flatten", &["small"], &["embedding"]);
    of_picture([small, flat], &[("embedding", &["192"])])
}

/// The picture in 5 × 5 pixels, which is no task's output.
pub fn raw() -> Vec<u8> {
    let small = Node::new("AveragePool", &["images"], &["coarse"])
        .attribute(Attribute::ints("kernel_shape", &[64, 64]))
        .attribute(Attribute::ints("strides", &[64, 64]));
    of_picture([small], &[("coarse", &["3", "5", "5"])])
}

/// An output that is the same for every picture: `values` of `dims`, repeated to `expanded`.
struct Constant {
    name: &'static str,
    dims: Vec<usize>,
    values: Vec<f32>,
    expanded: Vec<usize>,
}

/// `score` for the class that is meant, else 0.
fn one_of(meant: usize, class: usize, score: f32) -> f32 {
    if class == meant { score } else { 0.0 }
}

/// Centre, size, scores and what else a box has at its centre, a row for each box. They lie in two
/// lines in the middle, where every photo is.
fn rows(classes: &[&str], more: impl Fn(f32, f32) -> Vec<f32>) -> Vec<Vec<f32>> {
    let row = |place: usize| {
        let x = 30.0 + 52.0 * (place % 6) as f32;
        let y = 135.0 + 50.0 * (place / 6) as f32;
        let score = 0.95 - 0.08 * place as f32;
        let scores = (0..classes.len()).map(|class| one_of(place % classes.len(), class, score));
        let mut row = vec![x, y, 40.0, 36.0];
        row.extend(scores);
        row.extend(more(x, y));
        row
    };
    (0..BOXES).map(row).collect()
}

/// The output of YOLO's head: a box a column.
fn head(rows: &[Vec<f32>]) -> Constant {
    let (height, width) = (rows[0].len(), rows.len());
    let values = (0..height).flat_map(|line| rows.iter().map(move |row| row[line]));
    Constant {
        name: "output0",
        dims: vec![height, width],
        values: values.collect(),
        expanded: vec![height, width],
    }
}

/// A model with the metadata of Ultralytics' exporter.
fn ultralytics(
    task: &str,
    classes: &[&str],
    outputs: &[Constant],
    more: &[(&str, &str)],
) -> Vec<u8> {
    let names = classes.iter().enumerate();
    let names: Vec<String> = names
        .map(|(index, name)| format!("{index}: '{name}'"))
        .collect();
    let names = format!("{{{}}}", names.join(", "));
    let mut metadata = vec![
        ("author", "Ultralytics"),
        ("task", task),
        ("names", &names),
        ("imgsz", "[320, 320]"),
        ("stride", "32"),
    ];
    metadata.extend(more);
    constants("images", SIDE, outputs, &metadata)
}

fn constants(input: &str, side: &str, outputs: &[Constant], metadata: &[(&str, &str)]) -> Vec<u8> {
    // 0 for each picture of the batch, to which the constant is added.
    let mean = Node::new("ReduceMean", &[input], &["mean"])
        .attribute(Attribute::ints("axes", &[1, 2, 3]))
        .attribute(Attribute::int("keepdims", 0));
    let graph = Graph::new()
        .nodes([mean, Node::new("Sub", &["mean", "mean"], &["nothing"])])
        .name("constants")
        .input(value(input, &["batch", "3", side, side]));
    let graph = outputs.iter().fold(graph, with_constant);
    let model = Model::new(8)
        .producer("boxwright-tests", "")
        .graph(graph)
        .opset("", 13);
    let model = metadata
        .iter()
        .fold(model, |model, (key, text)| model.metadata(key, text));
    model.into_bytes()
}

fn with_constant(graph: Graph, output: &Constant) -> Graph {
    let name = |part: &str| format!("{}/{part}", output.name);
    let [values, size, whole, batch, nothing] =
        ["values", "size", "whole", "batch", "nothing"].map(name);
    let dims: Vec<i64> = output.dims.iter().map(|&length| length as i64).collect();
    let bytes: Vec<u8> = output.values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let expanded: Vec<i64> = output.expanded.iter().map(|&side| side as i64).collect();
    let ones: Vec<i64> = std::iter::once(-1)
        .chain(output.expanded.iter().map(|_| 1))
        .collect();
    let axes: Vec<String> = output.expanded.iter().map(usize::to_string).collect();
    let axes = std::iter::once("batch").chain(axes.iter().map(String::as_str));
    graph
        .initializer(Tensor::float(&values, &dims).raw_data(&bytes))
        .initializer(integers(&size, &expanded))
        .initializer(integers(&batch, &ones))
        .node(Node::new("Expand", &[&values, &size], &[&whole]))
        .node(Node::new("Reshape", &["nothing", &batch], &[&nothing]))
        .node(Node::new("Add", &[&whole, &nothing], &[output.name]))
        .output(value(output.name, &axes.collect::<Vec<_>>()))
}

fn integers(name: &str, values: &[i64]) -> Tensor {
    let bytes: Vec<u8> = values.iter().flat_map(|one| one.to_le_bytes()).collect();
    Tensor::new(name, Int64, &[values.len() as i64]).raw_data(&bytes)
}

/// A model of these operators, from `images` to outputs with these axes after the batch.
fn of_picture<const N: usize>(nodes: [Node; N], outputs: &[(&str, &[&str])]) -> Vec<u8> {
    let graph = Graph::new()
        .nodes(nodes)
        .name("picture")
        .input(value("images", &["batch", "3", SIDE, SIDE]));
    let graph = outputs.iter().fold(graph, |graph, (name, axes)| {
        graph.output(value(name, &[&["batch"], *axes].concat()))
    });
    Model::new(8)
        .producer("boxwright-tests", "")
        .graph(graph)
        .opset("", 13)
        .into_bytes()
}

fn value(name: &str, axes: &[&str]) -> Value {
    let axes: Vec<Axis> = axes.iter().map(|axis| Axis::of(axis)).collect();
    Value::tensor(name, Float, &axes)
}
