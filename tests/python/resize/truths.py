"""Resizes noise with a library's own code and prints what comes out, as checksums.

Run once a library, with the versions that are named below, and keep what it prints:

    python tests/python/resize/truths.py pillow > crates/predict/src/stage/resize/truths/pillow.txt

and so on for opencv, torch and tensorflow. A line is a kernel, the size of the source, the size
of the result, and the CRC-32 of its bytes, rows of interleaved RGB (floats are little-endian).

pillow 13.0.0; opencv-python-headless 5.0.0.93 on x86-64 with AVX-512 (IPP's cubic kernel rounds
otherwise on other processors); torch 2.15.0 with torchvision 0.29.2, two threads;
tensorflow 2.21.0.
"""

import sys
import zlib

import numpy as np

SIZES = [
    ((67, 49), (30, 25)),
    ((67, 49), (67, 20)),
    ((67, 49), (20, 49)),
    ((67, 49), (134, 98)),
    ((67, 49), (90, 60)),
    ((67, 49), (33, 80)),
    ((67, 49), (67, 49)),
    ((64, 48), (32, 24)),
    ((66, 48), (22, 16)),
    ((60, 48), (30, 16)),
    ((20, 120), (60, 11)),
    ((120, 20), (11, 60)),
    ((50, 50), (51, 49)),
    ((3, 2), (8, 5)),
    ((1, 7), (5, 3)),
    ((9, 1), (4, 6)),
]


def noise(width, height):
    """The same bytes as the test's, from a linear congruential generator."""
    state = 12345
    values = bytearray()
    for _ in range(width * height * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return np.frombuffer(bytes(values), np.uint8).reshape(height, width, 3)


def typed(picture, depth):
    if depth == "f32":
        return picture.astype(np.float32)
    if depth == "unit":
        return picture.astype(np.float32) / np.float32(255)
    return picture


def pillow():
    from PIL import Image

    def resize(picture, size, name, gap):
        resample = Image.Resampling[name.upper()]
        gap = float(gap) if gap else None
        return np.asarray(Image.fromarray(picture).resize(size, resample, reducing_gap=gap))

    for name in ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"):
        for gap in ("", "1", "2"):
            yield f"pillow:{name}:{gap}", lambda p, s, n=name, g=gap: resize(p, s, n, g)


def opencv():
    import cv2

    def resize(picture, size, name, depth):
        flag = getattr(cv2, "INTER_" + name.upper())
        return cv2.resize(typed(picture, depth), size, interpolation=flag)

    names = ("nearest", "nearest_exact", "linear", "linear_exact", "cubic", "area", "lanczos4")
    for name in names:
        for depth in ("u8", "f32", "unit"):
            yield f"opencv:{name}:{depth}", lambda p, s, n=name, d=depth: resize(p, s, n, d)


def torch():
    import torch
    from torchvision.transforms import InterpolationMode, functional
    from torchvision.transforms.v2 import functional as functional_v2

    torch.set_num_threads(2)

    def resize(picture, size, name, antialias, depth):
        tensor = torch.from_numpy(typed(picture, depth).copy()).permute(2, 0, 1).contiguous()
        module = functional if depth == "rounded" else functional_v2
        mode = InterpolationMode(name)
        out = module.resize(tensor, [size[1], size[0]], mode, antialias=antialias)
        return out.permute(1, 2, 0).contiguous().numpy()

    for name in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        for antialias in (False, True) if name.startswith("bi") else (False,):
            for depth in ("u8", "f32", "unit", "rounded"):
                kernel = f"torch:{name}{'+antialias' if antialias else ''}:{depth}"
                yield kernel, lambda p, s, n=name, a=antialias, d=depth: resize(p, s, n, a, d)
    yield "torch:lanczos+antialias:u8", lambda p, s: resize(p, s, "lanczos", True, "u8")


def tensorflow():
    import tensorflow as tf

    def resize(picture, size, name, antialias, depth):
        picture = typed(picture, depth)
        return tf.image.resize(picture, (size[1], size[0]), name, antialias=antialias).numpy()

    for name in ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5"):
        for antialias in (False, True) if name not in ("nearest", "area") else (False,):
            for depth in ("u8", "unit"):
                kernel = f"tensorflow:{name}{'+antialias' if antialias else ''}:{depth}"
                yield kernel, lambda p, s, n=name, a=antialias, d=depth: resize(p, s, n, a, d)


def main():
    library = {"pillow": pillow, "opencv": opencv, "torch": torch, "tensorflow": tensorflow}
    for kernel, resize in library[sys.argv[1]]():
        for (width, height), size in SIZES:
            result = resize(noise(width, height), size)
            checksum = zlib.crc32(np.ascontiguousarray(result).tobytes())
            print(f"{kernel} {width}x{height} {size[0]}x{size[1]} {checksum:08x}")


main()
