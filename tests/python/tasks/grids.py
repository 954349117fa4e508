"""YOLOX and PicoDet, whose heads are relative to grids: the arithmetic of their authors' ONNX demos, written anew."""

import numpy as np
import torch

from boxes import Stretched, clip, corners, fitted
from cases import DRAWS, SIZES, detections, image, tables
from yolo import scores_of

STRIDES = [8, 16, 32]


def grid(canvas, strides):
    """Column, row and stride of every cell."""
    parts = []
    for stride in strides:
        x, y = np.meshgrid(np.arange(-(-canvas[0] // stride)), np.arange(-(-canvas[1] // stride)))
        parts.append(np.stack([x.ravel(), y.ravel(), np.full(x.size, stride)], 1))
    return np.concatenate(parts).astype(np.float32)


def greedy(boxes, scores, iou, side=0.0, union=0.0):
    """From the best on; of equal ones the first. `side` is added to sides, `union` to unions."""
    order = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2] - boxes[:, 0] + side) * (boxes[:, 3] - boxes[:, 1] + side)
    kept = []
    while len(order):
        first, order = order[0], order[1:]
        kept.append(first)
        low, high = np.maximum(boxes[first, :2], boxes[order, :2]), np.minimum(boxes[first, 2:], boxes[order, 2:])
        sides = np.maximum(high - low + np.float32(side), 0)
        shared = sides[:, 0] * sides[:, 1]
        overlap = shared / (areas[first] + areas[order] - shared + np.float32(union))
        order = order[overlap <= iou]
    return np.array(kept, int)


def yolox(cases, rng):
    most, classes = (224, 160), 4
    cells = grid(most, STRIDES)
    heads, expected = [], []
    for size in SIZES:
        head = np.concatenate(
            [
                rng.normal(0, 1.5, (len(cells), 2)), rng.normal(0.8, 0.6, (len(cells), 2)),
                rng.choice([0.05, 0.5, 0.75, 1.0], (len(cells), 1)), scores_of(rng, len(cells), classes),
            ],
            1,
        ).astype(np.float32)
        heads.append(head)
        gain = min(most[1] / size[1], most[0] / size[0])
        stride = cells[:, 2:]
        boxes = np.concatenate([(head[:, :2] + cells[:, :2]) * stride, np.exp(head[:, 2:4]) * stride], 1)
        boxes = corners(torch.from_numpy(boxes)).numpy() / np.float32(gain)
        all_scores = head[:, 4:5] * head[:, 5:]
        scores, names = all_scores.max(1), all_scores.argmax(1)
        keep = scores > 0.3
        boxes, scores, names = boxes[keep], scores[keep], names[keep]
        kept = greedy(boxes, scores, 0.45, side=1.0)[:300]
        expected.append(detections(boxes[kept], scores[kept], names[kept]))
    cases.add(
        "yolox", tables({"output": np.stack(heads)}), expected,
        inputs=[image(width=most[0], height=most[1])],
        preprocess={
            "resize": "letterbox", "pad": [114, 114, 114], "align": "top-left", "long_side": "floor",
            "filter": "opencv-linear", "channels": "bgr",
        },
        postprocess={"task": "detection", "decoder": "yolox"},
    )


def picodet(cases, rng):
    most, strides, classes, bins = (320, 224), [8, 16, 32, 64], 2, 8
    parts = [grid(most, [stride]) for stride in strides]
    outputs = {f"scores{stride}": [] for stride in strides} | {f"distances{stride}": [] for stride in strides}
    expected = []
    for size in SIZES:
        boxes, every = [], []
        for stride, cells in zip(strides, parts):
            scores = scores_of(rng, len(cells), classes) * np.float32(rng.choice([1, 0.7]))
            distances = rng.normal(0, 2, (len(cells), 4 * bins)).astype(np.float32)
            outputs[f"scores{stride}"].append(scores)
            outputs[f"distances{stride}"].append(distances)
            shares = torch.from_numpy(distances).reshape(-1, 4, bins).softmax(-1).numpy()
            sides = (shares * np.arange(bins, dtype=np.float32)).sum(-1) * stride
            center = (cells[:, :2] + 0.5) * stride
            decoded = np.concatenate([center - sides[:, :2], center + sides[:, 2:]], 1)
            top = np.argsort(-scores.max(1), kind="stable")[:1000]
            boxes.append(decoded[top])
            every.append(scores[top])
        boxes, every = np.concatenate(boxes).astype(np.float32), np.concatenate(every)
        found = []
        for name in range(classes):
            scores = every[:, name]
            order = np.argsort(-scores, kind="stable")
            order = order[scores[order] > 0.4][:200]
            kept = order[greedy(boxes[order], scores[order], 0.5, union=1e-5)[:100]] if len(order) else order
            found += [(boxes[place], scores[place], name, place) for place in kept]
        found.sort(key=lambda one: (-one[1], one[3], one[2]))
        found = found[:300]
        placed = clip(Stretched(size, most).points(torch.tensor(np.array([one[0] for one in found]))), size)
        expected.append(detections(placed, [one[1] for one in found], [one[2] for one in found]))
    cases.add(
        "picodet", tables({name: np.stack(values) for name, values in outputs.items()}), expected,
        inputs=[image(width=most[0], height=most[1])], preprocess={"resize": "stretch"},
        postprocess={"task": "detection", "decoder": "picodet"},
    )


def write(cases):
    assert fitted((451, 300), (224, 160), int) == (224, 149)
    for draw in range(DRAWS):
        yolox(cases, np.random.default_rng([draw, 100]))
        picodet(cases, np.random.default_rng([draw, 101]))
