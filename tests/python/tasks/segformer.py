"""Says which pixels of SegFormer's masks differ from those of Transformers' own `post_process_semantic_segmentation`.

Usage: segformer.py OUT. `OUT/raw.json` and `OUT/masks.json` are what `boxwright preview --format json` wrote of the same
photos, of a package that gives the logits and of one that segments.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from transformers import SegformerImageProcessor

from compare import opened

UNSURE = 1e-4


def main():
    out = Path(sys.argv[1])
    raw, masks = (json.loads((out / name).read_text())["results"] for name in ["raw.json", "masks.json"])
    for logits, masked in zip(raw, masks, strict=True):
        found = opened(masked["segmentation"]["mask"])
        output = logits["outputs"]["logits"]
        values = torch.tensor(output["data"], dtype=torch.float32).reshape(1, *output["shape"][-3:])
        size = found.shape
        own = SegformerImageProcessor().post_process_semantic_segmentation(SimpleNamespace(logits=values), [size])[0]
        best = F.interpolate(values, size, mode="bilinear")[0].topk(2, 0).values
        sure = (best[0] - best[1] >= UNSURE).numpy()
        off = int(((found != own.numpy()) & sure).sum())
        if off or sure.mean() < 0.9:
            print(f"{masked['sample']}: {off} of {sure.sum()} pixels differ")


main()
