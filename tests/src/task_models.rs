//! A package of each task: those of `tests/data/tasks`, as `boxwright init` fills them in, and small
//! models that are written here where there is none. Their outputs are constants that move with the
//! mean of the picture, so that every photo has an answer of its own.

use std::fs;
use std::path::{Path, PathBuf};

use boxwright_onnx_writer::ElementType::{Float, Int64};
use boxwright_onnx_writer::{Attribute, Axis, Graph, Model, Node, Tensor, Value};

use crate::{Sandbox, programs};

/// Width and height of what the written models take.
const SIDE: usize = 64;
/// Boxes of a picture: the cells of strides 8, 16 and 32.
const BOXES: usize = 84;
/// Classes of the boxes, as [`LABELS`] names them.
const CLASSES: usize = 3;
const LABELS: &str = "cat\ndog\n“quoted” – größer\n";
const DIGITS: &str = "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n";

/// A package, and samples for it.
#[derive(Debug)]
pub struct TaskPackage {
    /// The task, by its name in the package file.
    pub task: &'static str,
    /// The one key of its results.
    pub key: &'static str,
    /// The folder.
    pub folder: PathBuf,
    /// The samples' files.
    pub samples: Vec<PathBuf>,
}

/// The tasks, each with the key of its results.
pub const TASKS: [(&str, &str); 10] = [
    ("classification", "classPredictions"),
    ("detection", "detections"),
    ("rotated-detection", "detections"),
    ("pose", "detections"),
    ("instance-segmentation", "detections"),
    ("segmentation", "segmentation"),
    ("matte", "matte"),
    ("embedding", "embedding"),
    ("text", "text"),
    ("raw", "outputs"),
];

impl TaskPackage {
    /// The package of a task, in a folder of its own.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn write(sandbox: &Sandbox, (task, key): (&'static str, &'static str)) -> Self {
        let folder = sandbox.path("work").join(task);
        fs::create_dir_all(&folder).unwrap();
        let mut samples = ["chelsea.png", "odd.jpg"];
        let from = match task {
            "classification" => Some("hf-vit-cls"),
            "detection" => Some("tf-ssd-layout-det"),
            "segmentation" => Some("hf-segformer-seg"),
            "embedding" => Some("hf-clip-embed"),
            "raw" => {
                samples = ["chunk0.npz", "chunk1.npz"];
                Some("silero-vad-real")
            }
            _ => None,
        };
        match from {
            Some(name) => copy(sandbox, name, &folder),
            None => write_package(task, &folder),
        }
        let photos = data().join("photos");
        Self {
            task,
            key,
            folder,
            samples: samples.map(|sample| photos.join(sample)).to_vec(),
        }
    }

    /// A package of every task.
    pub fn of_all(sandbox: &Sandbox) -> Vec<Self> {
        TASKS.map(|task| Self::write(sandbox, task)).into()
    }

    /// The name that it is served by.
    ///
    /// # Panics
    /// When the package file has none.
    pub fn name(&self) -> String {
        let text = fs::read_to_string(self.folder.join("boxwright.toml")).unwrap();
        let file: toml::Table = toml::from_str(&text).unwrap();
        file["package"]["name"].as_str().unwrap().to_owned()
    }
}

fn data() -> PathBuf {
    programs::checkout().join("tests/data/tasks")
}

/// A copy of a model with its neighbours, and the package that is guessed from them.
fn copy(sandbox: &Sandbox, name: &str, folder: &Path) {
    for entry in fs::read_dir(data().join(name)).unwrap() {
        let file = entry.unwrap();
        fs::copy(file.path(), folder.join(file.file_name())).unwrap();
    }
    let init = sandbox.boxwright(["init", "--name", name, "--model-version", "1"]);
    init.arg(folder.join("model.onnx")).run().ok();
}

fn write_package(task: &str, folder: &Path) {
    let (outputs, fields, labels) = match task {
        "rotated-detection" => (vec![rows(1)], "decoder = \"yolov8\"", LABELS),
        "pose" => (
            vec![rows(5 * 3)],
            "decoder = \"yolov8\"\nkeypoints = [5, 3]",
            LABELS,
        ),
        "instance-segmentation" => (
            vec![rows(4), prototypes()],
            "decoder = \"yolov8\"\noutputs = { boxes = \"output0\", masks = \"output1\" }",
            LABELS,
        ),
        "matte" => (vec![matte()], "range = \"min-max\"", ""),
        "text" => (vec![steps()], "activation = \"softmax\"", DIGITS),
        other => panic!("no model is written for {other}"),
    };
    fs::write(folder.join("model.onnx"), model(&outputs)).unwrap();
    let mut text = written(task, fields);
    if !labels.is_empty() {
        fs::write(folder.join("labels.txt"), labels).unwrap();
        text += "\n[labels]\nfile = \"labels.txt\"\n";
    }
    fs::write(folder.join("boxwright.toml"), text).unwrap();
}

