"""The program that a data scientist writes: one picture after the other.

OpenCV decodes and resizes, ONNX Runtime (its default threads) predicts. Prints pictures a second,
without the time to import and to load the model.
"""

import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort


def predict(session: ort.InferenceSession, path: Path) -> list[tuple[int, float]]:
    picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    height, width = picture.shape[:2]
    scale = 256 / min(height, width)
    size = (round(width * scale), round(height * scale))
    shrinks = scale < 1
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    top, left = (size[1] - 224) // 2, (size[0] - 224) // 2
    crop = picture[top : top + 224, left : left + 224].astype(np.float32)
    tensor = ((crop - 127.0) / 128.0).transpose(2, 0, 1)[None]
    logits = session.run(None, {session.get_inputs()[0].name: tensor})[0][0]
    scores = np.exp(logits - logits.max())
    scores /= scores.sum()
    best = np.argsort(-scores)[:5]
    return [(int(index), float(scores[index])) for index in best]


def main() -> None:
    model, folder = Path(sys.argv[1]), Path(sys.argv[2])
    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    pictures = sorted(folder.iterdir())
    predict(session, pictures[0])
    started = time.perf_counter()
    for picture in pictures:
        predict(session, picture)
    print(len(pictures) / (time.perf_counter() - started))


if __name__ == "__main__":
    main()
