"""YOLO's heads: Ultralytics' of versions 8, 11 and 26, with angles, keypoints and masks, and YOLOv5's. Written anew from
what their predictors do; `torchvision.ops.nms` is the one that they call."""

import math

import numpy as np
import torch
import torch.nn.functional as F
import torchvision

from boxes import Letterbox, OneGain, Stretched, clip, corners, letterbox_canvas, run_lengths
from cases import DRAWS, SIZES, clustered, detections, image, tables

PAD = {"resize": "letterbox", "pad": [114, 114, 114], "filter": "opencv-linear"}
CLASS_OFFSET = 7680
PROTOTYPES = 32


def scores_of(rng, count, classes):
    """Few high ones, many equal ones, and some that are exactly at the thresholds."""
    scores = rng.integers(0, 50, (count, classes)) / np.float32(256)
    best = rng.integers(0, classes, count)
    high = rng.choice([0.25, 0.5, *(np.arange(40, 250) / 256)], count)
    scores[np.arange(count), best] = np.where(rng.random(count) < 0.7, high, scores[np.arange(count), best])
    return scores.astype(np.float32)


def suppressed(boxes, scores, classes, iou, agnostic=False, most=300):
    shift = 0 if agnostic else classes[:, None] * CLASS_OFFSET
    return torchvision.ops.nms(boxes + shift, scores, iou)[:most]


def best_of(scores, confidence):
    """Rows with a score above the threshold, the score, and the class as a float."""
    best, place = scores.max(1)
    rows = (best > confidence).nonzero()[:, 0]
    return rows, best[rows], place[rows].float()


def yolov8(head, classes, *, confidence=0.25, iou=0.7, agnostic=False, most=300):
    """Boxes of two corners, scores, classes and extras of a head [4 + classes + extras, N]."""
    rows = torch.from_numpy(head).T
    keep, scores, names = best_of(rows[:, 4 : 4 + classes], confidence)
    boxes, extras = corners(rows[keep, :4]), rows[keep, 4 + classes :]
    kept = suppressed(boxes, scores, names, iou, agnostic, most)
    return boxes[kept], scores[kept], names[kept], extras[kept]


def yolov5(head, classes, *, confidence=0.25, iou=0.45, most=300):
    rows = torch.from_numpy(head)
    rows = rows[rows[:, 4] > confidence]
    keep, scores, names = best_of(rows[:, 5 : 5 + classes] * rows[:, 4:5], confidence)
    boxes, extras = corners(rows[keep, :4]), rows[keep, 5 + classes :]
    order = scores.argsort(descending=True, stable=True)
    boxes, scores, names, extras = boxes[order], scores[order], names[order], extras[order]
    kept = suppressed(boxes, scores, names, iou, most=most)
    return boxes[kept], scores[kept], names[kept], extras[kept]


def geometry(number, most, stride, stretched):
    size = SIZES[number]
    canvas = most if stretched else letterbox_canvas(size, most, stride)
    return size, canvas, (Stretched if stretched else Letterbox)(size, canvas)


LAYOUTS = [
    # name, most, stride, stretched, batched
    ("fixed", (320, 320), None, False, True),
    ("wide", (416, 256), None, False, True),
    ("dynamic", (320, 320), 32, False, True),
    ("stretched", (320, 256), None, True, True),
    ("unbatched", (320, 320), None, False, False),
]


def plain(cases, rng):
    for name, most, stride, stretched, batched in LAYOUTS:
        count, classes = (600, 7) if name == "wide" else (350, 4)
        heads, expected = [], []
        for number in range(len(SIZES)):
            size, canvas, back = geometry(number, most, stride, stretched)
            head = np.concatenate([clustered(rng, count, *canvas), scores_of(rng, count, classes)], 1).T
            heads.append(head)
            boxes, scores, names, _ = yolov8(head, classes)
            expected.append(detections(clip(back.points(boxes), size), scores, names))
        axes = ("N", 3, "H", "W") if batched else (3, "H", "W")
        cases.add(
            f"yolov8-{name}", tables({"output0": np.stack(heads)}, axes=axes), expected,
            inputs=[image(width=most[0], height=most[1], **({"stride": stride} if stride else {}))],
            preprocess={"resize": "stretch"} if stretched else PAD,
            postprocess={"task": "detection", "decoder": "yolov8"},
            labels=[f"kind {place}" for place in range(classes)],
        )