fn written(task: &str, fields: &str) -> String {
    format!(
        r#"format = 2

[package]
name = "{task}"
version = "1"

[model]
files = [{{ path = "model.onnx" }}]

[[input]]
name = "images"
kind = "image"
width = {SIDE}
height = {SIDE}

[preprocess]
resize = "letterbox"
pad = [114, 114, 114]
filter = "opencv-linear"
decode = "opencv"
std = [255.0]

[postprocess]
task = "{task}"
{fields}
"#
    )
}

/// An output: its shape without the batch, its elements, and how far the mean of a picture, 0 to 1,
/// moves each.
struct Output {
    shape: Vec<usize>,
    elements: Vec<f32>,
    moves: Vec<f32>,
}

/// Numbers in 0..1 that are the same in every run.
struct Sequence(u64);

impl Sequence {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    fn between(&mut self, least: f32, most: f32) -> f32 {
        least + self.next() * (most - least)
    }
}

/// An output of Ultralytics' layout: centre, size, scores, then `extras`.
fn rows(extras: usize) -> Output {
    let mut numbers = Sequence(extras as u64);
    let side = SIDE as f32;
    let shape = vec![4 + CLASSES + extras, BOXES];
    let (mut elements, mut moves) = (Vec::new(), Vec::new());
    for row in 0..shape[0] {
        // Least, most, and what a white picture adds.
        let (least, most, more) = match row {
            0 | 1 => (4.0, side - 4.0, 6.0),
            2 | 3 => (4.0, side / 2.0, 5.0),
            4..=6 => (0.0, 0.55, 0.3),
            // An angle, a keypoint's number or a coefficient.
            _ if extras == 1 => (-0.7, 2.2, 0.2),
            _ if extras == 4 => (-1.0, 1.0, 0.4),
            row if (row - 7) % 3 == 2 => (0.0, 0.9, 0.1),
            _ => (2.0, side - 2.0, 7.0),
        };
        for _ in 0..BOXES {
            elements.push(numbers.between(least, most));
            moves.push(numbers.between(0.2 * more, more));
        }
    }
    Output {
        shape,
        elements,
        moves,
    }
}

fn random(shape: &[usize], least: f32, most: f32, more: f32) -> Output {
    let mut numbers = Sequence(shape.len() as u64);
    let count: usize = shape.iter().product();
    Output {
        shape: shape.to_vec(),
        elements: (0..count).map(|_| numbers.between(least, most)).collect(),
        moves: (0..count).map(|_| numbers.between(-more, more)).collect(),
    }
}

fn prototypes() -> Output {
    random(&[4, SIDE / 4, SIDE / 4], -1.0, 1.0, 0.5)
}

fn matte() -> Output {
    random(&[1, SIDE / 4, SIDE / 4], 0.0, 1.0, 0.5)
}

/// Logits of a blank and ten characters for each step.
fn steps() -> Output {
    random(&[14, 11], -2.0, 2.0, 6.0)
}

fn model(outputs: &[Output]) -> Vec<u8> {
    let side = i64::try_from(SIDE).unwrap();
    let axes = [
        Axis::Dynamic("batch"),
        Axis::Fixed(3),
        Axis::Fixed(side),
        Axis::Fixed(side),
    ];
    let mean = Node::new("ReduceMean", &["images"], &["mean"])
        .attribute(Attribute::ints("axes", &[1, 2, 3]))
        .attribute(Attribute::int("keepdims", 0));
    let mut graph = Graph::new()
        .name("moved constants")
        .input(Value::tensor("images", Float, &axes))
        .node(mean);
    for (place, output) in outputs.iter().enumerate() {
        let named = |part: &str| format!("{part}{place}");
        let rank = output.shape.len();
        let lengths: Vec<i64> = output.shape.iter().map(|length| *length as i64).collect();
        let dims = [&[1], &lengths[..]].concat();
        let spread: Vec<i64> = [&[-1], &vec![1; rank][..]].concat();
        let bytes = |numbers: &[f32]| -> Vec<u8> {
            numbers
                .iter()
                .flat_map(|number| number.to_le_bytes())
                .collect()
        };
        let spread_bytes: Vec<u8> = spread.iter().flat_map(|axis| axis.to_le_bytes()).collect();
        let axes: Vec<Axis> = [Axis::Dynamic("batch")]
            .into_iter()
            .chain(lengths.iter().map(|length| Axis::Fixed(*length)))
            .collect();
        let [k, s, a, m, p, o] = ["constant", "moves", "axes", "one", "moved", "output"].map(named);
        graph = graph
            .initializer(Tensor::float(&k, &dims).raw_data(&bytes(&output.elements)))
            .initializer(Tensor::float(&s, &dims).raw_data(&bytes(&output.moves)))
            .initializer(Tensor::new(&a, Int64, &[spread.len() as i64]).raw_data(&spread_bytes))
            .node(Node::new("Reshape", &["mean", &a], &[&m]))
            .node(Node::new("Mul", &[&m, &s], &[&p]))
            .node(Node::new("Add", &[&k, &p], &[&o]))
            .output(Value::tensor(&o, Float, &axes));
    }
    Model::new(8).graph(graph).opset("", 13).into_bytes()
}

