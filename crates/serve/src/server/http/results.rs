//! What the results of a package look like: the part of `/openapi.json` that is a task's own.

use boxwright_model::package::Activation;
use boxwright_model::pipeline::{Boxes, ClassHead, Extra, Task};
use boxwright_tensor::{BatchAxis, TensorSpec};
use serde_json::{Map, Value, json};

use super::examples;
use super::served::{Served, axes, elements};

/// The schemas `Prediction` and `Predictions`: of the package that is served, or of any while it is
/// not ready.
pub fn schemas(served: Option<Served<'_>>) -> Map<String, Value> {
    let mut results: Vec<Value> = match served {
        Some(served) => vec![of(served)],
        None => any(),
    };
    results.push(reference("Unpredicted"));
    let example = served.and_then(examples::of);
    let mut predictions = json!({
        "type": "object",
        "required": ["predictions"],
        "additionalProperties": false,
        "properties": {
            "predictions": { "type": "array", "items": reference("Prediction") },
        },
    });
    if let Some(example) = example {
        predictions["examples"] = json!([{ "predictions": [example] }]);
    }
    let description = "What the package's task gives, or why this sample has no prediction";
    Map::from_iter([
        (
            "Prediction".to_owned(),
            json!({ "description": description, "oneOf": results }),
        ),
        ("Predictions".to_owned(), predictions),
    ])
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{schema}") })
}

/// The result of a package.
fn of(served: Served<'_>) -> Value {
    match served.task {
        Task::Classification(task) => {
            let classes_of = |head: &ClassHead| {
                let mut classes = classes(head.activation != Activation::None);
                classes["maxItems"] = task.top_k.into();
                classes
            };
            let named = task.outputs.iter().zip(&task.heads).map(|(place, head)| {
                let name = served.signature.outputs[*place].name.as_str();
                (name, classes_of(head))
            });
            let heads: Vec<(&str, Value)> = named.collect();
            match &heads[..] {
                [(_, only)] => result("classPredictions", only.clone()),
                several => several_heads(several[0].1.clone(), closed(several)),
            }
        }
        Task::Boxes(task) => result("detections", detections(task)),
        Task::Segmentation(_) => result("segmentation", segmentation()),
        Task::Matte(_) => result("matte", picture("The photo's size; 255 is foreground")),
        Task::Embedding(task) => {
            let spec = &served.signature.outputs[task.output];
            result("embedding", embedding(elements(spec, served.batch)))
        }
        Task::Text(_) => result("text", text()),
        Task::Raw(task) => {
            let outputs = task.outputs.iter();
            let specs = outputs.map(|place| &served.signature.outputs[*place]);
            let properties: Map<String, Value> = specs
                .map(|spec| (spec.name.clone(), tensor(Some((spec, served.batch)))))
                .collect();
            let names: Vec<String> = properties.keys().cloned().collect();
            let outputs = json!({
                "type": "object",
                "required": names,
                "additionalProperties": false,
                "properties": properties,
            });
            result("outputs", outputs)
        }
    }
}

/// The results of all tasks.
fn any() -> Vec<Value> {
    let outputs = json!({ "type": "object", "additionalProperties": tensor(None) });
    vec![
        result("classPredictions", classes(false)),
        several_heads(
            classes(false),
            json!({ "type": "object", "additionalProperties": classes(false) }),
        ),
        result("detections", any_boxes()),
        result("segmentation", segmentation()),
        result("matte", picture("The photo's size; 255 is foreground")),
        result("embedding", embedding(None)),
        result("text", text()),
        result("outputs", outputs),
    ]
}

/// Classes by several outputs: those of the package's own, and of each by its name.
fn several_heads(own: Value, mut heads: Value) -> Value {
    heads["description"] = "The classes of every output with scores, by its name".into();
    closed(&[("classPredictions", own), ("heads", heads)])
}

/// An object of this key alone.
fn result(key: &str, value: Value) -> Value {
    closed(&[(key, value)])
}

