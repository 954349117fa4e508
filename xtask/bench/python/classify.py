"""The sample's pipeline as a data scientist writes it for a Python server."""

import cv2
import numpy as np
import onnxruntime as ort


def preprocess(encoded: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    height, width = picture.shape[:2]
    scale = 256 / min(height, width)
    size = (round(width * scale), round(height * scale))
    shrinks = scale < 1
    picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    top, left = (size[1] - 224) // 2, (size[0] - 224) // 2
    crop = picture[top : top + 224, left : left + 224].astype(np.float32)
    return ((crop - 127.0) / 128.0).transpose(2, 0, 1)


class Classifier:
    def __init__(self, model: str) -> None:
        self.session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        self.logits(np.zeros((1, 3, 224, 224), np.float32))

    def logits(self, pictures: np.ndarray) -> np.ndarray:
        return self.session.run(None, {self.input: pictures})[0]

    def classify(self, encoded: bytes) -> list[dict]:
        logits = self.logits(preprocess(encoded)[None])[0]
        scores = np.exp(logits - logits.max())
        scores /= scores.sum()
        best = np.argsort(-scores)[:5]
        return [{"class": str(index), "score": float(scores[index])} for index in best]