/// Packages whose results are long.
pub mod large {
    use super::*;

    /// Rows of what they give.
    const ROWS: i64 = 100_000;

    /// Raw outputs of [100000, 85] numbers, all of which depend on the picture.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn raw(sandbox: &Sandbox) -> PathBuf {
        write(sandbox, "raw", "", 85)
    }

    /// A hundred thousand boxes, all above the threshold.
    ///
    /// # Panics
    /// When it can't be written.
    pub fn boxes(sandbox: &Sandbox) -> PathBuf {
        let fields = "decoder = \"end-to-end\"\nscore_threshold = 0.0\nmax_detections = 100000";
        write(sandbox, "detection", fields, 6)
    }

    fn write(sandbox: &Sandbox, task: &str, fields: &str, columns: i64) -> PathBuf {
        let folder = sandbox.path(&format!("work/large-{task}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("model.onnx"), model(columns)).unwrap();
        let text = written(task, fields);
        let text = text.replacen(&format!("name = \"{task}\""), "name = \"large\"", 1);
        // A batch of several would multiply what the model itself takes.
        let text = text + "\n[batch]\nmax_size = 1\n";
        fs::write(folder.join("boxwright.toml"), text).unwrap();
        folder
    }

    fn bytes(numbers: impl Iterator<Item = f32>) -> Vec<u8> {
        numbers.flat_map(f32::to_le_bytes).collect()
    }

    /// The mean times a number a column, and a number a row: scores stay below 1, and classes are
    /// whole numbers.
    fn model(columns: i64) -> Vec<u8> {
        let side = i64::try_from(SIDE).unwrap();
        let axes = [
            Axis::Dynamic("batch"),
            Axis::Fixed(3),
            Axis::Fixed(side),
            Axis::Fixed(side),
        ];
        let column = |place: i64| {
            if place == 5 {
                0.0
            } else {
                0.5 + place as f32 / 7.0
            }
        };
        let weight = |place: i64| match place {
            // Corners, a score and a class.
            0 | 1 => 10.0,
            2 | 3 => 50.0,
            4 => 0.1,
            5 => 0.0,
            other => other as f32 / 3.0,
        };
        let row = |place: i64| place as f32 / ROWS as f32;
        let spread: Vec<u8> = [-1i64, 1, 1]
            .iter()
            .flat_map(|axis| axis.to_le_bytes())
            .collect();
        let mean = Node::new("ReduceMean", &["images"], &["mean"])
            .attribute(Attribute::ints("axes", &[1, 2, 3]))
            .attribute(Attribute::int("keepdims", 0));
        let shape = [
            Axis::Dynamic("batch"),
            Axis::Fixed(ROWS),
            Axis::Fixed(columns),
        ];
        let graph = Graph::new()
            .name("many rows")
            .input(Value::tensor("images", Float, &axes))
            .initializer(Tensor::new("axes", Int64, &[3]).raw_data(&spread))
            .initializer(
                Tensor::float("columns", &[1, 1, columns])
                    .raw_data(&bytes((0..columns).map(column))),
            )
            .initializer(
                Tensor::float("weights", &[1, 1, columns])
                    .raw_data(&bytes((0..columns).map(weight))),
            )
            .initializer(Tensor::float("rows", &[1, ROWS, 1]).raw_data(&bytes((0..ROWS).map(row))))
            .node(mean)
            .node(Node::new("Reshape", &["mean", "axes"], &["one"]))
            .node(Node::new("Mul", &["one", "columns"], &["base"]))
            .node(Node::new("Mul", &["rows", "weights"], &["slope"]))
            .node(Node::new("Add", &["base", "slope"], &["output0"]))
            .output(Value::tensor("output0", Float, &shape));
        Model::new(8).graph(graph).opset("", 13).into_bytes()
    }
}
