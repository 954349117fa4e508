//! One score a class.

use boxwright_tensor::TensorSpec;

use super::super::answer::{Answer, Family};
use super::super::clues::Clues;
use super::super::direction::is_direction;
use super::super::shape::shown;
use crate::package::{Activation, Task};

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
    Some(answer)
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
