"""Models that end with suppression themselves: boxes, scores and classes apart."""

import numpy as np
import torch

from boxes import Stretched, clip, run_lengths
from cases import DRAWS, SIZES, detections, image, tables

COUNTS = [0, 1, 2, 17, 1, 30]
MOST = 30


def drawn(rng, width, height, classes, count=MOST):
    """Boxes of two corners, falling scores, and classes from `classes`."""
    ends = np.sort(rng.uniform(0, 1, (count, 2, 2)), 1) * [width, height]
    boxes = ends.reshape(count, 4).astype(np.float32)
    scores = -np.sort(-rng.uniform(0.3, 1, count)).astype(np.float32)
    return boxes, scores, rng.integers(*classes, count)


def tensorflow(cases, rng):
    """Rows past the number of detections hold anything, and are none."""
    boxes, scores, names, expected = [], [], [], []
    for number, (width, height) in enumerate(SIZES):
        found, sure, classes = drawn(rng, 1, 1, (1, 4))
        boxes.append(found[:, [1, 0, 3, 2]])
        scores.append(sure)
        names.append(classes.astype(np.float32))
        keep = np.arange(MOST) < COUNTS[number]
        keep &= sure > 0.5
        placed = torch.tensor(found[keep]) * torch.tensor([width, height] * 2)
        expected.append(detections(placed, sure[keep], classes[keep]))
    outputs = {
        "detection_boxes": np.stack(boxes), "detection_classes": np.stack(names), "detection_scores": np.stack(scores),
        "num_detections": np.array(COUNTS, np.float32),
    }
    cases.add(
        "ssd-tf", tables(outputs, axes=("N", "H", "W", 3), dtype="u8"), expected,
        inputs=[image("NHWC", "u8", width=64, height=48)], preprocess={"resize": "stretch"},
        postprocess={"task": "detection", "decoder": "ssd-tf"}, labels=["cat", "remote", "couch"],
    )


def torchvision(cases, rng):
    """Without a batch axis, and as many rows as there are boxes: none, one, many. At the photo's own size, and at another."""
    for most in [None, (96, 80)]:
        boxes, scores, names, expected = [], [], [], []
        for number, size in enumerate(SIZES):
            canvas = most or size
            found, sure, classes = drawn(rng, *canvas, (1, 5))
            boxes.append(found), scores.append(sure), names.append(classes)
            keep = (np.arange(MOST) < COUNTS[number]) & (sure > 0.5)
            placed = Stretched(size, canvas).points(torch.tensor(found[keep]))
            expected.append(detections(clip(placed, size), sure[keep], classes[keep]))
        outputs = {"boxes": np.stack(boxes), "labels": np.stack(names), "scores": np.stack(scores)}
        cases.add(
            f"torchvision-{'resized' if most else 'own-size'}", tables(outputs, axes=(3, "H", "W"), counts=COUNTS), expected,
            inputs=[image(**({"width": most[0], "height": most[1]} if most else {}))],
            preprocess={"resize": "stretch" if most else "none"},
            postprocess={"task": "detection", "decoder": "torchvision"}, labels=["one", "two", "three", "four"],
        )


def mask_rcnn(cases, rng):
    """Masks at the tensor's size, of which more than a half is one; nothing is cut or dropped."""
    canvas = (64, 48)
    boxes, scores, names, masks, expected = [], [], [], [], []
    for number, size in enumerate(SIZES[:3]):
        found, sure, classes = drawn(rng, *canvas, (1, 5), 6)
        values = rng.random((6, 1, canvas[1] // 8, canvas[0] // 8)).astype(np.float32)
        values = torch.nn.functional.interpolate(torch.tensor(values), (canvas[1], canvas[0]), mode="bilinear").numpy()
        boxes.append(found), scores.append(sure), names.append(classes), masks.append(values)
        keep = (np.arange(6) < COUNTS[number] + 2) & (sure > 0.5)
        bits = torch.tensor(values[keep, 0] > 0.5).float()
        large = torch.nn.functional.interpolate(bits[None], (size[1], size[0]), mode="bilinear")[0].numpy() > 0.5
        placed = clip(Stretched(size, canvas).points(torch.tensor(found[keep])), size)
        found_masks = [run_lengths(mask) | {"unsure": 0} for mask in large]
        expected.append(detections(placed, sure[keep], classes[keep], mask=found_masks))
    outputs = {"boxes": np.stack(boxes), "labels": np.stack(names), "scores": np.stack(scores), "masks": np.stack(masks)}
    cases.add(
        "torchvision-masks", tables(outputs, axes=(3, "H", "W"), counts=[count + 2 for count in COUNTS[:3]]), expected,
        inputs=[image(width=canvas[0], height=canvas[1])], preprocess={"resize": "stretch"},
        postprocess={"task": "instance-segmentation", "decoder": "torchvision"},
    )


def official(cases, rng):
    """The photo's size goes in, and boxes in its pixels come out; none is cut at the edges."""
    boxes, scores, names, expected = [], [], [], []
    for width, height in SIZES:
        found, sure, classes = drawn(rng, 1.2, 1.1, (0, 5))
        boxes.append(found - np.float32(0.05)), scores.append(sure), names.append(classes)
        keep = sure > 0.5
        placed = torch.tensor(boxes[-1][keep]) * torch.tensor([width, height] * 2, dtype=torch.float32)
        expected.append(detections(placed, sure[keep], classes[keep]))
    outputs = {"labels": np.stack(names), "boxes": np.stack(boxes), "scores": np.stack(scores)}
    cases.add(
        "d-fine", tables(outputs, scaled="boxes"), expected,
        inputs=[image(width=64, height=64), {"name": "sizes", "kind": "original-size", "order": "wh"}],
        preprocess={"resize": "stretch"}, postprocess={"task": "detection", "decoder": "d-fine"},
    )


def write(cases):
    for draw in range(DRAWS):
        for number, part in enumerate([tensorflow, torchvision, mask_rcnn, official]):
            part(cases, np.random.default_rng([draw, 300 + number]))
