//! One score a class.

use std::cmp::Ordering;

use boxwright_model::package::Activation;
use boxwright_model::pipeline::Classification;
use boxwright_model::prediction::{ClassPrediction, Outcome};

use crate::error::{Error, Result};
use crate::tensor::Slice;

/// The classes by falling score; of equal ones the first comes first.
pub(super) fn outcome(
    task: &Classification,
    outputs: &[Slice<'_>],
    top_k: Option<usize>,
) -> Result<Outcome> {
    let Some(output) = outputs.first() else {
        return Err(Error::Run("the model gave no output".into()));
    };
    // More than one axis is fine when all but one have the length 1, as in [C, 1, 1].
    let classes = output.shape.iter().product::<usize>();
    if classes == 0 || output.shape.iter().filter(|length| **length != 1).count() > 1 {
        return Err(Error::Shape(format!(
            "Output `{}` has the shape {:?} for a sample, and classification takes one number a \
             class. Name another output, or set the task to \"raw\".",
            output.name, output.shape
        )));
    }
    check_labels(task, output.name, classes)?;
    let scores = activated(output.scores()?, task.activation);
    let mut order: Vec<usize> = (0..classes).collect();
    order.sort_by(|a, b| falling(scores[*a], scores[*b]).then(a.cmp(b)));
    order.truncate(top_k.unwrap_or(task.top_k));
    if order.iter().any(|index| !scores[*index].is_finite()) {
        return Err(Error::Run(format!(
            "output `{}` holds an infinity or what is no number for this sample",
            output.name
        )));
    }
    let class = |index: usize| match &task.labels {
        Some(labels) => labels[index].clone(),
        None => index.to_string(),
    };
    let predictions = order.into_iter().map(|index| ClassPrediction {
        class: class(index),
        score: rounded(scores[index], task.score_digits),
    });
    Ok(Outcome::Classes(predictions.collect()))
}

/// A model with a dynamic number of classes is checked with its first output.
fn check_labels(task: &Classification, output: &str, classes: usize) -> Result<()> {
    match &task.labels {
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

/// A score of so many decimal digits: Python's `round`, which is exact.
fn rounded(score: f32, digits: Option<u8>) -> f32 {
    let Some(digits) = digits else { return score };
    format!("{score:.*}", usize::from(digits))
        .parse()
        .unwrap_or(score)
}

/// Higher first; NaN last.
fn falling(a: f32, b: f32) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) => b.total_cmp(&a),
        (a, b) => a.cmp(&b),
    }
}

fn activated(mut scores: Vec<f32>, activation: Activation) -> Vec<f32> {
    match activation {
        Activation::None => {}
        Activation::Sigmoid => {
            scores
                .iter_mut()
                .for_each(|score| *score = 1.0 / (1.0 + (-*score).exp()));
        }
        Activation::Softmax => {
            let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            scores
                .iter_mut()
                .for_each(|score| *score = (*score - most).exp());
            let sum: f64 = scores.iter().map(|score| f64::from(*score)).sum();
            scores
                .iter_mut()
                .for_each(|score| *score = (f64::from(*score) / sum) as f32);
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_of_large_numbers_is_finite_and_sums_to_one() {
        let scores = activated(vec![1000.0, 1001.0, -1000.0], Activation::Softmax);
        assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((scores[1] - 0.731_058_6).abs() < 1e-6);
    }

    #[test]
    fn scores_are_rounded_as_python_does() {
        // 0.0625 is exact: half to even. 0.0005 in 32 bits is a little more than that.
        assert_eq!(rounded(0.0625, Some(3)), 0.062);
        assert_eq!(rounded(0.0005, Some(3)), 0.001);
        assert_eq!(rounded(0.391_141, Some(3)), 0.391);
        assert_eq!(rounded(0.391_141, None), 0.391_141);
    }

    #[test]
    fn nan_is_ranked_last() {
        let scores = [f32::NAN, 1.0, f32::INFINITY, -1.0];
        let mut order: Vec<usize> = (0..4).collect();
        order.sort_by(|a, b| falling(scores[*a], scores[*b]));
        assert_eq!(order, [2, 1, 3, 0]);
    }
}
