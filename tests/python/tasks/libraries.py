"""Holds the decoders of these tests, which are written anew, against the libraries' own functions: Ultralytics'
suppression, masks, boxes and angles, and RapidOCR's text. Prints what differs.

Usage: libraries.py DRAWS, with both on PYTHONPATH.
"""

import sys

import numpy as np
import torch
from rapidocr.ch_ppocr_rec.utils import CTCLabelDecode
from ultralytics.utils import ops
from ultralytics.utils.nms import non_max_suppression

import text
import yolo
from boxes import Letterbox, clip
from cases import SIZES, clustered

CANVAS = (320, 256)
# A busy machine is no reason to leave boxes out.
PATIENCE = {"max_time_img": 60}
WRONG = []


def same(what, one, other, tolerance=0.0):
    one, other = (torch.as_tensor(np.asarray(part)).float() for part in (one, other))
    if one.shape != other.shape:
        WRONG.append(f"{what}: {tuple(one.shape)}, not {tuple(other.shape)}")
    elif one.numel() and (one - other).abs().max() > tolerance:
        WRONG.append(f"{what}: off by {(one - other).abs().max():.3g}")


def head_of(rng, classes, count=600, extra=0):
    parts = [clustered(rng, count, *CANVAS), yolo.scores_of(rng, count, classes), rng.normal(0, 1, (count, extra))]
    return np.concatenate(parts, 1).astype(np.float32).T


def suppression(rng):
    for classes, extra, agnostic in [(5, 0, False), (1, 0, False), (3, 8, False), (4, 0, True)]:
        head = head_of(rng, classes, extra=extra)
        given = torch.from_numpy(head.copy())[None]
        own = non_max_suppression(given, 0.25, 0.7, agnostic=agnostic, nc=classes, **PATIENCE)[0]
        boxes, scores, names, extras = yolo.yolov8(head, classes, agnostic=agnostic)
        ours = torch.cat([boxes, scores[:, None], names[:, None], extras], 1)
        same(f"suppression of {classes} classes, {extra} extras, agnostic {agnostic}", ours, own)


def way_back(rng):
    for size in SIZES:
        back = Letterbox(size, CANVAS)
        boxes = torch.from_numpy(np.sort(rng.uniform(-20, 340, (50, 2, 2)), 1).reshape(50, 4).astype(np.float32))
        own = ops.scale_boxes(CANVAS[::-1], boxes.clone(), size[::-1])
        same(f"boxes of {size}", clip(back.points(boxes), size), own, 1e-3)
        points = torch.from_numpy(rng.uniform(-20, 340, (50, 17, 2)).astype(np.float32))
        own = ops.scale_coords(CANVAS[::-1], points.clone(), size[::-1])
        same(f"keypoints of {size}", clip(back.points(points), size), own, 1e-3)


def masks(rng):
    prototypes = torch.from_numpy(yolo.smooth(rng, CANVAS[1] // 4, CANVAS[0] // 4))
    head = head_of(rng, 3, extra=yolo.PROTOTYPES)
    boxes, _, _, extras = yolo.yolov8(head, 3)
    ours, unsure = yolo.ultralytics_masks(prototypes, extras, boxes, CANVAS)
    own = ops.process_mask(prototypes, extras, boxes, CANVAS[::-1], upsample=True).bool()
    off = (ours != own).sum((1, 2))
    if (off > torch.tensor(unsure)).any():
        WRONG.append(f"masks: {off.tolist()} pixels are off")


def angles(rng):
    turned = np.concatenate([clustered(rng, 200, *CANVAS), rng.uniform(-4, 4, (200, 1))], 1).astype(np.float32)
    regular = yolo.regular(torch.from_numpy(turned))
    same("angles", regular, ops.regularize_rboxes(torch.from_numpy(turned)), 1e-5)
    same("corners", yolo.polygons(regular), ops.xywhr2xyxyxyxy(regular), 1e-3)


def rotated(rng):
    head = head_of(rng, 4)
    # Of equal scores its sort may put any first.
    head[4:8] += rng.uniform(0, 1e-4, head[4:8].shape).astype(np.float32)
    head = np.concatenate([head, rng.uniform(-np.pi / 4, 3 * np.pi / 4, (1, head.shape[1])).astype(np.float32)])
    own = non_max_suppression(torch.from_numpy(head.copy())[None], 0.25, 0.7, nc=4, rotated=True, **PATIENCE)[0]
    rows = torch.from_numpy(head).T
    keep, scores, names = yolo.best_of(rows[:, 4:8], 0.25)
    boxes = torch.cat([rows[keep, :4], rows[keep, -1:]], 1)
    order = scores.argsort(descending=True, stable=True)
    shifted = boxes[order].clone()
    shifted[:, :2] += names[order, None] * yolo.CLASS_OFFSET
    kept = order[(yolo.probabilistic_iou(shifted).triu(1) >= 0.7).sum(0) == 0][:300]
    ours = torch.cat([boxes[kept, :4], scores[kept, None], names[kept, None], boxes[kept, 4:]], 1)
    same("rotated suppression", ours, own)


def lines(rng):
    logits = text.lines(rng)
    shares = torch.from_numpy(logits).softmax(-1).numpy()
    own, _ = CTCLabelDecode(character=list(text.CHARACTERS))(shares)
    for (value, score), line in zip(own, shares):
        found, mean = text.decoded(line, text.CHARACTERS)
        # It rounds each character's score to five digits.
        if found != value or abs(mean - score) > 2e-5:
            WRONG.append(f"text: {found!r} {mean}, not {value!r} {score}")


for draw in range(int(sys.argv[1])):
    for number, part in enumerate([suppression, way_back, masks, angles, rotated, lines]):
        part(np.random.default_rng([draw, 700 + number]))
print("\n".join(WRONG))