def options(cases, rng):
    """Thresholds of one's own, classes as one, few detections."""
    heads, expected = [], []
    for number in range(len(SIZES)):
        size, canvas, back = geometry(number, (256, 256), None, False)
        head = np.concatenate([clustered(rng, 900, *canvas), scores_of(rng, 900, 3)], 1).T
        heads.append(head)
        boxes, scores, names, _ = yolov8(head, 3, confidence=0.125, iou=0.5, agnostic=True, most=40)
        expected.append(detections(clip(back.points(boxes), size), scores, names))
    cases.add(
        "yolov8-options", tables({"output0": np.stack(heads)}), expected,
        inputs=[image(width=256, height=256)], preprocess=PAD,
        postprocess={
            "task": "detection", "decoder": "yolov8", "score_threshold": 0.125, "iou_threshold": 0.5,
            "class_agnostic": True, "max_detections": 40,
        },
    )


def pose(cases, rng):
    for numbers in [3, 2]:
        heads, expected = [], []
        for number in range(len(SIZES)):
            size, canvas, back = geometry(number, (320, 320), 32, False)
            points = rng.uniform(-20, 340, (300, 5, numbers))
            if numbers == 3:
                points[..., 2] = rng.random((300, 5))
            parts = [clustered(rng, 300, *canvas), scores_of(rng, 300, 1), points.reshape(300, -1)]
            head = np.concatenate(parts, 1).astype(np.float32).T
            heads.append(head)
            boxes, scores, names, extras = yolov8(head, 1)
            found = extras.reshape(-1, 5, numbers)
            places = clip(back.points(found[..., :2]), size)
            sure = found[..., 2:] if numbers == 3 else torch.ones(len(found), 5, 1)
            keypoints = torch.cat([places, sure], -1).tolist()
            expected.append(detections(clip(back.points(boxes), size), scores, names, keypoints=keypoints))
        cases.add(
            f"yolov8-pose-{numbers}", tables({"output0": np.stack(heads)}), expected,
            inputs=[image(width=320, height=320, stride=32)], preprocess=PAD,
            postprocess={"task": "pose", "decoder": "yolov8", "keypoints": [5, numbers]},
        )


def covariance(boxes):
    a, b = boxes[:, 2] ** 2 / 12, boxes[:, 3] ** 2 / 12
    cos, sin = boxes[:, 4].cos(), boxes[:, 4].sin()
    return a * cos**2 + b * sin**2, a * sin**2 + b * cos**2, (a - b) * cos * sin


def probabilistic_iou(boxes, epsilon=1e-7):
    """ProbIoU (Llerena et al., 2021) of every pair."""
    a, b, c = covariance(boxes)
    x, y = boxes[:, 0], boxes[:, 1]
    a_sum, b_sum, c_sum = (one[:, None] + one[None] for one in (a, b, c))
    determinant = a_sum * b_sum - c_sum**2
    down, across = (y[:, None] - y[None]), (x[None] - x[:, None])
    first = (a_sum * down**2 + b_sum * across**2) / (determinant + epsilon) * 0.25
    second = c_sum * across * down / (determinant + epsilon) * 0.5
    own = (a * b - c**2).clamp(min=0)
    third = (determinant / (4 * (own[:, None] * own[None]).sqrt() + epsilon) + epsilon).log() * 0.5
    distance = (first + second + third).clamp(epsilon, 100)
    return 1 - (1 - (-distance).exp() + epsilon).sqrt()


def regular(boxes):
    """Angles from 0 to π/2."""
    x, y, width, height, angle = boxes.unbind(-1)
    swap = angle % math.pi >= math.pi / 2
    return torch.stack([x, y, torch.where(swap, height, width), torch.where(swap, width, height), angle % (math.pi / 2)], -1)


def polygons(boxes):
    angle = boxes[:, 4:5]
    along = torch.cat([boxes[:, 2:3] / 2 * angle.cos(), boxes[:, 2:3] / 2 * angle.sin()], 1)
    across = torch.cat([-boxes[:, 3:4] / 2 * angle.sin(), boxes[:, 3:4] / 2 * angle.cos()], 1)
    center = boxes[:, :2]
    corners = [center + along + across, center + along - across, center - along - across, center - along + across]
    return torch.stack(corners, 1)


def turned_results(boxes, scores, names, back):
    scaled = torch.cat([back.points(boxes[:, :2]), boxes[:, 2:4] / torch.tensor(back.gain, dtype=torch.float32), boxes[:, 4:]], 1)
    found = polygons(regular(scaled))
    around = torch.cat([found.amin(1), found.amax(1)], 1)
    return detections(around, scores, names, polygon=found.tolist())


