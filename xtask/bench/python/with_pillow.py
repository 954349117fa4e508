"""Preprocessing with Pillow: what the sample's reference predictions were made with."""

from io import BytesIO

import numpy as np
from classify import normalise, resized
from PIL import Image, ImageOps


def preprocess(encoded: bytes) -> np.ndarray:
    picture = ImageOps.exif_transpose(Image.open(BytesIO(encoded))).convert("RGB")
    picture = picture.resize(resized(*picture.size), Image.Resampling.BICUBIC)
    return normalise(np.asarray(picture))
