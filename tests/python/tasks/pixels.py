"""Answers for every pixel: Transformers' and torchvision's way, class maps, and mattes."""

from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from transformers import SegformerImageProcessor

from boxes import Letterbox
from cases import DRAWS, SIZES, image, tables

SMALL = (36, 28)


def planes(rng, count, width, height):
    return rng.normal(0, 2, (count, height, width)).astype(np.float32)


def mask_result(mask, unsure=0):
    return {"mask": np.asarray(mask).astype(int).tolist(), "unsure": int(unsure)}


def scores(cases, rng):
    """Resized, then the best class."""
    values, expected = [], []
    for width, height in SIZES:
        values.append(planes(rng, 9, *SMALL))
        logits = torch.tensor(values[-1])[None]
        output = SimpleNamespace(logits=logits)
        found = SegformerImageProcessor().post_process_semantic_segmentation(output, [(height, width)])[0]
        best = F.interpolate(logits, (height, width), mode="bilinear")[0].topk(2, 0).values
        expected.append(mask_result(found, ((best[0] - best[1]) < 1e-4).sum()))
    cases.add(
        "segmentation", tables({"logits": np.stack(values)}), expected,
        inputs=[image(width=SMALL[0] * 4, height=SMALL[1] * 4)], preprocess={"resize": "stretch"},
        postprocess={"task": "segmentation"},
    )


def classes(cases, rng):
    """The best class, then resized; of scores, and of a model that has taken the best class itself. A letterbox is undone."""
    for name, kind in [("scores", np.float32), ("int64", np.int64), ("u8", np.uint8)]:
        values, expected = [], []
        most = (64, 48)
        for size in SIZES:
            back = Letterbox(size, most)
            table = planes(rng, 5, *most)
            best = table.argmax(0)
            values.append(table if kind == np.float32 else best.astype(kind))
            left, top = back.pad
            part = best[top : top + back.inner[1], left : left + back.inner[0]].astype(np.float32)
            found = F.interpolate(torch.tensor(part)[None, None], size[::-1], mode="nearest")[0, 0]
            expected.append(mask_result(found))
        cases.add(
            f"classes-{name}", tables({"classes": np.stack(values)}), expected,
            inputs=[image(width=most[0], height=most[1])],
            preprocess={"resize": "letterbox", "pad": [114, 114, 114], "filter": "opencv-linear"},
            postprocess={"task": "segmentation", "upsample": "classes"},
        )


def foreground(cases, rng):
    values, expected = [], []
    for width, height in SIZES:
        values.append(planes(rng, 1, *SMALL))
        shares = F.interpolate(torch.tensor(values[-1])[None], (height, width), mode="bilinear")[0, 0].sigmoid()
        expected.append(mask_result(shares > 0.6, ((shares - 0.6).abs() < 1e-4).sum()))
    cases.add(
        "foreground", tables({"logits": np.stack(values)}), expected,
        inputs=[image(width=72, height=56)], preprocess={"resize": "stretch"},
        postprocess={"task": "segmentation", "activation": "sigmoid", "threshold": 0.6},
    )


def matte(cases, rng):
    for name, more in [("unit", {}), ("min-max", {"range": "min-max"})]:
        values, expected = [], []
        for width, height in SIZES:
            table = planes(rng, 1, *SMALL) if more else rng.random((1, *SMALL[::-1])).astype(np.float32)
            values.append(table)
            shares = (table - table.min()) / (table.max() - table.min()) if more else table
            large = F.interpolate(torch.tensor(shares)[None], (height, width), mode="bilinear")[0, 0]
            expected.append({"matte": (large * 255).clamp(0, 255).to(torch.uint8).tolist()})
        cases.add(
            f"matte-{name}", tables({"alpha": np.stack(values)}), expected,
            inputs=[image(width=72, height=56)], preprocess={"resize": "stretch"},
            postprocess={"task": "matte", "activation": "none", **more},
        )


def write(cases):
    for draw in range(DRAWS):
        for number, part in enumerate([scores, classes, foreground, matte]):
            part(cases, np.random.default_rng([draw, 400 + number]))
