//! Non-maximum suppression.

use boxwright_model::package::Decoder;
use boxwright_model::pipeline::{Boxes, Extra};

use super::candidate::{Candidate, Candidates, MOST};
use super::rotated;

/// What a class shifts its boxes by, so that those of different classes never overlap: Ultralytics'
/// `max_wh`, in input pixels. The shift rounds their corners, as it does there.
const CLASS_OFFSET: f32 = 7680.0;
/// YOLOv5's.
const CLASS_OFFSET_OF_YOLOV5: f32 = 4096.0;

/// The places in the list of those that are kept, by falling score; of equal ones the first comes
/// first.
pub(super) fn select(
    task: &Boxes,
    candidates: &Candidates,
    score_threshold: f32,
    iou_threshold: Option<f32>,
) -> Vec<usize> {
    let list = &candidates.list;
    let mut order: Vec<usize> = (0..list.len())
        .filter(|place| list[*place].score > score_threshold)
        .collect();
    order.sort_by(|a, b| list[*b].score.total_cmp(&list[*a].score));
    order.truncate(MOST);
    let shift = |candidate: &Candidate| match (task.class_agnostic, task.decoder) {
        (true, _) => 0.0,
        (false, Decoder::YoloV5) => candidate.class as f32 * CLASS_OFFSET_OF_YOLOV5,
        (false, _) => candidate.class as f32 * CLASS_OFFSET,
    };
    match iou_threshold {
        None => order.truncate(task.max_detections),
        Some(threshold) if task.extra == Extra::Angle => {
            order = rotated::fast(candidates, &order, threshold, shift);
            order.truncate(task.max_detections);
        }
        Some(threshold) => {
            let one = if task.decoder == Decoder::YoloX {
                1.0
            } else {
                0.0
            };
            order = greedy(list, &order, threshold, task.max_detections, shift, one);
        }
    }
    order
}

/// A box, its area, and whether it is still there.
struct Kept {
    bounds: [f32; 4],
    area: f32,
}

/// torchvision's `nms`: from the best on, each box drops those that overlap it by more. `one` is
/// added to sides, as YOLOX does.
fn greedy(
    list: &[Candidate],
    order: &[usize],
    threshold: f32,
    most: usize,
    shift: impl Fn(&Candidate) -> f32,
    one: f32,
) -> Vec<usize> {
    let mut kept: Vec<Kept> = Vec::new();
    let mut places = Vec::new();
    for place in order {
        let candidate = &list[*place];
        let shift = shift(candidate);
        let bounds = candidate.bounds.map(|side| side + shift);
        let area = (bounds[2] - bounds[0] + one) * (bounds[3] - bounds[1] + one);
        let overlaps = |other: &Kept| {
            let width = bounds[2].min(other.bounds[2]) - bounds[0].max(other.bounds[0]) + one;
            let height = bounds[3].min(other.bounds[3]) - bounds[1].max(other.bounds[1]) + one;
            let shared = width.max(0.0) * height.max(0.0);
            shared / (other.area + area - shared) > threshold
        };
        if !kept.iter().any(overlaps) {
            kept.push(Kept { bounds, area });
            places.push(*place);
            if places.len() == most {
                break;
            }
        }
    }
    places
}
