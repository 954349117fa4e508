"""Checksums of every colour's grey by the libraries themselves, for `stage/decode/grey_truths.txt`.

Runs what is installed of Pillow, OpenCV, torchvision and TensorFlow:
    python greys.py >> grey_truths.txt
"""

import numpy as np

COLOURS = np.arange(1 << 24, dtype=np.uint32)
RGB = np.stack([COLOURS >> 16, COLOURS >> 8 & 255, COLOURS & 255], -1).astype(np.uint8).reshape(4096, 4096, 3)


def checksum(greys):
    with np.errstate(over="ignore"):
        weights = (2 * COLOURS.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        return f"{int(np.sum(greys.reshape(-1).astype(np.uint64) * weights, dtype=np.uint64)):016x}"


def pillow():
    from PIL import Image

    return np.asarray(Image.fromarray(RGB).convert("L"))


def opencv():
    import cv2

    return cv2.cvtColor(np.ascontiguousarray(RGB[..., ::-1]), cv2.COLOR_BGR2GRAY)


def torchvision():
    import torch
    from torchvision.transforms import functional

    return functional.rgb_to_grayscale(torch.from_numpy(RGB.transpose(2, 0, 1).copy()))[0].numpy()


def torchvision_v2():
    import torch
    from torchvision.transforms.v2 import functional

    return functional.rgb_to_grayscale(torch.from_numpy(RGB.transpose(2, 0, 1).copy()))[0].numpy()


def tensorflow():
    import tensorflow

    return tensorflow.image.rgb_to_grayscale(RGB).numpy()


for library in (pillow, opencv, torchvision, torchvision_v2, tensorflow):
    try:
        print(library.__name__.replace("_", "-"), checksum(library()))
    except ImportError:
        pass
