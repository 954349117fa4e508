//! Boxes: the same ones, with scores, sides, corners and keypoints within the tolerance.

use boxwright_model::prediction::{Detection, RunLengths};

use super::difference::{Found, differs};
use super::pixels;

/// Each box of the preview has one of the same class in the image that lies where it does. Boxes
/// whose scores are within the tolerance of each other may change places.
pub(super) fn compare(preview: &[Detection], image: &[Detection], tolerance: f64) -> Found {
    if preview.len() != image.len() {
        let (a, b) = (preview.len(), image.len());
        return differs(format!("the preview gives {a} boxes, the image {b}"));
    }
    let mut found = Found::same();
    let mut free: Vec<&Detection> = image.iter().collect();
    for (rank, one) in preview.iter().enumerate() {
        let near = |other: &&Detection| {
            (other.index, &other.class) == (one.index, &one.class)
                && f64::from((other.score - one.score).abs()) <= tolerance.max(1e-9)
        };
        let distance = |other: &Detection| -> f64 {
            let sides = one.bounds.iter().zip(&other.bounds);
            sides.map(|(a, b)| f64::from((a - b).abs())).sum()
        };
        let nearest = (0..free.len())
            .filter(|place| near(&free[*place]))
            .min_by(|a, b| distance(free[*a]).total_cmp(&distance(free[*b])));
        let Some(place) = nearest else {
            let (class, score) = (&one.class, one.score);
            return differs(format!(
                "box {} of the preview, {class} {score:.6}, is not among the image's",
                rank + 1
            ));
        };
        pair(&mut found, one, free.swap_remove(place), tolerance);
    }
    found
}

fn pair(found: &mut Found, a: &Detection, b: &Detection, tolerance: f64) {
    let words = || format!("the preview gives {}, the image {}", words(a), words(b));
    found.number(a.score.into(), b.score.into(), tolerance, words);
    let corners = |one: &Detection| {
        one.polygon
            .into_iter()
            .flatten()
            .flatten()
            .collect::<Vec<_>>()
    };
    let points = |one: &Detection| {
        let points = one.keypoints.iter().flatten().flatten();
        points.copied().collect::<Vec<f32>>()
    };
    let lists = [
        (a.bounds.to_vec(), b.bounds.to_vec()),
        (corners(a), corners(b)),
        (points(a), points(b)),
    ];
    for (a, b) in lists {
        if a.len() != b.len() {
            found.words.get_or_insert_with(words);
        }
        for (a, b) in a.into_iter().zip(b) {
            found.number(a.into(), b.into(), tolerance, words);
        }
    }
    match (&a.mask, &b.mask) {
        (None, None) => {}
        (Some(a), Some(b)) if a.size == b.size => {
            let share = differing(a, b);
            found.most = found.most.max(share);
            if share > pixels::tolerance(tolerance) {
                found.words.get_or_insert_with(|| {
                    format!(
                        "{:.3} % of a mask's pixels differ: {}",
                        share * 100.0,
                        words()
                    )
                });
            }
        }
        _ => {
            found.words.get_or_insert_with(words);
        }
    }
}

fn words(one: &Detection) -> String {
    let [left, top, right, bottom] = one.bounds;
    let (class, score) = (&one.class, one.score);
    format!("{class} {score:.6} at {left:.3}, {top:.3}, {right:.3}, {bottom:.3}")
}

/// The share of two masks' common pixels in which they differ.
fn differing(a: &RunLengths, b: &RunLengths) -> f64 {
    let ends = |mask: &RunLengths| {
        let mut end = 0u64;
        let ends = mask.counts.iter().map(|run| {
            end += u64::from(*run);
            end
        });
        ends.collect::<Vec<_>>()
    };
    let (a, b) = (ends(a), ends(b));
    let (mut i, mut j, mut at) = (0, 0, 0u64);
    let (mut differing, mut either) = (0u64, 0u64);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let end = *x.min(y);
        let (one, other) = (i % 2 == 1, j % 2 == 1);
        either += if one || other { end - at } else { 0 };
        differing += if one == other { 0 } else { end - at };
        at = end;
        i += usize::from(*x == end);
        j += usize::from(*y == end);
    }
    differing as f64 / either.max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use super::*;

    fn one(score: f32, left: f32, counts: &[u32]) -> Detection {
        Detection {
            class: "cat".into(),
            index: 0,
            score,
            bounds: [left, 0.0, left + 10.0, 10.0],
            polygon: None,
            keypoints: None,
            mask: Some(RunLengths {
                size: [10, 10],
                counts: counts.to_vec(),
            }),
        }
    }

    fn same(a: &[Detection], b: &[Detection]) -> bool {
        compare(a, b, 1e-5).words.is_none()
    }

    #[test]
    fn boxes_are_the_same_in_any_order_of_equal_scores_and_nowhere_else() {
        let (a, b) = (one(0.5, 0.0, &[10, 90]), one(0.5, 20.0, &[20, 80]));
        assert!(same(&[a.clone(), b.clone()], &[b.clone(), a.clone()]));
        assert!(!same(from_ref(&a), &[a.clone(), b.clone()]));
        assert!(!same(from_ref(&a), &[one(0.5, 0.1, &[10, 90])]));
        assert!(!same(from_ref(&a), &[one(0.51, 0.0, &[10, 90])]));
        assert!(!same(from_ref(&a), &[one(0.5, 0.0, &[12, 88])]));
        let named = Detection {
            class: "dog".into(),
            ..a.clone()
        };
        assert!(!same(from_ref(&a), &[named]));
    }

    #[test]
    fn corners_and_keypoints_are_compared_too() {
        let turned = |x: f32| Detection {
            polygon: Some([[x, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]]),
            ..one(0.5, 0.0, &[10, 90])
        };
        let posed = |score: f32| Detection {
            keypoints: Some(vec![[1.0, 2.0, score]]),
            ..one(0.5, 0.0, &[10, 90])
        };
        assert!(same(&[turned(0.0)], &[turned(0.000_001)]));
        assert!(!same(&[turned(0.0)], &[turned(0.1)]));
        assert!(!same(&[posed(0.9)], &[posed(0.8)]));
        assert!(!same(&[posed(0.9)], &[turned(0.0)]));
    }

    #[test]
    fn masks_differ_by_a_share_of_their_pixels() {
        let mask = |counts: &[u32]| RunLengths {
            size: [10, 10],
            counts: counts.to_vec(),
        };
        assert_eq!(differing(&mask(&[10, 40, 50]), &mask(&[10, 40, 50])), 0.0);
        assert_eq!(differing(&mask(&[10, 40, 50]), &mask(&[10, 30, 60])), 0.25);
        assert_eq!(differing(&mask(&[100]), &mask(&[0, 100])), 1.0);
    }
}
