//! YOLO's many layouts: one output whose rows, or columns, are boxes with all that belongs to them.

use boxwright_tensor::TensorSpec;

use super::super::answer::{Answer, Family};
use super::super::clues::Clues;
use super::super::facts::{self, Ultralytics};
use super::super::input::Picture;
use super::super::pixels;
use super::super::shape::{fixed, last, named, rank, shown};
use crate::package::{Decoder, Outputs, Task};

/// Numbers of a mask's coefficients, where no output with prototypes tells.
const COEFFICIENTS: u64 = 32;
/// Most rows that a model leaves which suppresses boxes itself.
const MOST_SUPPRESSED: u64 = 1000;
/// Most numbers of a box with its scores.
const MOST_NUMBERS: u64 = 1300;

/// An output with rows of numbers, `[N, middle, last]`.
struct Rows<'a> {
    spec: &'a TensorSpec,
    middle: Option<u64>,
    last: Option<u64>,
}

impl<'a> Rows<'a> {
    fn of(clues: &Clues<'a>) -> Option<Self> {
        let rows = |spec: &&TensorSpec| rank(spec) == Some(3) && spec.datatype.is_float();
        let mut all = clues.outputs().iter().filter(rows);
        let (first, second) = (all.next()?, all.next());
        // YOLOv9's training heads are exported too, the auxiliary one first.
        let main = second.filter(|spec| clues.says("yolov9") && spec.shape == first.shape);
        let spec = main.unwrap_or(first);
        Some(Self {
            spec,
            middle: fixed(spec, 1),
            last: last(spec),
        })
    }
}

/// What each box has besides its scores.
#[derive(Clone, Copy)]
struct Extras {
    task: Task,
    keypoints: Option<[usize; 2]>,
    numbers: u64,
}

impl Extras {
    fn new(task: Task, numbers: u64) -> Self {
        Self {
            task,
            keypoints: None,
            numbers,
        }
    }

    fn of_keypoints(keypoints: [usize; 2]) -> Self {
        Self {
            task: Task::Pose,
            keypoints: Some(keypoints),
            numbers: keypoints.iter().product::<usize>() as u64,
        }
    }
}

/// What an export of Ultralytics answers; `None` for a classifier.
pub(super) fn ultralytics(clues: &Clues, export: &Ultralytics) -> Option<Answer> {
    let says = format!("the model's metadata says `{}`", export.task);
    match &*export.task {
        "classify" => return None,
        "semantic" => return Some(pixels::semantic(clues, Family::Yolo, &says)),
        "depth" => return Some(pixels::depth(clues, Family::Yolo, &says)),
        _ => {}
    }
    let Some(rows) = Rows::of(clues) else {
        return Some(Answer::raw(format!(
            "{says}, and no output holds rows of boxes: set task, decoder and outputs"
        )));
    };
    let classes = clues.named_classes();
    let extras = match &*export.task {
        "segment" => Extras::new(Task::InstanceSegmentation, coefficients(clues)),
        "pose" => Extras::of_keypoints(pose(export, &rows, classes)),
        "obb" => Extras::new(Task::RotatedDetection, 1),
        _ => Extras::new(Task::Detection, 0),
    };
    let stretched = export.is_rt_detr && extras.task == Task::Detection;
    let Some((decoder, why, count)) = layout(&rows, classes, extras.numbers, export, stretched)
    else {
        return Some(Answer::raw(format!(
            "{says}, and {} is laid out as no decoder reads it: set task and decoder",
            rows.spec
        )));
    };
    let family = match decoder {
        Decoder::RtDetr => Family::YoloStretched,
        _ => Family::Yolo,
    };
    Some(boxes(clues, &rows, extras, decoder, family, &says, &why).classes(count.or(classes)))
}

/// The decoder, why, and the number of classes that it leaves.
fn layout(
    rows: &Rows<'_>,
    classes: Option<u64>,
    extras: u64,
    export: &Ultralytics,
    stretched: bool,
) -> Option<(Decoder, String, Option<u64>)> {
    let spec = rows.spec;
    let with = |more: u64| classes.map(|classes| classes + more + extras);
    let suppressed = rows.last == Some(6 + extras)
        && rows.middle.is_none_or(|rows| rows <= MOST_SUPPRESSED)
        && rows.middle != with(4);
    let queries = rows.last.is_some() && rows.last == with(4) && rows.middle != with(4);
    if stretched && rows.last >= Some(5) {
        let why = format!("{spec} holds a query of RT-DETR a row");
        // With six numbers the last two are the best score and its class.
        let count = rows.last.filter(|last| *last != 6);
        return Some((Decoder::RtDetr, why, count.map(|last| last - 4)));
    }
    if suppressed && (export.suppresses || !queries) {
        let why = format!("{spec} holds a finished box a row: nothing is left to suppress");
        return Some((Decoder::EndToEnd, why, None));
    }
    if queries && extras == 0 {
        let why = format!("{spec} has its scores on the last axis, as only RT-DETR's exports have");
        return Some((Decoder::RtDetr, why, classes));
    }
    if rows.last.is_some() && rows.last == with(5) {
        let why = format!("{spec} holds a box with objectness a row");
        return Some((Decoder::YoloV5, why, classes));
    }
    let count = rows
        .middle
        .and_then(|middle| middle.checked_sub(4 + extras));
    let fits = count.is_some_and(|count| count > 0 && classes.is_none_or(|named| named == count));
    (fits || rows.middle.is_none()).then(|| {
        let why = format!("{spec} holds a box a column, its scores below its sides");
        (Decoder::YoloV8, why, count)
    })
}

