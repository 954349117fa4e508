"""Transformers that detect: Transformers' own `post_process_object_detection`, and Ultralytics' RT-DETR."""

from types import SimpleNamespace

import numpy as np
import torch
from transformers import DetrImageProcessor, RTDetrImageProcessor

from boxes import corners
from cases import DRAWS, SIZES, detections, image, tables

STRETCH = {"resize": "stretch"}
MASK = {"name": "mask", "kind": "mask"}


def unit_boxes(rng, count):
    """Some leave the photo."""
    return np.concatenate([rng.uniform(0, 1, (count, 2)), rng.uniform(0.02, 0.7, (count, 2))], 1).astype(np.float32)


def of_transformers(cases, rng):
    queries, classes = 100, 6
    for name, decoder, processor in [
        ("detr", "detr", DetrImageProcessor()), ("rt-detr", "rt-detr-transformers", RTDetrImageProcessor()),
    ]:
        logits, boxes, expected = [], [], []
        for width, height in SIZES:
            logits.append(rng.normal(0, 3, (queries, classes)).astype(np.float32))
            boxes.append(unit_boxes(rng, queries))
            outputs = SimpleNamespace(logits=torch.tensor(logits[-1])[None], pred_boxes=torch.tensor(boxes[-1])[None])
            found = processor.post_process_object_detection(outputs, threshold=0.5, target_sizes=[(height, width)])[0]
            expected.append(detections(found["boxes"], found["scores"], found["labels"]))
        outputs = {"logits": np.stack(logits), "pred_boxes": np.stack(boxes)}
        masked = name == "detr"
        cases.add(
            f"transformers-{name}", tables(outputs, mask="logits" if masked else None), expected,
            inputs=[image(width=96, height=64)] + ([MASK] if masked else []), preprocess=STRETCH,
            postprocess={"task": "detection", "decoder": decoder},
        )
    # Sizes of the photo's own: the mask has the size of the tensor.
    cases.add(
        "transformers-detr-free", tables({"logits": np.stack(logits), "pred_boxes": np.stack(boxes)}, mask="logits"),
        [detr(one, other, size) for one, other, size in zip(logits, boxes, SIZES)],
        inputs=[image(), MASK],
        preprocess={"resize": "short-side", "size": 80, "max_size": 133, "long_side": "detr"},
        postprocess={
            "task": "detection", "decoder": "detr", "outputs": {"boxes": "pred_boxes", "scores": "logits"},
            "score_threshold": 0.7, "max_detections": 20,
        },
    )


def detr(logits, boxes, size):
    outputs = SimpleNamespace(logits=torch.tensor(logits)[None], pred_boxes=torch.tensor(boxes)[None])
    found = DetrImageProcessor().post_process_object_detection(outputs, threshold=0.7, target_sizes=[size[::-1]])[0]
    result = detections(found["boxes"], found["scores"], found["labels"])
    return {"detections": result["detections"][:20]}


def of_ultralytics(cases, rng):
    """Columns of scores, two of them too; and, of later exports, score and class."""
    for name, columns in [("scores", 5), ("two-scores", 2), ("class", None)]:
        rows, expected = [], []
        for width, height in SIZES:
            boxes = unit_boxes(rng, 80)
            if columns:
                values = (rng.random((80, columns)) * 0.6).astype(np.float32)
                scores, names = values.max(1), values.argmax(1)
            else:
                scores, names = -np.sort(-rng.random(80)).astype(np.float32), rng.integers(0, 9, 80)
                values = np.stack([scores, names], 1).astype(np.float32)
            rows.append(np.concatenate([boxes, values], 1))
            keep = scores > 0.25
            placed = corners(torch.tensor(boxes[keep])) * torch.tensor([width, height] * 2)
            expected.append(detections(placed, scores[keep], names[keep]))
        cases.add(
            f"rt-detr-{name}", tables({"output0": np.stack(rows)}), expected,
            inputs=[image(width=64, height=64)], preprocess=STRETCH,
            postprocess={"task": "detection", "decoder": "rt-detr"},
        )


def write(cases):
    for draw in range(DRAWS):
        of_transformers(cases, np.random.default_rng([draw, 200]))
        of_ultralytics(cases, np.random.default_rng([draw, 201]))
