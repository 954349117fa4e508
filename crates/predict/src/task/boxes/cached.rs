//! What a sample's outputs say before thresholds, so that those can change without another run of the
//! model.

use boxwright_model::pipeline::Boxes;
use boxwright_model::prediction::Outcome;

use super::candidate::Candidates;
use super::mask::{MaskStore, Masks};
use super::output::output;
use super::{decode, finish, suppress};
use crate::error::Result;
use crate::stage::frame::Frame;
use crate::tensor::Slice;

/// Candidates of a sample that are kept; [`Decoded::floor`] rises where there are more.
const MOST_KEPT: usize = 3_000;

/// The boxes of a sample above a score, before suppression, and what their masks are made of.
pub(crate) struct Decoded<'a> {
    candidates: Candidates,
    /// Every box with a higher score is there.
    floor: f32,
    masks: Option<MaskStore<'a>>,
}

impl<'a> Decoded<'a> {
    /// Decodes the boxes with scores above `floor`, or above the task's threshold where that is
    /// lower, or where those with lower scores are no boxes.
    pub fn of(task: &Boxes, outputs: &'a [Slice<'_>], frame: &Frame, floor: f32) -> Result<Self> {
        let masks = match task.roles.masks {
            Some(place) => {
                let masks = output(outputs, Some(place))?;
                Some(Masks::of(masks, task.decoder, frame)?)
            }
            None => None,
        };
        let coefficients = masks.as_ref().map_or(0, Masks::count);
        let threshold = task.score_threshold;
        let floors = [floor.min(threshold), threshold];
        let decoded =
            |floor| decode(task, outputs, frame, coefficients, floor).map(|found| (found, floor));
        let (candidates, floor) = decoded(floors[0]).or_else(|_| decoded(floors[1]))?;
        Ok(Self {
            candidates,
            floor,
            masks: masks.map(MaskStore::new),
        })
    }

    /// The detections by falling score; `None` where they can't be told without the model's outputs:
    /// boxes with such low scores, or prototypes of masks, were not kept.
    pub fn outcome(&self, task: &Boxes, frame: &Frame) -> Result<Option<Outcome>> {
        if task.score_threshold < self.floor {
            return Ok(None);
        }
        let kept = suppress::select(task, &self.candidates);
        let masks = self.masks.as_ref();
        let found = finish::detections(task, &self.candidates, &kept, masks, frame)?;
        Ok(found.map(Outcome::Detections))
    }

    /// What is worth keeping. Without `prototypes`, which are large, only the masks that have been
    /// made stay.
    pub fn kept(self, prototypes: bool) -> Decoded<'static> {
        let mut candidates = self.candidates;
        let dropped = candidates.keep_best(MOST_KEPT);
        Decoded {
            floor: dropped.map_or(self.floor, |score| score.max(self.floor)),
            // Candidates were numbered anew.
            masks: self
                .masks
                .map(|masks| masks.kept(prototypes, dropped.is_none())),
            candidates,
        }
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let masks = self.masks.as_ref().map_or(0, MaskStore::bytes);
        size_of::<Self>() + self.candidates.bytes() + masks
    }

    /// Bytes of the prototypes, where there are some.
    pub fn prototype_bytes(&self) -> usize {
        self.masks.as_ref().map_or(0, MaskStore::prototype_bytes)
    }
}

#[cfg(test)]
mod tests {
    use boxwright_model::package::Decoder;
    use boxwright_model::pipeline::{Extra, Roles};
    use proptest::prelude::*;

    use super::*;

    const FRAME: fn() -> Frame = || Frame::whole(64, 64);

    fn task(decoder: Decoder, extra: Extra, masks: Option<usize>) -> Boxes {
        let scores = usize::from(!matches!(
            decoder,
            Decoder::Detr | Decoder::RtDetrTransformers
        ));
        Boxes {
            decoder,
            outputs: vec![0, 1, 2, 3],
            roles: Roles {
                boxes: 0,
                scores: Some(1 + scores),
                classes: Some(2),
                count: Some(3),
                masks,
            },
            extra,
            box_format: None,
            score_threshold: decoder.score_threshold(),
            iou_threshold: decoder.iou_threshold(),
            max_detections: 300,
            class_agnostic: decoder.is_class_agnostic(),
            first_class: 0,
            score_digits: None,
            labels: None,
        }
    }

