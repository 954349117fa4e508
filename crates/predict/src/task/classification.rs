//! One score a class.

use boxwright_model::pipeline::{ClassHead, Classification};
use boxwright_model::prediction::{ClassPrediction, Heads, Outcome};
use boxwright_tensor::Number;

use super::score::{activate, rounded};
use crate::error::{Error, Result};
use crate::tensor::Slice;

/// The classes by falling score; of equal ones the first comes first.
pub(super) fn outcome(
    task: &Classification,
    outputs: &[Slice<'_>],
    top_k: Option<usize>,
) -> Result<Outcome> {
    let most = top_k.unwrap_or(task.top_k);
    let digits = task.score_digits;
    let found = outputs.iter().zip(&task.heads);
    let found = found.map(|(output, head)| Ok((output.name, classes(head, output, most, digits)?)));
    let mut found = found.collect::<Result<Vec<_>>>()?;
    if found.len() > 1 {
        return Ok(Outcome::Heads(Heads {
            predictions: found[0].1.clone(),
            heads: found
                .into_iter()
                .map(|(name, classes)| (name.to_owned(), classes))
                .collect(),
        }));
    }
    let (_, only) = found
        .pop()
        .ok_or_else(|| Error::Run("the model gave no output".into()))?;
    Ok(Outcome::Classes(only))
}

/// The best classes of one output.
fn classes(
    head: &ClassHead,
    output: &Slice<'_>,
    most: usize,
    digits: Option<u8>,
) -> Result<Vec<ClassPrediction>> {
    // More than one axis is fine when all but one have the length 1, as in [C, 1, 1].
    let classes = output.shape.iter().product::<usize>();
    if classes == 0 || output.shape.iter().filter(|length| **length != 1).count() > 1 {
        return Err(Error::Shape(format!(
            "Output `{}` has the shape {:?} for a sample, and classification takes one number a \
             class. Name another output, or set the task to \"raw\".",
            output.name, output.shape
        )));
    }
    check_labels(head, output.name, classes)?;
    let given = output.scores()?;
    let mut scores = given.clone();
    activate(&mut scores, head.activation);
    if let Some(class) = not_finite(&given, &scores) {
        return Err(no_score(head, output.name, class, given[class]));
    }
    let mut order: Vec<usize> = (0..classes).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
    order.truncate(most);
    let class = |index: usize| match &head.labels {
        Some(labels) => labels[index].clone(),
        None => index.to_string(),
    };
    let predictions = order.into_iter().map(|index| ClassPrediction {
        class: class(index),
        score: rounded(scores[index], digits),
    });
    Ok(predictions.collect())
}

/// A model with a dynamic number of classes is checked with its first output.
fn check_labels(head: &ClassHead, output: &str, classes: usize) -> Result<()> {
    match &head.labels {
        Some(labels) if labels.len() != classes => Err(Error::Package {
            reason: format!(
                "output `{output}` has {classes} classes, and there are {} labels",
                labels.len()
            ),
            hint:
                "Give the labels file one line a class, in the model's order; where the model was \
                   trained with a background class, that is the first line."
                    .into(),
        }),
        _ => Ok(()),
    }
}

/// The class to blame where a score is NaN or an infinity: the first for which the model itself
/// gave such a number that the activation can't take. Minus infinity is one only where all are: a
/// model masks classes by it.
fn not_finite(given: &[f32], scores: &[f32]) -> Option<usize> {
    let score = scores.iter().position(|score| !score.is_finite())?;
    let is_fault = |value: &f32| value.is_nan() || *value == f32::INFINITY;
    Some(given.iter().position(is_fault).unwrap_or(score))
}

fn no_score(head: &ClassHead, output: &str, class: usize, given: f32) -> Error {
    let label = head.labels.as_ref().and_then(|labels| labels.get(class));
    let label = label.map_or(String::new(), |label| format!(", `{label}`,"));
    Error::Run(format!(
        "it gave {} for class {class}{label} of output `{output}`",
        Number::from(given)
    ))
}

#[cfg(test)]
mod tests {
    use boxwright_model::package::Activation;

    use super::*;

    #[test]
    fn a_number_that_is_no_score_is_found_behind_every_activation() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let found = |given: &[f32], activation| {
            let mut scores = given.to_vec();
            activate(&mut scores, activation);
            not_finite(given, &scores)
        };
        for activation in [Activation::None, Activation::Sigmoid, Activation::Softmax] {
            assert_eq!(found(&[1.0, 2.0, -3.0], activation), None, "{activation:?}");
            assert_eq!(
                found(&[1.0, 2.0, nan], activation),
                Some(2),
                "{activation:?}"
            );
        }
        assert_eq!(found(&[-inf, 2.0, inf], Activation::Softmax), Some(2));
        assert_eq!(found(&[-inf, -inf], Activation::Softmax), Some(0));
        // Masked classes have no chance.
        assert_eq!(found(&[1.0, -inf], Activation::Softmax), None);
        assert_eq!(found(&[1.0, -inf], Activation::Sigmoid), None);
        assert_eq!(found(&[1.0, -inf], Activation::None), Some(1));
    }

    #[test]
    fn an_error_names_the_class_and_the_number() {
        let head = ClassHead {
            activation: Activation::Softmax,
            labels: Some(vec!["cat".to_owned(), "dog".to_owned()]),
        };
        let error = no_score(&head, "logits", 1, f32::NAN).to_string();
        assert_eq!(
            error,
            "the model failed: it gave NaN for class 1, `dog`, of output `logits`"
        );
    }
}