def rotated(cases, rng):
    heads, expected, ends, expected_ends = [], [], [], []
    classes, count = 4, 400
    for number in range(len(SIZES)):
        _, canvas, back = geometry(number, (320, 320), None, False)
        angle = rng.uniform(-math.pi / 4, 3 * math.pi / 4, (count, 1))
        parts = [clustered(rng, count, *canvas), scores_of(rng, count, classes), angle]
        head = np.concatenate(parts, 1).astype(np.float32).T
        heads.append(head)
        rows = torch.from_numpy(head).T
        keep, scores, names = best_of(rows[:, 4 : 4 + classes], 0.25)
        boxes = torch.cat([rows[keep, :4], rows[keep, -1:]], 1)
        order = scores.argsort(descending=True, stable=True)
        shifted = boxes[order].clone()
        shifted[:, :2] += names[order, None] * CLASS_OFFSET
        overlap = probabilistic_iou(shifted).triu(1)
        kept = order[(overlap >= 0.7).sum(0) == 0][:300]
        expected.append(turned_results(boxes[kept], scores[kept], names[kept], back))
        end = np.zeros((20, 7), np.float32)
        end[:12, :4] = boxes[kept][:12, :4]
        end[:12, 4], end[:12, 5], end[:12, 6] = scores[kept][:12], names[kept][:12], boxes[kept][:12, 4]
        ends.append(end)
        shown = end[end[:, 4] > 0.25]
        shown = torch.from_numpy(shown)
        expected_ends.append(turned_results(shown[:, [0, 1, 2, 3, 6]], shown[:, 4], shown[:, 5], back))
    shared = {"inputs": [image(width=320, height=320)], "preprocess": PAD}
    for name, outputs, results in [("yolov8", heads, expected), ("end-to-end", ends, expected_ends)]:
        cases.add(
            f"{name}-rotated", tables({"output0": np.stack(outputs)}), results, **shared,
            postprocess={"task": "rotated-detection", "decoder": name},
        )


def in_photo(masks, back, size):
    """Masks of the tensor's size at the photo's, as Ultralytics draws them."""
    left, top = back.pad
    width, height = back.inner
    part = masks[..., top : top + height, left : left + width].float()
    if part.shape[-2:] == (size[1], size[0]):
        return part > 0.5
    return F.interpolate(part[None], (size[1], size[0]), mode="bilinear")[0] > 0.5


def inside(boxes, height, width):
    x, y = torch.arange(width)[None, None], torch.arange(height)[None, :, None]
    left, top, right, bottom = boxes.T[:, :, None, None]
    return (x >= left) & (x < right) & (y >= top) & (y < bottom)


def ultralytics_masks(prototypes, extras, boxes, canvas):
    """Masks, and for each the pixels that a rounding error could change."""
    low = (extras @ prototypes.flatten(1)).reshape(-1, *prototypes.shape[1:])
    if not len(low):
        return torch.zeros(0, canvas[1], canvas[0], dtype=torch.bool), []
    high = F.interpolate(low[None], (canvas[1], canvas[0]), mode="bilinear")[0]
    within = inside(boxes, canvas[1], canvas[0])
    unsure = ((high.abs() < 1e-4) & within).sum((1, 2)).tolist()
    return (high > 0) & within, unsure


def yolov5_masks(prototypes, extras, boxes, canvas):
    """Cut at the size of the prototypes, then enlarged."""
    if not len(extras):
        return torch.zeros(0, canvas[1], canvas[0], dtype=torch.bool), []
    _, height, width = prototypes.shape
    low = (extras @ prototypes.flatten(1)).sigmoid().reshape(-1, height, width)
    small = boxes * torch.tensor([width / canvas[0], height / canvas[1]] * 2)
    high = F.interpolate((low * inside(small, height, width))[None], (canvas[1], canvas[0]), mode="bilinear")[0]
    return high > 0.5, ((high - 0.5).abs() < 1e-4).sum((1, 2)).tolist()


