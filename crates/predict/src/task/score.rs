//! Scores: activations, and rounding.

use boxwright_model::package::Activation;

/// A score of so many decimal digits: Python's `round`, which is exact.
pub(super) fn rounded(score: f32, digits: Option<u8>) -> f32 {
    let Some(digits) = digits else { return score };
    format!("{score:.*}", usize::from(digits))
        .parse()
        .unwrap_or(score)
}

/// 1 / (1 + exp(−x)), as PyTorch and NumPy do it in single precision.
pub(super) fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// The scores behind an activation over them, in place.
pub(super) fn activate(scores: &mut [f32], activation: Activation) {
    match activation {
        Activation::None => {}
        Activation::Sigmoid => scores.iter_mut().for_each(|score| *score = sigmoid(*score)),
        Activation::Softmax => softmax(scores),
    }
}

fn softmax(scores: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores
        .iter_mut()
        .for_each(|score| *score = (*score - most).exp());
    let sum: f64 = scores.iter().map(|score| f64::from(*score)).sum();
    scores
        .iter_mut()
        .for_each(|score| *score = (f64::from(*score) / sum) as f32);
}

/// The first of the largest numbers, and its place; NaN is never one.
pub(super) fn best(scores: &[f32]) -> Option<(usize, f32)> {
    let mut best: Option<(usize, f32)> = None;
    for (place, score) in scores.iter().enumerate() {
        if !score.is_nan() && best.is_none_or(|(_, most)| *score > most) {
            best = Some((place, *score));
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_of_large_numbers_is_finite_and_sums_to_one() {
        let mut scores = [1000.0, 1001.0, -1000.0];
        softmax(&mut scores);
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
    fn the_first_of_equal_scores_is_the_best() {
        assert_eq!(best(&[0.1, 0.5, 0.5]), Some((1, 0.5)));
        assert_eq!(best(&[f32::NAN, -1.0]), Some((1, -1.0)));
        assert_eq!(best(&[f32::NAN]), None);
        assert_eq!(best(&[]), None);
    }
}
