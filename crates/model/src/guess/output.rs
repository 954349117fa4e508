//! What the outputs mean.

use boxwright_tensor::TensorSpec;

use super::clues::{Clues, Reasons};
use crate::package::{Activation, Postprocess, Task};

/// Names of outputs that hold a vector to compare with others, not scores.
const VECTORS: [&str; 5] = ["embed", "feature", "hidden", "pooler", "latent"];

/// `pictures` says that the model takes pictures.
pub(crate) fn postprocess(clues: &Clues, pictures: bool, reasons: &mut Reasons) -> Postprocess {
    let outputs = &clues.model.summary.signature.outputs;
    let task = clues.model.metadata.get("task").map(String::as_str);
    let refused = match task {
        _ if !pictures => Some("the model does not take pictures".to_owned()),
        Some(task @ ("detect" | "segment" | "pose" | "obb")) => Some(format!(
            "the model's metadata says `{task}`, whose outputs are shown as they are"
        )),
        _ => None,
    };
    let scores = outputs.iter().find(|spec| is_class_scores(spec));
    match (refused, scores) {
        (Some(reason), _) => {
            reasons.add("postprocess.task", reason);
            raw()
        }
        (None, None) => {
            reasons.add("postprocess.task", "no output holds one score a class");
            raw()
        }
        (None, Some(spec)) => classification(clues, spec, reasons),
    }
}

fn is_class_scores(spec: &TensorSpec) -> bool {
    let name = spec.name.to_lowercase();
    spec.is_scores() && spec.shape.is_some() && !VECTORS.iter().any(|word| name.contains(word))
}

fn classification(clues: &Clues, spec: &TensorSpec, reasons: &mut Reasons) -> Postprocess {
    let name = crate::paths::shown(&spec.name);
    let classes = match spec.classes() {
        Some(count) => format!("`{name}` holds one score for each of {count} classes"),
        None => format!("`{name}` holds one score a class"),
    };
    reasons.add("postprocess.task", &*classes);
    reasons.add("postprocess.output", classes);
    let (activation, why) = activation(clues, spec);
    reasons.add("postprocess.activation", why);
    let most = spec
        .classes()
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(5);
    Postprocess {
        output: Some(spec.name.clone()),
        activation,
        top_k: most.clamp(1, 5),
        ..Postprocess::new(Task::Classification)
    }
}

fn activation(clues: &Clues, spec: &TensorSpec) -> (Activation, String) {
    let operators = clues.model.output_operators.get(&spec.name);
    match operators
        .and_then(|operators| operators.last())
        .map(String::as_str)
    {
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
    if operators.is_none() && (name.contains("prob") || name.contains("softmax")) {
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

/// Post-processing that hands on the model's outputs as they are.
fn raw() -> Postprocess {
    Postprocess {
        activation: Activation::None,
        ..Postprocess::new(Task::Raw)
    }
}