fn pose(export: &Ultralytics, rows: &Rows<'_>, classes: Option<u64>) -> [usize; 2] {
    let by_shape = || {
        let more = match rows.last {
            Some(last) if last < MOST_NUMBERS && rows.middle > rows.last => last.checked_sub(6),
            _ => rows.middle?.checked_sub(4 + classes.unwrap_or(1)),
        };
        usize::try_from(more?.checked_div(3)?)
            .ok()
            .filter(|count| *count > 0)
    };
    export
        .keypoints
        .unwrap_or_else(|| [by_shape().unwrap_or(17), 3])
}

/// How many prototypes of masks there are.
fn coefficients(clues: &Clues) -> u64 {
    prototypes(clues)
        .and_then(|spec| fixed(spec, 1))
        .unwrap_or(COEFFICIENTS)
}

fn prototypes<'a>(clues: &Clues<'a>) -> Option<&'a TensorSpec> {
    let outputs = clues.outputs().iter();
    outputs
        .into_iter()
        .find(|spec| rank(spec) == Some(4) && spec.datatype.is_float())
}

fn boxes(
    clues: &Clues,
    rows: &Rows<'_>,
    extras: Extras,
    decoder: Decoder,
    family: Family,
    task: &str,
    why: &str,
) -> Answer {
    let mut answer = Answer::new(extras.task, family, task)
        .output(&rows.spec.name, why)
        .decoder(decoder, why);
    if let Some(keypoints) = extras.keypoints {
        answer = answer.keypoints(keypoints, "what each row has besides a box and its scores");
    }
    if extras.task == Task::InstanceSegmentation
        && let Some(masks) = prototypes(clues)
    {
        let outputs = Outputs {
            boxes: Some(rows.spec.name.clone()),
            masks: Some(masks.name.clone()),
            ..Outputs::default()
        };
        answer = answer.outputs(
            outputs,
            &format!("{} holds prototypes of masks", shown(masks)),
        );
    }
    answer
}

/// YOLOv5's own exports: `stride` and `names`, and no task.
pub(super) fn yolov5(clues: &Clues) -> Option<Answer> {
    let metadata = &clues.model.metadata;
    facts::stride(metadata).filter(|_| !metadata.contains_key("task"))?;
    let classes = clues.model.labels.as_ref()?.len() as u64;
    let rows = Rows::of(clues)?;
    let says = "the model's metadata has `stride` and `names`, as YOLOv5's exports have";
    let why = format!("{} holds a box with objectness a row", rows.spec);
    let extras = match (rows.last?.checked_sub(5 + classes)?, prototypes(clues)) {
        (0, _) => Extras::new(Task::Detection, 0),
        (more, Some(_)) if more == coefficients(clues) => {
            Extras::new(Task::InstanceSegmentation, more)
        }
        _ => return None,
    };
    let answer = boxes(
        clues,
        &rows,
        extras,
        Decoder::YoloV5,
        Family::Yolo,
        says,
        &why,
    );
    Some(answer.classes(Some(classes)))
}

/// A model that says nothing of itself, by its shapes.
pub(super) fn by_shape(clues: &Clues, picture: &Picture<'_>) -> Option<Answer> {
    let rows = Rows::of(clues)?;
    // Other outputs than prototypes of masks are another layout.
    let others = |spec: &&TensorSpec| rank(spec) == Some(3);
    if clues.outputs().iter().filter(others).count() > 1 && !clues.says("yolo") {
        return None;
    }
    let is_cells = |count: u64, anchors: u64| {
        [
            cells(picture, &[8, 16, 32]),
            cells(picture, &[8, 16, 32, 64]),
        ]
        .iter()
        .flatten()
        .any(|cells| count == cells * anchors)
    };
    let (middle, last) = (rows.middle, rows.last);
    if let Some(last) = last.filter(|last| (6..MOST_NUMBERS).contains(last)) {
        if clues.says("yolox") || middle.is_some_and(|rows| is_cells(rows, 1)) {
            return Some(of_cells(clues, &rows, last));
        }
        let many = middle.is_some_and(|rows| rows > MOST_SUPPRESSED && is_cells(rows, 3));
        if many || (clues.says("yolov5") || clues.says("yolov7")) && middle != Some(last) {
            return with_objectness(clues, &rows, last);
        }
    }
    if let Some(middle) = middle.filter(|middle| (5..MOST_NUMBERS).contains(middle)) {
        let columns = last.is_some_and(|last| is_cells(last, 1));
        let open = last.is_none() && (clues.says("yolo") || named(rows.spec, &["output0"]));
        if columns || open {
            return by_columns(clues, &rows, middle);
        }
    }
    finished(clues, &rows)
}

