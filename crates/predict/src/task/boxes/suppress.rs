//! Non-maximum suppression.

use boxwright_model::package::Decoder;
use boxwright_model::pipeline::{Boxes, Extra};

use super::candidate::{Candidate, Candidates, MOST};
use super::rotated;

/// What a class shifts its boxes by, so that those of different classes never overlap: the `max_wh`
/// of Ultralytics and YOLOv5, in input pixels. The shift rounds their corners, as it does there.
const CLASS_OFFSET: f32 = 7680.0;
/// Boxes of one class that PicoDet's `hard_nms` looks at, and that it keeps, by default.
const PICODET_CANDIDATES: usize = 200;
const PICODET_KEPT: usize = 100;
/// Boxes of all classes together that YOLO-NAS suppresses: `nms_top_k` of its `predict`.
const YOLO_NAS_CANDIDATES: usize = 1024;

/// The places in the list of those that are kept, by falling score; of equal ones the first comes
/// first.
pub(super) fn select(task: &Boxes, candidates: &Candidates) -> Vec<usize> {
    let list = &candidates.list;
    let most = match task.iou_threshold {
        Some(_) if task.decoder == Decoder::PicoDet => usize::MAX,
        Some(_) if task.decoder == Decoder::YoloNas => YOLO_NAS_CANDIDATES,
        Some(_) => MOST,
        None => task.max_detections,
    };
    let order = best(list, task.score_threshold, most);
    let Some(threshold) = task.iou_threshold else {
        return order;
    };
    let shift = |candidate: &Candidate| match task.class_agnostic {
        true => 0.0,
        false => candidate.class as f32 * CLASS_OFFSET,
    };
    if task.extra == Extra::Angle {
        let mut kept = rotated::fast(candidates, &order, threshold, shift);
        kept.truncate(task.max_detections);
        return kept;
    }
    match task.decoder {
        Decoder::PicoDet => {
            let rule = Rule {
                threshold,
                side: 0.0,
                area: 1e-5,
            };
            let most = (PICODET_CANDIDATES, PICODET_KEPT);
            by_class(task, list, &order, rule, most)
        }
        // torchvision's `batched_nms` takes many boxes class by class too.
        Decoder::YoloNas => {
            let most = (usize::MAX, usize::MAX);
            by_class(task, list, &order, Rule::exact(threshold), most)
        }
        Decoder::YoloX => {
            let rule = Rule {
                threshold,
                side: 1.0,
                area: 0.0,
            };
            greedy(list, &order, rule, task.max_detections, shift)
        }
        _ => greedy(
            list,
            &order,
            Rule::exact(threshold),
            task.max_detections,
            shift,
        ),
    }
}

/// The best ones above the threshold in order: a model that gives millions of boxes costs no long
/// sort.
fn best(list: &[Candidate], threshold: f32, most: usize) -> Vec<usize> {
    let by_score = |a: &usize, b: &usize| {
        let scores = list[*b].score.total_cmp(&list[*a].score);
        scores.then(a.cmp(b))
    };
    let above = |place: &usize| list[*place].threshold_score > threshold;
    let mut order: Vec<usize> = (0..list.len()).filter(above).collect();
    if order.len() > most {
        order.select_nth_unstable_by(most, by_score);
        order.truncate(most);
    }
    order.sort_unstable_by(by_score);
    order
}

/// How an overlap is measured.
#[derive(Clone, Copy)]
struct Rule {
    threshold: f32,
    /// What is added to sides, in pixels.
    side: f32,
    /// What is added to the union.
    area: f32,
}

impl Rule {
    fn exact(threshold: f32) -> Self {
        Self {
            threshold,
            side: 0.0,
            area: 0.0,
        }
    }
}

/// A box and its area.
struct Kept {
    bounds: [f32; 4],
    area: f32,
}

/// torchvision's `nms`: from the best on, each box drops those that overlap it by more.
fn greedy(
    list: &[Candidate],
    order: &[usize],
    rule: Rule,
    most: usize,
    shift: impl Fn(&Candidate) -> f32,
) -> Vec<usize> {
    let mut kept: Vec<Kept> = Vec::new();
    let mut places = Vec::new();
    for place in order {
        let candidate = &list[*place];
        let shift = shift(candidate);
        let bounds = candidate.bounds.map(|side| side + shift);
        let area = (bounds[2] - bounds[0] + rule.side) * (bounds[3] - bounds[1] + rule.side);
        let overlaps = |other: &Kept| {
            let width = bounds[2].min(other.bounds[2]) - bounds[0].max(other.bounds[0]) + rule.side;
            let height =
                bounds[3].min(other.bounds[3]) - bounds[1].max(other.bounds[1]) + rule.side;
            let shared = width.max(0.0) * height.max(0.0);
            shared / (other.area + area - shared + rule.area) > rule.threshold
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

/// Class by class, or all classes as one: PaddleDetection's `hard_nms`, and others. So many boxes of
/// a class are looked at, and so many are kept.
fn by_class(
    task: &Boxes,
    list: &[Candidate],
    order: &[usize],
    rule: Rule,
    (looked_at, kept): (usize, usize),
) -> Vec<usize> {
    let mut classes: std::collections::BTreeMap<u32, Vec<usize>> = Default::default();
    for place in order {
        let class = match task.class_agnostic {
            true => 0,
            false => list[*place].class,
        };
        let places = classes.entry(class).or_default();
        if places.len() < looked_at {
            places.push(*place);
        }
    }
    let kept = classes
        .values()
        .flat_map(|places| greedy(list, places, rule, kept, |_| 0.0));
    let mut kept: Vec<usize> = kept.collect();
    kept.sort_unstable_by(|a, b| {
        let scores = list[*b].score.total_cmp(&list[*a].score);
        scores.then(a.cmp(b))
    });
    kept.truncate(task.max_detections);
    kept
}
