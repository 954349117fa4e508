//! Rotated boxes: their overlap as probabilities (ProbIoU, Llerena et al., 2021), their suppression,
//! and their corners, as Ultralytics computes them.

use std::f32::consts::{FRAC_PI_2, PI};

use super::candidate::{Candidate, Candidates};

/// Ultralytics' `eps`.
const EPSILON: f32 = 1e-7;

/// Centre, size and angle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rotated {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
    /// In radians.
    pub angle: f32,
}

impl Rotated {
    pub fn of(candidates: &Candidates, candidate: &Candidate) -> Self {
        let [x, y, width, height] = candidate.bounds;
        let angle = candidates
            .extras_of(candidate)
            .first()
            .copied()
            .unwrap_or(0.0);
        Self {
            x,
            y,
            width,
            height,
            angle,
        }
    }

    /// The same box with an angle of 0 to π/2.
    pub fn regular(self) -> Self {
        let swaps = self.angle.rem_euclid(PI) >= FRAC_PI_2;
        let (width, height) = match swaps {
            true => (self.height, self.width),
            false => (self.width, self.height),
        };
        Self {
            width,
            height,
            angle: self.angle.rem_euclid(FRAC_PI_2),
            ..self
        }
    }

    /// The four corners, in the order of `xywhr2xyxyxyxy`.
    pub fn corners(self) -> [[f32; 2]; 4] {
        let (cos, sin) = (self.angle.cos(), self.angle.sin());
        let along = [self.width / 2.0 * cos, self.width / 2.0 * sin];
        let across = [-self.height / 2.0 * sin, self.height / 2.0 * cos];
        [(1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0)].map(|(a, b)| {
            [
                self.x + a * along[0] + b * across[0],
                self.y + a * along[1] + b * across[1],
            ]
        })
    }

    fn covariance(self) -> [f32; 3] {
        let (a, b) = (
            self.width * self.width / 12.0,
            self.height * self.height / 12.0,
        );
        let (cos, sin) = (self.angle.cos(), self.angle.sin());
        let (cos2, sin2) = (cos * cos, sin * sin);
        [
            a * cos2 + b * sin2,
            a * sin2 + b * cos2,
            (a - b) * cos * sin,
        ]
    }
}

/// A box as a distribution.
struct Gaussian {
    x: f32,
    y: f32,
    covariance: [f32; 3],
}

/// Whether two boxes lie so far apart that they overlap by nothing that a threshold could ask for:
/// of many boxes most do.
fn far_apart(one: &Gaussian, other: &Gaussian) -> bool {
    let ([a1, b1, _], [a2, b2, _]) = (one.covariance, other.covariance);
    let (x, y) = (other.x - one.x, other.y - one.y);
    // Their distance is at least this one over the larger variance, which the trace exceeds; from a
    // distance of 10 on the overlap is below 0.0001.
    (x * x + y * y) > 4.0 * 10.0 * (a1 + b1 + a2 + b2)
}

/// Thresholds below this one are held against every pair.
const FAR: f32 = 0.001;

fn overlap(one: &Gaussian, other: &Gaussian) -> f32 {
    let ([a1, b1, c1], [a2, b2, c2]) = (one.covariance, other.covariance);
    let (x, y) = (other.x - one.x, one.y - other.y);
    let (a, b, c) = (a1 + a2, b1 + b2, c1 + c2);
    let determinant = a * b - c * c;
    let first = (a * (y * y) + b * (x * x)) / (determinant + EPSILON) * 0.25;
    let second = (c * x * y) / (determinant + EPSILON) * 0.5;
    let product = (a1 * b1 - c1 * c1).max(0.0) * (a2 * b2 - c2 * c2).max(0.0);
    let third = (determinant / (4.0 * product.sqrt() + EPSILON) + EPSILON).ln() * 0.5;
    let distance = (first + second + third).clamp(EPSILON, 100.0);
    1.0 - (1.0 - (-distance).exp() + EPSILON).sqrt()
}

/// Ultralytics' `fast_nms`: a box goes if any better one overlaps it by as much, whether that one
/// stays or not.
pub(super) fn fast(
    candidates: &Candidates,
    order: &[usize],
    threshold: f32,
    shift: impl Fn(&Candidate) -> f32,
) -> Vec<usize> {
    let gaussian = |place: &usize| {
        let candidate = &candidates.list[*place];
        let shift = shift(candidate);
        let turned = Rotated::of(candidates, candidate);
        Gaussian {
            x: turned.x + shift,
            y: turned.y + shift,
            covariance: turned.covariance(),
        }
    };
    let gaussians: Vec<Gaussian> = order.iter().map(gaussian).collect();
    let skip = threshold > FAR;
    let stays = |(place, one): &(usize, &Gaussian)| {
        !gaussians[..*place]
            .iter()
            .any(|better| !(skip && far_apart(better, one)) && overlap(better, one) >= threshold)
    };
    gaussians
        .iter()
        .enumerate()
        .filter(stays)
        .map(|(place, _)| order[place])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turned_box_has_an_angle_in_the_first_quarter() {
        let turned = Rotated {
            x: 0.0,
            y: 0.0,
            width: 4.0,
            height: 2.0,
            angle: FRAC_PI_2 + 0.1,
        };
        let regular = turned.regular();
        assert!((regular.angle - 0.1).abs() < 1e-6);
        assert_eq!((regular.width, regular.height), (2.0, 4.0));
    }

    #[test]
    fn a_box_overlaps_itself_and_nothing_far_away() {
        let gaussian = |x: f32| {
            let turned = Rotated {
                x,
                y: 0.0,
                width: 40.0,
                height: 20.0,
                angle: 0.3,
            };
            Gaussian {
                x,
                y: 0.0,
                covariance: turned.covariance(),
            }
        };
        assert!(overlap(&gaussian(0.0), &gaussian(0.0)) > 0.99);
        assert!(overlap(&gaussian(0.0), &gaussian(1000.0)) < 0.01);
    }
}
