"""What exporters leave of detectors: the arithmetic of their own code, written anew. Custom Vision's sample, MMDeploy's
`End2EndModel`, SuperGradients' `PPYoloEPostPredictionCallback` and processing, YOLOv7's `detect.py`."""

import numpy as np
import torch
import torch.nn.functional as F
import torchvision

from boxes import OneGain, Stretched, clip, fitted, run_lengths
from cases import DRAWS, SIZES, detections, image, tables
from separate import COUNTS, MOST, drawn
from yolo import PAD, scores_of


def custom_vision(cases, rng):
    """Every box over 0.01, also those of one place."""
    boxes, scores, names, expected = [], [], [], []
    for size in SIZES:
        found, _, classes = drawn(rng, 1, 1, (0, 3))
        sure = rng.choice([0.005, 0.01, 0.02, 0.5, 0.9], MOST).astype(np.float32)
        boxes.append(found), scores.append(sure), names.append(classes)
        keep = sure > np.float32(0.01)
        placed = torch.tensor(found[keep]) * torch.tensor(size * 2)
        expected.append(detections(placed, sure[keep], classes[keep]))
    outputs = {
        "detected_boxes": np.stack(boxes), "detected_classes": np.stack(names), "detected_scores": np.stack(scores),
    }
    cases.add(
        "custom-vision", tables(outputs), expected,
        inputs=[image(width=64, height=48)], preprocess={"resize": "stretch"},
        postprocess={"task": "detection", "decoder": "custom-vision"}, labels=["cat", "remote", "couch"],
    )


class TopLeft:
    """MMDetection keeps the aspect ratio by `int(side * scale + 0.5)`, and pads right and below: a scale for each axis."""

    def __init__(self, size, most):
        self.inner = fitted(size, most, lambda side: int(side + 0.5))
        self.gain = [new / old for new, old in zip(self.inner, size)]

    def points(self, points):
        return points / torch.tensor(self.gain * 2, dtype=torch.float32)


CORNER = {
    "resize": "letterbox", "align": "top-left", "long_side": "half-up", "pad": [0, 0, 0], "filter": "opencv-linear",
}


def pasted(boxes, masks, size):
    """`postprocessing_masks`: each mask over its box, by `grid_sample` at the middles of pixels."""
    width, height = size
    drawn_masks, unsure = [], []
    for box, mask in zip(boxes, masks):
        x = (torch.arange(width) + 0.5 - box[0]) / (box[2] - box[0]) * 2 - 1
        y = (torch.arange(height) + 0.5 - box[1]) / (box[3] - box[1]) * 2 - 1
        grid = torch.stack([x[None].expand(height, width), y[:, None].expand(height, width)], 2)
        values = F.grid_sample(mask[None, None], grid[None], align_corners=False)[0, 0]
        drawn_masks.append((values >= 0.5).numpy())
        unsure.append(int(((values - 0.5).abs() < 1e-4).sum()))
    return drawn_masks, unsure


