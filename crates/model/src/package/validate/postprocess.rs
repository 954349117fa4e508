//! What is wrong with `[postprocess]`, the model left aside.

use super::Problems;
use crate::package::{Decoder, Postprocess, Task};

/// Most boxes of a prediction, and most numbers of a keypoint's list.
const MOST_DETECTIONS: usize = 100_000;
const MOST_KEYPOINTS: usize = 1000;

impl Problems {
    pub(super) fn postprocess(&mut self, postprocess: &Postprocess) {
        if postprocess.top_k == 0 {
            self.add("postprocess.top_k", "must be at least 1");
        }
        if postprocess.score_digits.is_some_and(|digits| digits > 9) {
            self.add("postprocess.score_digits", "is more than 9");
        }
        for (name, threshold) in [
            ("score_threshold", postprocess.score_threshold),
            ("iou_threshold", postprocess.iou_threshold),
            ("threshold", postprocess.threshold),
        ] {
            if threshold.is_some_and(|threshold| !(0.0..=1.0).contains(&threshold)) {
                self.add(format!("postprocess.{name}"), "is not from 0 to 1");
            }
        }
        if postprocess.task.has_boxes() {
            self.boxes(postprocess);
        }
        self.fields_of_other_tasks(postprocess);
    }

    fn boxes(&mut self, postprocess: &Postprocess) {
        let field = "postprocess.decoder";
        let turned = postprocess.task == Task::RotatedDetection;
        let masks = postprocess.task == Task::InstanceSegmentation;
        match postprocess.decoder {
            None => self.add(
                field,
                format!(
                    "is needed: how the outputs encode boxes, one of {}",
                    Decoder::ALL
                        .iter()
                        .map(|one| format!("`{one}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            ),
            Some(decoder) if postprocess.task != Task::Detection && !decoder.has_extras() => {
                if !(masks && decoder.has_masks()) {
                    let message = format!(
                        "`{decoder}` has boxes alone: the task `{}` takes `yolov8` or `end-to-end`",
                        postprocess.task
                    );
                    self.add(field, message);
                }
            }
            Some(Decoder::YoloV5) if turned || postprocess.task == Task::Pose => {
                let message = format!("`yolov5` has no layout for `{}`", postprocess.task);
                self.add(field, message);
            }
            Some(_) => {}
        }
        let most = postprocess.max_detections;
        if most.is_some_and(|most| !(1..=MOST_DETECTIONS).contains(&most)) {
            let message = format!("is not from 1 to {MOST_DETECTIONS}");
            self.add("postprocess.max_detections", message);
        }
        match (postprocess.task, postprocess.keypoints) {
            (Task::Pose, None) => self.add(
                "postprocess.keypoints",
                "is needed: how many keypoints, and how many numbers for each, such as [17, 3]",
            ),
            (Task::Pose, Some([count, numbers]))
                if !(1..=MOST_KEYPOINTS).contains(&count) || !(2..=3).contains(&numbers) =>
            {
                let message = "is not a number of keypoints and 2 or 3 numbers for each";
                self.add("postprocess.keypoints", message);
            }
            _ => {}
        }
    }

    /// A field that another task has would be passed over, and its author would not know.
    fn fields_of_other_tasks(&mut self, postprocess: &Postprocess) {
        let task = postprocess.task;
        let boxes = task.has_boxes();
        let other = [
            (
                "heads",
                !postprocess.heads.is_empty() && task != Task::Classification,
            ),
            ("decoder", postprocess.decoder.is_some() && !boxes),
            ("outputs", !postprocess.outputs.is_empty() && !boxes),
            ("box_format", postprocess.box_format.is_some() && !boxes),
            (
                "score_threshold",
                postprocess.score_threshold.is_some() && !boxes,
            ),
            (
                "iou_threshold",
                postprocess.iou_threshold.is_some() && !boxes,
            ),
            (
                "max_detections",
                postprocess.max_detections.is_some() && !boxes,
            ),
            (
                "class_agnostic",
                postprocess.class_agnostic.is_some() && !boxes,
            ),
            ("first_class", postprocess.first_class.is_some() && !boxes),
            (
                "keypoints",
                postprocess.keypoints.is_some() && task != Task::Pose,
            ),
            (
                "reduce_labels",
                postprocess.reduce_labels && task != Task::Segmentation,
            ),
            (
                "threshold",
                postprocess.threshold.is_some() && task != Task::Segmentation,
            ),
        ];
        for (name, _) in other.into_iter().filter(|(_, wrong)| *wrong) {
            let message = format!("does not belong to the task `{task}`: leave it out");
            self.add(format!("postprocess.{name}"), message);
        }
    }
}
