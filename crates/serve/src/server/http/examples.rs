//! An example of a package's results, made of its own labels and lengths. The numbers are invented.

use boxwright_model::pipeline::{Boxes, ClassHead, Extra, Task};
use serde_json::{Map, Value, json};

use super::served::{Served, axes, elements};

/// Numbers that an example holds at most.
const MAX_NUMBERS: usize = 4096;
/// A mask of 4 × 2 pixels: class 0 on the left, class 1 on the right.
const MASK: &str = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAACCAAAAABawyK/AAAAD0lEQVR4nGNgYGBgBGFGAAATAAQXs9G+AAAAAElFTkSuQmCC";
/// A matte of 4 × 2 pixels.
const MATTE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAACCAAAAABawyK/AAAAEklEQVR4nGNg4Dnxn4FB49l/AA8fA+HZAF+DAAAAAElFTkSuQmCC";

fn classes(head: &ClassHead, top_k: usize) -> Value {
    let scores = [(0, 0.914_25), (1, 0.031_5)];
    let labels = head.labels.as_deref();
    // One number is no class of several.
    let count = labels.map_or(scores.len(), <[String]>::len).min(top_k);
    let classes = scores.into_iter().take(count);
    classes
        .map(|(place, score)| json!({ "class": label(labels, place), "score": score }))
        .collect()
}

/// An example; `None` where it would be long, or can't be known.
pub fn of(served: Served<'_>) -> Option<Value> {
    Some(match served.task {
        Task::Classification(task) => {
            let named = task.outputs.iter().zip(&task.heads);
            let heads: Map<String, Value> = named
                .map(|(place, head)| {
                    let name = served.signature.outputs[*place].name.clone();
                    (name, classes(head, task.top_k))
                })
                .collect();
            let first = task.heads.first().map(|head| classes(head, task.top_k));
            match heads.len() {
                0 | 1 => json!({ "classPredictions": first }),
                _ => json!({ "classPredictions": first, "heads": heads }),
            }
        }
        Task::Boxes(task) => json!({ "detections": [detection(task)] }),
        Task::Segmentation(task) => {
            let class = |index: usize, pixels: usize| {
                let class = label(task.labels.as_deref(), index);
                json!({ "class": class, "index": index, "pixels": pixels })
            };
            let classes = [class(0, 5), class(1, 3)];
            let found = json!({ "width": 4, "height": 2, "classes": classes, "mask": MASK });
            json!({ "segmentation": found })
        }
        Task::Matte(_) => json!({ "matte": MATTE }),
        Task::Embedding(task) => {
            let spec = &served.signature.outputs[task.output];
            let length = elements(spec, served.batch).unwrap_or(4);
            let value = |place: usize| ((place * 37 % 101) as f64 - 50.0) / 100.0;
            let values: Vec<f64> = (0..length).map(value).collect();
            let square: f64 = values.iter().map(|value| value * value).sum();
            let norm = (square.sqrt() * 1e4).round() / 1e4;
            let found = json!({ "values": values, "norm": norm });
            (length <= MAX_NUMBERS).then(|| json!({ "embedding": found }))?
        }
        Task::Text(task) => {
            let characters = task.labels.iter().flatten().take(4);
            let value: String = characters.map(String::as_str).collect();
            json!({ "text": { "value": value, "score": 0.981_3 } })
        }
        Task::Raw(task) => {
            let mut outputs = Map::new();
            let mut numbers = 0;
            for place in &task.outputs {
                let spec = &served.signature.outputs[*place];
                // A length that each sample has of its own is 1 here.
                let axes = axes(spec, served.batch).unwrap_or_default();
                let length = axes
                    .iter()
                    .try_fold(1usize, |all, axis| all.checked_mul(*axis))?;
                numbers += length;
                let zeros = vec![0; length.min(MAX_NUMBERS)];
                let datatype = spec.datatype.name();
                let output = json!({ "shape": axes, "datatype": datatype, "data": zeros });
                outputs.insert(spec.name.clone(), output);
            }
            (numbers <= MAX_NUMBERS).then(|| json!({ "outputs": outputs }))?
        }
    })
}

fn label(labels: Option<&[String]>, index: usize) -> String {
    let label = labels.and_then(|labels| labels.get(index));
    label.map_or_else(|| index.to_string(), Clone::clone)
}

fn detection(task: &Boxes) -> Value {
    let index = task.first_class;
    let mut detection = json!({
        "class": task.class(index),
        "index": index,
        "score": 0.914_25,
        "box": [1, 1, 3, 3],
    });
    match task.extra {
        Extra::None => {}
        Extra::Angle => detection["polygon"] = json!([[2, 1], [3, 2], [2, 3], [1, 2]]),
        Extra::Keypoints(count, _) => {
            let point = |place: usize| json!([1.5, 1.5, if place == 0 { 0.98 } else { 0.75 }]);
            detection["keypoints"] = (0..count).map(point).collect();
        }
        // Of 4 × 6 pixels: two rows of the second and the third column.
        Extra::Mask => detection["mask"] = json!({ "size": [4, 6], "counts": [5, 2, 2, 2, 13] }),
    }
    detection
}
