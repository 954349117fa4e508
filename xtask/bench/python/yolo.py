"""Ultralytics' own predict, as its users call it, on a model of YOLOv8n's shape.

    yolo.py make detect|segment FILE.onnx PHOTO    a model with random weights, whose boxes are spread over a photo
    yolo.py predict detect|segment FILE.onnx FOLDER RESULTS.json

`predict` prints pictures a second, without the time to import and to load the model, and writes the boxes of each
picture: class, score, and corners in pixels of the photo; of a mask the share of the photo that it covers.
"""

import json
import shutil
import sys
import time
from pathlib import Path

import torch
from ultralytics import YOLO

YAML = {"detect": "yolov8n.yaml", "segment": "yolov8n-seg.yaml"}
# Of the 8,400 cells of a photo, so many have a box before suppression.
CELLS = 40
# How far scores are spread, in logits.
SPREAD = 1.5


def make(task: str, file: Path, photo: Path) -> None:
    torch.manual_seed(0)
    model = YOLO(YAML[task], task=task)
    image = picture(photo)
    net = normalised(model.model, image)
    spread(net, image)
    written = model.export(format="onnx", imgsz=640, opset=17, simplify=False, verbose=False)
    shutil.move(written, file)


def picture(photo: Path) -> torch.Tensor:
    import cv2
    import numpy as np

    image = cv2.resize(cv2.imread(str(photo)), (640, 640))[:, :, ::-1]
    return torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1)[None].float() / 255


def normalised(net: torch.nn.Module, image: torch.Tensor) -> torch.nn.Module:
    """Gives the layers' statistics: with those of a new network nothing of the photo reaches the last layer."""
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        net.train()(image)
    return net.eval()


def spread(net: torch.nn.Module, image: torch.Tensor) -> None:
    """Scales the last layer of scores so that the best cells of a photo have scores from 0.25 on."""
    head = net.model[-1]
    with torch.no_grad():
        output = net(image)
        scores = output[0] if isinstance(output, (list, tuple)) else output
        scores = scores[0] if isinstance(scores, (list, tuple)) else scores
        logits = scores[0, 4 : 4 + head.nc].clamp(1e-12, 1 - 1e-7).logit().amax(0)
        best = logits.topk(CELLS).values
        scale = SPREAD / (best[0] - best[-1]).clamp_min(1e-6)
        # 0.25 has the logit -1.1.
        for level in head.cv3:
            layer = level[-1]
            layer.weight.mul_(scale)
            layer.bias.sub_(best[-1]).mul_(scale).sub_(1.1)


def predict(task: str, file: Path, folder: Path, results: Path) -> None:
    model = YOLO(str(file), task=task)
    pictures = sorted(folder.iterdir())
    options = {"stream": True, "verbose": False, "device": "cpu", "save": False}
    list(model.predict(str(pictures[0]), **options))
    started = time.perf_counter()
    found = list(model.predict(str(folder), **options))
    took = time.perf_counter() - started
    results.write_text(json.dumps({Path(one.path).name: boxes(one) for one in found}))
    print(len(pictures) / took)


def boxes(result) -> list[dict]:
    masks = result.masks.data.float().mean((1, 2)).tolist() if result.masks is not None else None
    rows = zip(result.boxes.cls.tolist(), result.boxes.conf.tolist(), result.boxes.xyxy.tolist())
    return [
        {"index": int(index), "score": score, "box": box, "mask": masks[place] if masks else None}
        for place, (index, score, box) in enumerate(rows)
    ]


if __name__ == "__main__":
    command, task, *files = sys.argv[1:]
    {"make": make, "predict": predict}[command](task, *map(Path, files))