/// An object of exactly these properties.
fn closed(properties: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = properties.iter().map(|(key, _)| *key).collect();
    let properties: Map<String, Value> = properties
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect();
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn list(length: Option<usize>, items: Value) -> Value {
    match length {
        Some(length) => {
            json!({ "type": "array", "minItems": length, "maxItems": length, "items": items })
        }
        None => json!({ "type": "array", "items": items }),
    }
}

fn number() -> Value {
    json!({ "type": "number" })
}

fn class() -> Value {
    json!({ "type": "string", "description": "The label, or the index where there is none" })
}

fn index() -> Value {
    json!({ "type": "integer", "minimum": 0, "description": "The class's index, as the model counts" })
}

fn classes(is_share: bool) -> Value {
    let score = match is_share {
        true => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        false => number(),
    };
    let mut classes = list(None, closed(&[("class", class()), ("score", score)]));
    classes["description"] = "By falling score".into();
    classes
}

fn detections(task: &Boxes) -> Value {
    let point = |numbers| list(Some(numbers), number());
    let more = match task.extra {
        Extra::None => vec![],
        Extra::Angle => {
            let mut corners = list(Some(4), point(2));
            corners["description"] = "The corners of the turned box, x and y each".into();
            vec![("polygon", corners)]
        }
        Extra::Keypoints(count, _) => {
            let mut points = list(Some(count), point(3));
            points["description"] = "x, y and score each; 1 where the model has no scores".into();
            vec![("keypoints", points)]
        }
        Extra::Mask => vec![("mask", mask())],
    };
    let mut detections = boxes(&more);
    detections["maxItems"] = task.max_detections.into();
    detections
}

/// Boxes with what those of any task may have besides.
fn any_boxes() -> Value {
    let point = |numbers| list(Some(numbers), number());
    let mut boxes = boxes(&[]);
    let properties = &mut boxes["items"]["properties"];
    properties["polygon"] = list(Some(4), point(2));
    properties["keypoints"] = list(None, point(3));
    properties["mask"] = mask();
    boxes
}

/// Boxes with what they have besides.
fn boxes(more: &[(&str, Value)]) -> Value {
    let mut corners = list(Some(4), number());
    corners["description"] = "Left, top, right, bottom in pixels of the upright photo".into();
    let fields = [
        ("class", class()),
        ("index", index()),
        ("score", number()),
        ("box", corners),
    ];
    let fields: Vec<_> = fields.into_iter().chain(more.iter().cloned()).collect();
    let mut boxes = list(None, closed(&fields));
    boxes["description"] = "By falling score".into();
    boxes
}

fn mask() -> Value {
    let length = json!({ "type": "integer", "minimum": 0 });
    let mut size = list(Some(2), length.clone());
    size["description"] = "Height and width: those of the photo".into();
    let mut counts = list(None, length);
    counts["description"] = "Lengths of runs of zeros and ones in turn, zeros first, column by \
                             column: COCO's run lengths, not compressed"
        .into();
    closed(&[("size", size), ("counts", counts)])
}

fn picture(description: &str) -> Value {
    json!({
        "type": "string",
        "contentEncoding": "base64",
        "contentMediaType": "image/png",
        "description": format!("A grey PNG in base64. {description}"),
    })
}

fn segmentation() -> Value {
    let length = json!({ "type": "integer", "minimum": 1 });
    let pixels = json!({ "type": "integer", "minimum": 0 });
    let one = closed(&[("class", class()), ("index", index()), ("pixels", pixels)]);
    let mut classes = list(None, one);
    classes["description"] = "The classes that the mask holds, by their index".into();
    let mask = picture(
        "The class index of each pixel of the photo: one byte, or two where there are more than 256 classes",
    );
    closed(&[
        ("width", length.clone()),
        ("height", length),
        ("classes", classes),
        ("mask", mask),
    ])
}

fn embedding(length: Option<usize>) -> Value {
    let norm = json!({
        "type": "number",
        "minimum": 0,
        "description": "The vector's length before it was normalised",
    });
    closed(&[("values", list(length, number())), ("norm", norm)])
}

fn text() -> Value {
    let score = json!({
        "type": "number",
        "description": "The mean score of the characters; 0 where there are none",
    });
    closed(&[("value", json!({ "type": "string" })), ("score", score)])
}

fn tensor(spec: Option<(&TensorSpec, BatchAxis)>) -> Value {
    let float = json!({
        "anyOf": [number(), { "enum": ["NaN", "Infinity", "-Infinity"] }],
    });
    let Some((spec, batch)) = spec else {
        return closed(&[
            ("shape", reference("Shape")),
            ("datatype", reference("Datatype")),
            ("data", list(None, float)),
        ]);
    };
    let element = match spec.datatype.is_float() {
        true => float,
        false => json!({ "type": "integer" }),
    };
    let shape = match axes(spec, batch) {
        Some(axes) => json!({ "const": axes }),
        None => reference("Shape"),
    };
    closed(&[
        ("shape", shape),
        ("datatype", json!({ "const": spec.datatype.name() })),
        ("data", list(elements(spec, batch), element)),
    ])
}
