//! The package's inputs against the model's.

use super::image::ImageInput;
use super::problem::Problem;
use crate::package::{InputKind, Package};
use crate::paths;
use boxwright_tensor::{Signature, TensorSpec};

/// What a sample is.
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    /// An encoded picture, for the model's one input.
    Pictures(Box<ImageInput>),
    /// The model's own tensors.
    Tensors,
}

/// What a sample is; every input of the model is there once, and no other.
pub(super) fn resolve(
    package: &Package,
    signature: &Signature,
    problems: &mut Vec<Problem>,
) -> Option<Samples> {
    check_names(package, signature, problems);
    let mut pictures = package
        .input
        .iter()
        .enumerate()
        .filter(|(_, input)| input.kind == InputKind::Image);
    let Some((index, input)) = pictures.next() else {
        return Some(Samples::Tensors);
    };
    let spec = signature
        .inputs
        .iter()
        .find(|spec| spec.name == input.name)?;
    if signature.inputs.len() > 1 {
        let message = format!(
            "`{}` takes a picture, and the model has other inputs beside it: set the kind of every \
             input to `tensor`, or export the model with its other inputs as constants",
            paths::shown(&input.name)
        );
        problems.push((format!("input.{index}.kind"), message));
        return None;
    }
    let image = ImageInput::resolve(index, input, &package.preprocess, spec, problems)?;
    Some(Samples::Pictures(Box::new(image)))
}

fn check_names(package: &Package, signature: &Signature, problems: &mut Vec<Problem>) {
    for (index, input) in package.input.iter().enumerate() {
        if !signature.inputs.iter().any(|spec| spec.name == input.name) {
            let names = listed(&signature.inputs);
            let name = paths::shown(&input.name);
            let message = format!("the model has no input `{name}`; it has {names}");
            problems.push((format!("input.{index}.name"), message));
        }
    }
    for spec in &signature.inputs {
        let name = paths::shown(&spec.name);
        let count = package
            .input
            .iter()
            .filter(|input| input.name == spec.name)
            .count();
        match count {
            1 => {}
            0 => problems.push((
                "input".to_owned(),
                format!("the model's input `{name}` has no [[input]]"),
            )),
            _ => problems.push((
                "input".to_owned(),
                format!("the model's input `{name}` has several [[input]]"),
            )),
        }
    }
}

/// The first few names, for a message.
pub(super) fn listed(specs: &[TensorSpec]) -> String {
    if specs.is_empty() {
        return "none".to_owned();
    }
    let shown = specs
        .iter()
        .take(8)
        .map(|spec| format!("`{}`", paths::shown(&spec.name)));
    let more = if specs.len() > 8 { ", …" } else { "" };
    shown.collect::<Vec<_>>().join(", ") + more
}