    fn direct(task: &Boxes, outputs: &[Slice<'_>]) -> Option<Outcome> {
        super::super::outcome(task, outputs, &FRAME()).ok()
    }

    /// What is kept under one threshold and read under others, beside what the outputs themselves give.
    fn assert_same_as_direct(task: &Boxes, outputs: &[Slice<'_>]) {
        let Ok(decoded) = Decoded::of(task, outputs, &FRAME(), 0.01) else {
            return;
        };
        let kept = decoded.kept(true);
        for score_threshold in [0.01, 0.05, 0.25, 0.5, 0.9] {
            for iou_threshold in [task.iou_threshold, task.iou_threshold.map(|_| 0.2)] {
                let moved = Boxes {
                    score_threshold,
                    iou_threshold,
                    ..task.clone()
                };
                let Ok(outcome) = kept.outcome(&moved, &FRAME()) else {
                    assert_eq!(direct(&moved, outputs), None);
                    continue;
                };
                if score_threshold >= kept.floor {
                    assert_eq!(outcome, direct(&moved, outputs), "at {score_threshold}");
                } else {
                    assert_eq!(outcome, None);
                }
            }
        }
    }

    fn numbers(count: usize) -> impl Strategy<Value = Vec<f32>> {
        let number = prop_oneof![4 => 0.0f32..1.2, 2 => 0.0f32..64.0, 1 => Just(2.0f32)];
        prop::collection::vec(number, count)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn moved_thresholds_give_what_the_outputs_give(
            decoder in prop::sample::select(Decoder::ALL),
            turned in any::<bool>(),
            (rows, columns) in (1usize..16, 1usize..16),
            first in numbers(16 * 16),
            second in numbers(16 * 16),
        ) {
            let length = rows * columns;
            let outputs = [
                Slice::of_floats("first", &[rows, columns], &first[..length]),
                Slice::of_floats("second", &[rows, columns], &second[..length]),
                Slice::of_floats("third", &[rows], &second[..rows]),
                Slice::of_floats("fourth", &[1], &[16.0]),
            ];
            let extra = if turned { Extra::Angle } else { Extra::None };
            assert_same_as_direct(&task(decoder, extra, None), &outputs);
        }
    }

    /// Boxes and prototypes, of which every box has a mask.
    fn masked(boxes: usize) -> (Vec<f32>, Vec<f32>) {
        let mut head = vec![0.0f32; 7 * boxes];
        for column in 0..boxes {
            let place = column as f32;
            let row = [
                8.0 + place % 40.0,
                30.0,
                14.0,
                20.0,
                0.02 + (place % 97.0) / 100.0,
            ];
            for (row, value) in row.into_iter().enumerate() {
                head[row * boxes + column] = value;
            }
            head[5 * boxes + column] = 1.0;
            head[6 * boxes + column] = place % 3.0 - 1.0;
        }
        (
            head,
            (0..2 * 16 * 16)
                .map(|place| (place % 7) as f32 - 2.0)
                .collect(),
        )
    }

    #[test]
    fn masks_are_made_of_prototypes_while_they_are_kept_and_remembered_afterwards() {
        let (head, prototypes) = masked(40);
        let outputs = [
            Slice::of_floats("head", &[7, 40], &head),
            Slice::of_floats("prototypes", &[2, 16, 16], &prototypes),
        ];
        let task = task(Decoder::YoloV8, Extra::Mask, Some(1));
        assert_same_as_direct(&task, &outputs);
        let decoded = Decoded::of(&task, &outputs, &FRAME(), 0.01).unwrap();
        let shown = decoded.outcome(&task, &FRAME()).unwrap();
        let (with, kept) = (decoded.bytes(), decoded.kept(false));
        assert!(kept.bytes() < with && kept.prototype_bytes() == 0);
        assert_eq!(kept.outcome(&task, &FRAME()).unwrap(), shown);
        let at = |score_threshold| Boxes {
            score_threshold,
            ..task.clone()
        };
        assert_eq!(
            kept.outcome(&at(0.6), &FRAME()).unwrap(),
            direct(&at(0.6), &outputs)
        );
        assert_eq!(kept.outcome(&at(0.02), &FRAME()).unwrap(), None);
    }

    #[test]
    fn of_very_many_boxes_the_best_are_kept() {
        let (head, _) = masked(25_000);
        let outputs = [Slice::of_floats("head", &[5, 25_000], &head[..5 * 25_000])];
        let task = task(Decoder::YoloV8, Extra::None, None);
        let decoded = Decoded::of(&task, &outputs, &FRAME(), 0.01).unwrap();
        let kept = decoded.kept(true);
        assert!(kept.floor > 0.5 && kept.bytes() < 1 << 20, "{}", kept.floor);
        assert_same_as_direct(&task, &outputs);
    }
}
