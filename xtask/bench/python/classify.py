"""The sample's model behind a pipeline, as a data scientist writes it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort


class Classifier:
    """Classes by the names in `labels`, of pictures that `preprocess` brings to the model's input."""

    def __init__(self, model: str, labels: str, preprocess: Callable[[bytes], np.ndarray]) -> None:
        self.session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.labels = Path(labels).read_text().splitlines()
        self.preprocess = preprocess
        self.logits(np.zeros((1, 3, 224, 224), np.float32))

    def logits(self, pictures: np.ndarray) -> np.ndarray:
        return self.session.run(None, {self.input: pictures})[0]

    def classify(self, encoded: bytes) -> list[dict]:
        logits = self.logits(self.preprocess(encoded)[None])[0]
        scores = np.exp(logits - logits.max())
        scores /= scores.sum()
        best = np.argsort(-scores)[:5]
        return [{"class": self.labels[index], "score": float(scores[index])} for index in best]


def normalise(picture: np.ndarray) -> np.ndarray:
    """The middle of a picture whose shorter side is 256, as the model takes it."""
    top, left = (round((side - 224) / 2) for side in picture.shape[:2])
    crop = picture[top : top + 224, left : left + 224].astype(np.float32)
    return ((crop - 127.0) / 128.0).transpose(2, 0, 1)


def resized(width: int, height: int) -> tuple[int, int]:
    """The size at which the shorter side is 256."""
    scale = 256 / min(width, height)
    return round(width * scale), round(height * scale)
