//! From the kept boxes to detections, in the photo's pixels.

use boxwright_model::pipeline::{Boxes, Extra};
use boxwright_model::prediction::Detection;

use super::super::score::rounded;
use super::candidate::{Candidate, Candidates, Space};
use super::mask::{Made, MaskStore};
use super::rotated::Rotated;
use crate::error::{Error, Result};
use crate::stage::frame::{Frame, Mapping};

/// The detections; one whose mask is empty is none. `None` where the prototypes of a mask are gone.
pub(super) fn detections(
    task: &Boxes,
    candidates: &Candidates,
    kept: &[usize],
    masks: Option<&MaskStore<'_>>,
    frame: &Frame,
) -> Result<Option<Vec<Detection>>> {
    let mapping = frame.mapping_of(task.decoder);
    let mut detections = Vec::with_capacity(kept.len());
    for place in kept {
        let candidate = &candidates.list[*place];
        let mut detection = Detection {
            class: task.class(candidate.class as usize),
            index: candidate.class as usize,
            score: rounded(candidate.score, task.score_digits),
            bounds: bounds(candidates.space, candidate.bounds, &mapping, frame),
            polygon: None,
            keypoints: None,
            mask: None,
        };
        match (task.extra, masks) {
            (Extra::None, _) | (Extra::Mask, None) => {}
            (Extra::Angle, _) => rotated(candidates, candidate, &mapping, &mut detection),
            (Extra::Keypoints(_, numbers), _) => {
                let points = candidates.extras_of(candidate).chunks_exact(numbers);
                detection.keypoints = Some(points.map(|point| keypoint(point, &mapping)).collect());
            }
            (Extra::Mask, Some(masks)) => match masks.of_box(candidates, candidate)? {
                Made::Mask(mask) => detection.mask = Some(mask),
                Made::Empty => continue,
                Made::Unknown => return Ok(None),
            },
        }
        check(&detection)?;
        detections.push(detection);
    }
    Ok(Some(detections))
}

/// Ultralytics' boxes are cut at the photo's edges; those of transformers, and others that come in
/// the photo's pixels, are left as they are.
fn bounds(space: Space, bounds: [f32; 4], mapping: &Mapping, frame: &Frame) -> [f32; 4] {
    let (width, height) = (frame.photo.0 as f32, frame.photo.1 as f32);
    let [x0, y0, x1, y1] = bounds;
    match space {
        Space::InputUncut => mapping.bounds(bounds),
        Space::Input => mapping.clipped(mapping.bounds(bounds)),
        Space::Photo => bounds,
        Space::Unit => [x0 * width, y0 * height, x1 * width, y1 * height],
    }
}

/// A rotated box is not cut at the photo's edges: it would be no rectangle.
fn rotated(
    candidates: &Candidates,
    candidate: &Candidate,
    mapping: &Mapping,
    detection: &mut Detection,
) {
    let turned = Rotated::of(candidates, candidate);
    let [x, y] = mapping.point(turned.x, turned.y);
    let corners = Rotated {
        x,
        y,
        width: turned.width / mapping.gain[0],
        height: turned.height / mapping.gain[1],
        angle: turned.angle,
    }
    .regular()
    .corners();
    let least = |axis: usize| {
        corners
            .iter()
            .map(|corner| corner[axis])
            .fold(f32::INFINITY, f32::min)
    };
    let most = |axis: usize| {
        let values = corners.iter().map(|corner| corner[axis]);
        values.fold(f32::NEG_INFINITY, f32::max)
    };
    detection.bounds = [least(0), least(1), most(0), most(1)];
    detection.polygon = Some(corners);
}

/// A keypoint without a score is sure.
fn keypoint(point: &[f32], mapping: &Mapping) -> [f32; 3] {
    let [x, y] = mapping.point(point[0], point[1]);
    let [x, y, ..] = mapping.clipped([x, y, x, y]);
    [x, y, point.get(2).copied().unwrap_or(1.0)]
}

fn check(detection: &Detection) -> Result<()> {
    let corners = detection.polygon.iter().flatten().flatten();
    let points = detection.keypoints.iter().flatten().flatten();
    let mut numbers = detection.bounds.iter().chain(corners).chain(points);
    let number = numbers.find(|number| !number.is_finite()).copied();
    match number.or(Some(detection.score).filter(|score| !score.is_finite())) {
        None => Ok(()),
        Some(number) => Err(Error::Run(format!(
            "it gave {number} in a box of class {}",
            detection.index
        ))),
    }
}