/// Cells of a picture's grids, where its size is fixed.
pub(super) fn cells(picture: &Picture<'_>, strides: &[u64]) -> Option<u64> {
    let (width, height) = (u64::from(picture.width?), u64::from(picture.height?));
    let of = |stride: &u64| (width / stride) * (height / stride);
    Some(strides.iter().map(of).sum())
}

/// A finished box a row: end-to-end exports whose metadata is gone.
fn finished(clues: &Clues, rows: &Rows<'_>) -> Option<Answer> {
    let suppressed = |middle: u64| middle <= MOST_SUPPRESSED && middle > 6;
    let one = clues.outputs().len() == 1;
    if rows.last != Some(6) || !one || !rows.middle.is_some_and(suppressed) {
        return None;
    }
    let why = format!(
        "{} holds a finished box a row, as end-to-end exports have",
        rows.spec
    );
    let (decoder, family) = match clues.says("rtdetr") || clues.says("rt-detr") {
        true => (Decoder::RtDetr, Family::YoloStretched),
        false => (Decoder::EndToEnd, Family::Yolo),
    };
    let extras = Extras::new(Task::Detection, 0);
    Some(boxes(clues, rows, extras, decoder, family, &why, &why))
}

/// A row for each cell: YOLOX's, not decoded, or YOLOv6's, decoded in the model.
fn of_cells(clues: &Clues, rows: &Rows<'_>, last: u64) -> Answer {
    let extras = Extras::new(Task::Detection, 0);
    let operators = clues.model.output_operators.get(&rows.spec.name);
    // YOLOX ends with a transposition; what is decoded is put together of boxes and scores.
    let decoded = operators.is_some_and(|operators| operators == &["Concat"]);
    let yolox = clues.says("yolox") || !clues.says("yolov6") && !decoded;
    let (decoder, family, what) = match (decoded, yolox) {
        (true, true) => (
            Decoder::YoloV5,
            Family::YoloX,
            "decoded in the model, as YOLOX may be",
        ),
        (_, false) => (
            Decoder::YoloV5,
            Family::Yolo,
            "decoded in the model, as YOLOv6's are",
        ),
        (false, true) => (Decoder::YoloX, Family::YoloX, "as YOLOX's exports have"),
    };
    let why = format!(
        "{} holds a row for each cell of the strides 8, 16 and 32, {what}",
        rows.spec
    );
    boxes(clues, rows, extras, decoder, family, &why, &why).classes(last.checked_sub(5))
}

fn with_objectness(clues: &Clues, rows: &Rows<'_>, last: u64) -> Option<Answer> {
    let why = format!(
        "{} holds a row for each of three anchors a cell, as YOLOv5's and YOLOv7's exports have",
        rows.spec
    );
    let masks = prototypes(clues).map_or(0, |_| coefficients(clues));
    let classes = last.checked_sub(5 + masks).filter(|classes| *classes > 0)?;
    let task = match masks {
        0 => Task::Detection,
        _ => Task::InstanceSegmentation,
    };
    let extras = Extras::new(task, masks);
    let answer = boxes(
        clues,
        rows,
        extras,
        Decoder::YoloV5,
        Family::Yolo,
        &why,
        &why,
    );
    Some(answer.classes(Some(classes)))
}

/// A column for each cell: Ultralytics' exports whose metadata is gone.
fn by_columns(clues: &Clues, rows: &Rows<'_>, middle: u64) -> Option<Answer> {
    let why = format!(
        "{} holds a column for each cell, as YOLOv8's and later exports have",
        rows.spec
    );
    let named = clues.named_classes();
    let extras = match prototypes(clues) {
        Some(_) => Extras::new(Task::InstanceSegmentation, coefficients(clues)),
        None if clues.says("pose") => {
            let count = usize::try_from(middle.checked_sub(5)?.checked_div(3)?).ok()?;
            Extras::of_keypoints([count, 3])
        }
        None if clues.says("obb") || named.is_some_and(|named| named + 5 == middle) => {
            Extras::new(Task::RotatedDetection, 1)
        }
        None => Extras::new(Task::Detection, 0),
    };
    let classes = middle
        .checked_sub(4 + extras.numbers)
        .filter(|classes| *classes > 0)?;
    let answer = boxes(
        clues,
        rows,
        extras,
        Decoder::YoloV8,
        Family::Yolo,
        &why,
        &why,
    );
    Some(answer.classes(Some(classes)))
}