def mmdetection(cases, rng):
    most = (96, 80)
    for masks in [None, (28, 28), (80, 96)]:
        sizes = SIZES[:3] if masks else SIZES
        count = 6 if masks else MOST
        dets, names, planes, expected = [], [], [], []
        for size in sizes:
            back = TopLeft(size, most)
            found, sure, classes = drawn(rng, *back.inner, (0, 4), count)
            # Rows past the last have no score.
            sure[count // 2 + 1 :] = 0
            dets.append(np.concatenate([found, sure[:, None]], 1)), names.append(classes)
            keep = sure > 0.3
            placed = back.points(torch.tensor(found[keep]))
            more = {}
            if masks:
                values = rng.random((count, 1, 4, 4)).astype(np.float32)
                values = F.interpolate(torch.tensor(values), masks, mode="bilinear")[:, 0]
                planes.append(values.numpy())
                if masks == (28, 28):
                    bits, unsure = pasted(placed, values[keep], size)
                else:
                    part = values[keep][:, : back.inner[1], : back.inner[0]]
                    scaled = F.interpolate(part[None], (size[1], size[0]))[0]
                    bits = list((scaled >= 0.5).numpy())
                    unsure = ((scaled - 0.5).abs() < 1e-4).sum((1, 2)).tolist()
                more["mask"] = [run_lengths(mask) | {"unsure": many} for mask, many in zip(bits, unsure)]
            expected.append(detections(placed, sure[keep], classes[keep], **more))
        outputs = {"dets": np.stack(dets), "labels": np.stack(names)}
        if masks:
            outputs["masks"] = np.stack(planes)
        kind = {None: "boxes", (28, 28): "box-masks", (80, 96): "masks"}[masks]
        cases.add(
            f"mmdetection-{kind}", tables(outputs), expected,
            inputs=[image(width=most[0], height=most[1])], preprocess=CORNER,
            postprocess={"task": "instance-segmentation" if masks else "detection", "decoder": "mmdetection"},
        )


class Nas:
    """`DetectionLongestMaxSizeRescale` into four pixels less, and `DetectionCenterPadding`: one scale."""

    def __init__(self, size, most):
        side = most[0] - 4
        self.gain = min(side / size[0], side / size[1])
        self.inner = [round(one * self.gain) for one in size]
        self.pad = [(all - one) // 2 for all, one in zip(most, self.inner)]

    def points(self, points):
        return (points - torch.tensor(self.pad * 2)) / self.gain


def yolo_nas(cases, rng):
    most, classes, count = (320, 320), 3, 700
    shared = {
        "inputs": [image(width=most[0], height=most[1])], "preprocess": PAD | {"size": most[0] - 4},
    }
    every, sure, left, flat, counts = [], [], [], [], []
    expected, expected_left = [], []
    for size in SIZES:
        back = Nas(size, most)
        boxes = drawn(rng, *most, (0, classes), count)[0]
        # Heaps, of which a few are left.
        boxes = boxes[rng.integers(0, 40, count)] + rng.normal(0, 2, (count, 4)).astype(np.float32)
        scores = scores_of(rng, count, classes)
        every.append(boxes), sure.append(scores)
        boxes, scores = torch.tensor(boxes), torch.tensor(scores)
        row, name = (scores > 0.25).nonzero().T
        found, value = boxes[row], scores[row, name]
        order = value.argsort(descending=True, stable=True)[:1024]
        found, value, name = found[order], value[order], name[order]
        kept = torch.cat([
            place[torchvision.ops.nms(found[place], value[place], 0.7)]
            for place in [(name == one).nonzero()[:, 0] for one in range(classes)]
        ])
        kept = kept.sort().values[:300]
        found, value, name = found[kept], value[kept], name[kept]
        expected.append(detections(back.points(found), value, name))
        few = min(len(found), 20)
        table = torch.zeros(20, 7)
        table[:few, 1:5], table[:few, 5], table[:few, 6] = found[:few], value[:few], name[:few]
        left.append(table.numpy()), counts.append(few)
        expected_left.append(detections(back.points(found[:few]), value[:few], name[:few]))
    task = {"task": "detection", "decoder": "yolo-nas"}
    cases.add("yolo-nas-cells", tables({"boxes": np.stack(every), "scores": np.stack(sure)}), expected, postprocess=task, **shared)
    left = np.stack(left)
    apart = {
        "num_predictions": np.array(counts, np.int64)[:, None], "pred_boxes": left[:, :, 1:5],
        "pred_scores": left[:, :, 5], "pred_classes": left[:, :, 6].astype(np.int64),
    }
    cases.add("yolo-nas-apart", tables(apart), expected_left, postprocess=task, **shared)
    cases.add(
        "yolo-nas-flat", tables({"graph2_flat_predictions": left}, axes=(3, "H", "W"), counts=counts), expected_left,
        postprocess=task, **shared,
    )


def with_suppression(cases, rng):
    """YOLOv7's rows of photo, box, class and score; and boxes, scores and classes apart with their number."""
    most = (320, 256)
    rows, apart, expected, expected_apart = [], [], [], []
    for number, size in enumerate(SIZES):
        found, sure, classes = drawn(rng, *most, (0, 5))
        rows.append(np.concatenate([np.zeros((MOST, 1)), found, classes[:, None], sure[:, None]], 1).astype(np.float32))
        apart.append((found, sure, classes))
        keep = (np.arange(MOST) < COUNTS[number]) & (sure > 0.25)
        for back, results in [(OneGain(size, most), expected), (Stretched(size, most), expected_apart)]:
            placed = clip(back.points(torch.tensor(found[keep])), size)
            results.append(detections(placed, sure[keep], classes[keep]))
    inputs = [image(width=most[0], height=most[1])]
    cases.add(
        "yolov7-end-to-end", tables({"output": np.stack(rows)}, axes=(3, "H", "W"), counts=COUNTS), expected,
        inputs=inputs, preprocess=PAD, postprocess={"task": "detection", "decoder": "yolov7-end-to-end"},
    )
    boxes, scores, classes = (np.stack(part) for part in zip(*apart))
    outputs = {
        "num_dets": np.array(COUNTS, np.int32)[:, None], "det_boxes": boxes, "det_scores": scores,
        "det_classes": classes.astype(np.int32),
    }
    cases.add(
        "nms", tables(outputs), expected_apart, inputs=inputs, preprocess={"resize": "stretch"},
        postprocess={"task": "detection", "decoder": "nms"},
    )


def write(cases):
    for draw in range(DRAWS):
        for number, part in enumerate([custom_vision, mmdetection, yolo_nas, with_suppression]):
            part(cases, np.random.default_rng([draw, 500 + number]))
