"""Preprocessing with OpenCV: fast, and near what the model was trained with."""

import cv2
import numpy as np
from classify import normalise, resized


def preprocess(encoded: bytes) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
    picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    height, width = picture.shape[:2]
    shrinks = min(height, width) > 256
    filter = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return normalise(cv2.resize(picture, resized(width, height), interpolation=filter))