def smooth(rng, height, width):
    """Prototypes without too much noise."""
    coarse = torch.from_numpy(rng.normal(0, 1, (PROTOTYPES, height // 4, width // 4)).astype(np.float32))
    return F.interpolate(coarse[None], (height, width), mode="bicubic")[0].contiguous().numpy()


def with_masks(cases, rng):
    most, classes, count = (320, 256), 3, 120
    for decoder in ["yolov8", "yolov5", "end-to-end"]:
        heads, every, expected = [], [], []
        for number in range(len(SIZES)):
            size, canvas, back = geometry(number, most, None, False)
            extras = rng.normal(0, 1, (count, PROTOTYPES)).astype(np.float32)
            boxes, scores = clustered(rng, count, *canvas), scores_of(rng, count, classes)
            prototypes = smooth(rng, canvas[1] // 4, canvas[0] // 4)
            if decoder == "yolov8":
                head = np.concatenate([boxes, scores, extras], 1).T
                boxes, scores, names, extras = yolov8(head, classes)
            elif decoder == "yolov5":
                objectness = rng.uniform(0.2, 1, (count, 1)).astype(np.float32)
                head = np.concatenate([boxes, objectness, scores, extras], 1)
                boxes, scores, names, extras = yolov5(head, classes)
                back = OneGain(size, canvas)
            else:
                head = np.concatenate([corners(torch.from_numpy(boxes)).numpy(), np.zeros((count, 2)), extras], 1).astype(np.float32)
                head[:30, 4], head[:30, 5] = np.linspace(0.9, 0.1, 30), rng.integers(0, classes, 30)
                rows = torch.from_numpy(head)[head[:, 4] > 0.25]
                boxes, scores, names, extras = rows[:, :4], rows[:, 4], rows[:, 5], rows[:, 6:]
            heads.append(head)
            every.append(prototypes)
            of = yolov5_masks if decoder == "yolov5" else ultralytics_masks
            masks, unsure = of(torch.from_numpy(prototypes), extras, boxes, canvas)
            placed = in_photo(masks, Letterbox(size, canvas), size).numpy() if len(masks) else []
            drawn = [run_lengths(mask) | {"unsure": many} for mask, many in zip(placed, unsure)]
            keep = [place for place in range(len(masks)) if decoder == "yolov5" or masks[place].any()]
            boxes = clip(back.points(boxes), size)[keep]
            expected.append(detections(boxes, scores[keep], names[keep], mask=[drawn[place] for place in keep]))
        outputs = {"output0": np.stack(heads), "output1": np.stack(every)}
        cases.add(
            f"{decoder}-masks", tables(outputs), expected,
            inputs=[image(width=most[0], height=most[1])], preprocess=PAD,
            postprocess={"task": "instance-segmentation", "decoder": decoder},
        )


def older(cases, rng):
    for name, most, stride, stretched, batched in LAYOUTS:
        if stretched:
            continue
        count, classes = 600, 5
        heads, expected = [], []
        for number in range(len(SIZES)):
            size, canvas, _ = geometry(number, most, stride, stretched)
            objectness = rng.choice([0.1, 0.25, 0.5, 0.75, 0.875, 1.0], (count, 1))
            parts = [clustered(rng, count, *canvas), objectness, scores_of(rng, count, classes)]
            head = np.concatenate(parts, 1).astype(np.float32)
            heads.append(head)
            boxes, scores, names, _ = yolov5(head, classes)
            expected.append(detections(clip(OneGain(size, canvas).points(boxes), size), scores, names))
        axes = ("N", 3, "H", "W") if batched else (3, "H", "W")
        cases.add(
            f"yolov5-{name}", tables({"output0": np.stack(heads)}, axes=axes), expected,
            inputs=[image(width=most[0], height=most[1], **({"stride": stride} if stride else {}))], preprocess=PAD,
            postprocess={"task": "detection", "decoder": "yolov5"},
        )


def ends(cases, rng):
    """Nothing is left to suppress, whatever overlaps; rows past the last are zero. Also rows alone: none, one, many."""
    for alone in [False, True]:
        counts = [0, 1, 2, 17, 1, 30]
        rows, expected = [], []
        for number, count in enumerate(counts):
            size, canvas, back = geometry(number, (320, 320), None, False)
            table = np.zeros((30, 6), np.float32)
            table[:count, :4] = corners(torch.from_numpy(clustered(rng, count, *canvas)))
            table[:count, 4] = -np.sort(-rng.choice([0.125, 0.25, 0.5, 0.75], count))
            table[:count, 5] = rng.integers(0, 4, count)
            rows.append(table)
            found = torch.from_numpy(table[table[:, 4] > 0.25])
            expected.append(detections(clip(back.points(found[:, :4]), size), found[:, 4], found[:, 5]))
        axes = (3, "H", "W") if alone else ("N", 3, "H", "W")
        cases.add(
            f"end-to-end-{'alone' if alone else 'batch'}",
            tables({"output0": np.stack(rows)}, axes=axes, counts=counts if alone else None), expected,
            inputs=[image(width=320, height=320)], preprocess=PAD,
            postprocess={"task": "detection", "decoder": "end-to-end"},
        )


def write(cases):
    for draw in range(DRAWS):
        for number, part in enumerate([plain, options, pose, rotated, with_masks, older, ends]):
            part(cases, np.random.default_rng([draw, number]))
