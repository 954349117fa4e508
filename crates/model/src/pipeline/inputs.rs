//! The package's inputs against the model's.

use super::image::ImageInput;
use super::problem::Problem;
use crate::package::{Input, InputKind, Package, SizeOrder};
use crate::paths;
use boxwright_tensor::{DataType, Dimension, Signature, TensorSpec};

/// Most elements of a constant.
const MOST_ELEMENTS: usize = 1 << 24;

/// What a sample is.
#[derive(Debug, Clone, PartialEq)]
pub enum Samples {
    /// An encoded picture.
    Pictures(Box<Pictures>),
    /// The model's own tensors.
    Tensors,
}

/// The inputs of a model of pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Pictures {
    /// The input that takes the picture.
    pub image: ImageInput,
    /// Its place in the signature.
    pub place: usize,
    /// The other inputs.
    pub others: Vec<OtherInput>,
}

/// An input beside the picture, which is filled in for every picture.
#[derive(Debug, Clone, PartialEq)]
pub struct OtherInput {
    /// Its place in the signature.
    pub place: usize,
    /// Element type.
    pub datatype: DataType,
    /// Axes without the batch; empty for a scalar.
    pub shape: Vec<usize>,
    /// Whether the first axis is the batch, and left out of `shape`.
    pub batched: bool,
    /// What it holds.
    pub content: Content,
}

/// What an input beside the picture holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Always these numbers, in row-major order; one stands for all elements.
    Constant(Vec<f64>),
    /// Width and height of the picture, in pixels.
    OriginalSize(SizeOrder),
    /// Ones where the picture's tensor holds the picture; of its width and height.
    Mask,
}

/// What a sample is; every input of the model is there once, and no other.
pub(super) fn resolve(
    package: &Package,
    signature: &Signature,
    problems: &mut Vec<Problem>,
) -> Option<Samples> {
    check_names(package, signature, problems);
    let pictures = |(_, input): &(usize, &Input)| input.kind == InputKind::Image;
    let Some((index, input)) = package.input.iter().enumerate().find(pictures) else {
        return Some(Samples::Tensors);
    };
    let place = place(signature, input)?;
    let spec = &signature.inputs[place];
    let image = ImageInput::resolve(index, input, &package.preprocess, spec, problems);
    let others = package.input.iter().enumerate();
    let others: Vec<_> = others
        .filter(|(other, _)| *other != index)
        .map(|(index, input)| other_input(index, input, signature, problems))
        .collect();
    Some(Samples::Pictures(Box::new(Pictures {
        image: image?,
        place,
        others: others.into_iter().collect::<Option<_>>()?,
    })))
}

fn place(signature: &Signature, input: &Input) -> Option<usize> {
    let named = |spec: &TensorSpec| spec.name == input.name;
    signature.inputs.iter().position(named)
}

/// An input beside the picture.
fn other_input(
    index: usize,
    input: &Input,
    signature: &Signature,
    problems: &mut Vec<Problem>,
) -> Option<OtherInput> {
    let place = place(signature, input)?;
    let spec = &signature.inputs[place];
    let name = paths::shown(&spec.name);
    let mut add = |field: &str, message: String| {
        problems.push((format!("input.{index}.{field}"), message));
        None
    };
    let content = match input.kind {
        InputKind::Constant => Content::Constant(input.value.clone()),
        InputKind::OriginalSize => Content::OriginalSize(input.order),
        InputKind::Mask => Content::Mask,
        InputKind::Image | InputKind::Tensor => {
            let message = format!(
                "`{name}` is beside a picture: make it a `constant`, an `original-size` or a \
                 `mask`, or make every input a `tensor`"
            );
            return add("kind", message);
        }
    };
    if spec.datatype == DataType::Bytes {
        return add(
            "kind",
            format!("`{name}` takes strings, and this gives numbers"),
        );
    }
    let (batched, shape) = match shape_of(spec, &content) {
        Ok(found) => found,
        Err(message) => return add("kind", message),
    };
    if let Content::Constant(value) = &content {
        let elements = shape
            .iter()
            .try_fold(1usize, |all, one| all.checked_mul(*one));
        let fits = elements.is_some_and(|count| count <= MOST_ELEMENTS);
        if !fits || (value.len() != 1 && Some(value.len()) != elements) {
            let message = format!("has {} numbers, and `{name}` is {spec}", value.len());
            return add("value", message);
        }
    }
    Some(OtherInput {
        place,
        datatype: spec.datatype,
        shape,
        batched,
        content,
    })
}

/// Whether the first axis of an input beside the picture is the batch, and its other axes; the
/// problem where its content does not fit.
fn shape_of(spec: &TensorSpec, content: &Content) -> Result<(bool, Vec<usize>), String> {
    let name = paths::shown(&spec.name);
    let axes = spec.shape.as_deref().unwrap_or_default();
    let rank = axes.len();
    let (batched, axes) = match (axes.split_first(), content) {
        (Some((Dimension::Dynamic(_), rest)), _) => (true, rest),
        (Some((Dimension::Fixed(1), rest)), Content::OriginalSize(_)) if rank == 2 => (true, rest),
        (Some((Dimension::Fixed(1), rest)), Content::Mask) if rank == 3 => (true, rest),
        _ => (false, axes),
    };
    let length = |axis: &Dimension| match axis {
        Dimension::Fixed(length) => usize::try_from(*length).ok(),
        Dimension::Dynamic(_) => None,
    };
    let shape: Option<Vec<usize>> = axes.iter().map(length).collect();
    let shape = match (content, shape) {
        // A mask has the size of the picture's tensor.
        (Content::Mask, _) if axes.len() == 2 => Vec::new(),
        (Content::Mask, _) => {
            return Err(format!(
                "`{name}` is {spec}, and a mask is [N, height, width]"
            ));
        }
        (Content::OriginalSize(_), Some(shape)) if shape == [2] => shape,
        (Content::OriginalSize(_), _) => {
            return Err(format!("`{name}` is {spec}, and a size is [N, 2]"));
        }
        (Content::Constant(_), Some(shape)) => shape,
        // Other dynamic axes get the shortest length that there is.
        (Content::Constant(_), None) => axes.iter().map(|axis| length(axis).unwrap_or(1)).collect(),
    };
    Ok((batched, shape))
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
