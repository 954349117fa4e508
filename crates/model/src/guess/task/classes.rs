//! One score a class.

use boxwright_tensor::TensorSpec;

use super::super::answer::{Answer, Family};
use super::super::clues::Clues;
use super::super::direction::is_direction;
use super::super::shape::{named, shown};
use crate::package::{Activation, Head, Task, read_labels};
use crate::paths;

/// Most outputs that are shown beside the main one.
const MOST_HEADS: usize = 32;

pub(super) fn classification(clues: &Clues) -> Option<Answer> {
    let scores: Vec<&TensorSpec> = clues
        .outputs()
        .iter()
        .filter(|spec| spec.is_scores() && spec.shape.is_some())
        .collect();
    // Four numbers beside scores are a box.
    let several = clues.outputs().len() > 1;
    let is_box = |spec: &&TensorSpec| several && spec.classes() == Some(4);
    let spec = *scores.iter().find(|spec| !is_box(spec))?;
    let heads = heads(clues, spec);
    let mut why = match spec.classes() {
        Some(count) => format!(
            "{} holds one score for each of {count} classes",
            shown(spec)
        ),
        None => format!("{} holds one score a class", shown(spec)),
    };
    if let Some(bounds) = scores.iter().find(|spec| is_box(spec)) {
        why += &format!(
            "; {} is probably a box, which the task `raw` shows too",
            shown(bounds)
        );
    }
    let (activation, because) = activation(clues, spec);
    let most = spec
        .classes()
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(5);
    let family = match is_direction(clues.model) {
        true => Family::TextDirection,
        false => Family::Other,
    };
    let mut answer = Answer::new(Task::Classification, family, &*why)
        .output(&spec.name, why)
        .activation(activation, because)
        .classes(spec.classes());
    answer.postprocess.top_k = most.clamp(1, 5);
    if !heads.is_empty() {
        let why = format!("{} more of the model's outputs hold scores", heads.len());
        answer.because("heads", why);
        answer.postprocess.heads = heads;
    }
    Some(answer)
}

/// The other outputs of scores, with the names of their classes where a file beside the model is
/// called after the output. Those of training, which have the name of another with a number or `aux`,
/// and vectors for comparing are none.
fn heads(clues: &Clues, main: &TensorSpec) -> Vec<Head> {
    let number = |spec: &TensorSpec| spec.is_number() && spec.datatype.is_float();
    let others = clues.outputs().iter().filter(|spec| {
        let scores = spec.is_scores() && spec.shape.is_some();
        spec.name != main.name && (scores || number(spec))
    });
    let shown = others.filter(|spec| {
        let is_box = spec.classes() == Some(4) && clues.outputs().len() > 1;
        let named = named(
            spec,
            &[
                "aux", "embed", "feature", "box", "landmark", "hidden", "state",
            ],
        );
        !named && (!is_box || classes_beside(clues, spec).is_some())
    });
    let head = |spec: &TensorSpec| Head {
        output: spec.name.clone(),
        activation: match number(spec) {
            // One number is no share of anything.
            true => Activation::None,
            false => activation(clues, spec).0,
        },
        classes: classes_beside(clues, spec).unwrap_or_default(),
    };
    shown.map(head).take(MOST_HEADS).collect()
}

/// The class names in `OUTPUT.txt`, `OUTPUT_labels.txt` or `labels_OUTPUT.txt` beside the model.
fn classes_beside(clues: &Clues, spec: &TensorSpec) -> Option<Vec<String>> {
    let name: String = spec
        .name
        .split([':', '/'])
        .next()?
        .chars()
        .filter(|c| c.is_alphanumeric() || "_-".contains(*c))
        .collect();
    let files = [
        format!("{name}.txt"),
        format!("{name}_labels.txt"),
        format!("labels_{name}.txt"),
    ];
    files.iter().find_map(|file| {
        let (path, _) = paths::resolve(clues.folder, file).ok()?;
        let labels = read_labels(&path).ok()?;
        (spec.classes() == Some(labels.len() as u64)).then_some(labels)
    })
}

fn activation(clues: &Clues, spec: &TensorSpec) -> (Activation, String) {
    match clues.last_operator(spec) {
        Some(last @ ("Softmax" | "Sigmoid" | "HardSigmoid")) => {
            return (
                Activation::None,
                format!("the model ends with {last} itself"),
            );
        }
        // The softmax of a logarithm of a softmax is the softmax.
        Some("LogSoftmax") => {
            let why = "the model ends with LogSoftmax, which gives logarithms";
            return (Activation::Softmax, why.to_owned());
        }
        _ => {}
    }
    let problem = clues
        .config
        .as_ref()
        .and_then(|config| config.get("problem_type")?.as_str());
    if problem == Some("multi_label_classification") {
        return (
            Activation::Sigmoid,
            "config.json says that a picture has several labels".to_owned(),
        );
    }
    let name = spec.name.to_lowercase();
    let probable = ["prob", "softmax", "confidence"]
        .iter()
        .any(|word| name.contains(word));
    if clues.last_operator(spec).is_none() && probable {
        return (
            Activation::None,
            "the output's name says that it holds probabilities".to_owned(),
        );
    }
    (
        Activation::Softmax,
        "the model ends without one, so its scores are logits".to_owned(),
    )
}
