"""The arithmetic of libraries that the tests don't install: Ultralytics, YOLOX, mmdetection, PaddleOCR, rembg.

Written after what they are documented to do, on OpenCV and NumPy. A change of theirs isn't noticed here.
"""

import math

import cv2
import numpy as np
from PIL import Image

from cases import FLOATING_POINT, IMAGENET, IMAGENET_MEAN, IMAGENET_STD, opened
from opencv_cases import read

LINEAR = {"decode": "opencv", "filter": "opencv-linear"}


def write(cases, gallery):
    ultralytics(cases, gallery)
    yolox(cases, gallery)
    mmdetection(cases, gallery)
    paddle(cases, gallery)
    rembg(cases, gallery)


def letterbox(image, width, height, stride=None):
    rows, columns = image.shape[:2]
    ratio = min(height / rows, width / columns)
    new = round(columns * ratio), round(rows * ratio)
    across, down = width - new[0], height - new[1]
    if stride:
        across, down = across % stride, down % stride
    left, right = round(across / 2 - 0.1), round(across / 2 + 0.1)
    top, bottom = round(down / 2 - 0.1), round(down / 2 + 0.1)
    image = cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)
    return cv2.copyMakeBorder(image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(114, 114, 114))


def ultralytics(cases, gallery):
    recipe = {**LINEAR, "resize": "letterbox", "pad": [114, 114, 114], "std": [255.0]}

    def expect(*size):
        def boxed(data):
            rgb = letterbox(read(data), *size)[..., ::-1].transpose(2, 0, 1)
            return rgb.astype(np.float32) / 255

        return boxed

    for size in ((96, 96), (128, 64)):
        cases.floats(
            f"ultralytics-{size[0]}x{size[1]}", f"LetterBox({size}) and / 255", gallery.sizes, expect(*size), size=size,
            preprocess=recipe,
        )
    input = {"layout": "NCHW", "dtype": "f32", "width": 128, "height": 128, "stride": 32}
    cases.add(
        "ultralytics-stride", "LetterBox(128, auto=True, stride=32) and / 255", gallery.usual, expect(128, 128, 32),
        input=input, preprocess=recipe,
    )


def yolox(cases, gallery):
    def expect(data):
        image = read(data)
        ratio = min(96 / image.shape[0], 96 / image.shape[1])
        new = int(image.shape[1] * ratio), int(image.shape[0] * ratio)
        padded = np.full((96, 96, 3), 114, np.uint8)
        padded[: new[1], : new[0]] = cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)
        return padded.transpose(2, 0, 1).astype(np.float32)

    cases.floats(
        "yolox", "preproc(image, (96, 96))", gallery.usual, expect, size=(96, 96),
        preprocess={
            **LINEAR, "resize": "letterbox", "long_side": "floor", "pad": [114, 114, 114], "align": "top-left",
            "channels": "bgr",
        },
    )


def mmdetection(cases, gallery):
    def expect(data):
        image = read(data)
        rows, columns = image.shape[:2]
        scale = min(133 / max(rows, columns), 80 / min(rows, columns))
        new = int(columns * scale + 0.5), int(rows * scale + 0.5)
        return cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)

    cases.bytes(
        "mmdetection", "Resize(scale=(133, 80), keep_ratio=True)", gallery.usual, expect,
        preprocess={
            **LINEAR, "resize": "short-side", "size": 80, "max_size": 133, "long_side": "half-up", "channels": "bgr",
        },
    )


def paddle(cases, gallery):
    def recognised(data):
        image = read(data)
        ratio = image.shape[1] / image.shape[0]
        width = min(math.ceil(48 * ratio), 192)
        image = cv2.resize(image, (width, 48)).astype(np.float32).transpose(2, 0, 1) / 255
        padded = np.zeros((3, 48, 192), np.float32)
        padded[:, :, :width] = (image - 0.5) / 0.5
        return padded

    # Wider ones are squeezed, which is no letterbox.
    photos = {name: data for name, data in gallery.usual.items() if name != "photo-333x100.jpg"}
    photos["noise-190x48.png"] = encoded_noise(190, 48)
    cases.floats(
        "paddle-recognition", "resize_norm_img(image) to 48 × 192", photos, recognised, size=(192, 48),
        preprocess={
            **LINEAR, "resize": "letterbox", "long_side": "ceil", "align": "top-left", "pad_normalised": 0.0,
            "channels": "bgr", "arithmetic": "torchvision", "mean": [127.5], "std": [127.5],
        },
    )
    detected(cases, gallery)


def encoded_noise(width, height):
    import pictures

    return pictures.encoded(pictures.noise(width, height), "PNG")


def detected(cases, gallery):
    def expect(data):
        image = read(data)
        new = [max(round(side / 32) * 32, 32) for side in image.shape[1::-1]]
        image = cv2.resize(image, new).astype(np.float32) * np.float32(1 / 255)
        return ((image - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)).transpose(2, 0, 1)

    cases.add(
        "paddle-detection", "DetResizeForTest and NormalizeImage", gallery.usual, expect,
        input={"layout": "NCHW", "dtype": "f32", "stride": 32, "stride_rounding": "nearest"},
        # It multiplies by 1 / 255 where `torchvision` divides: the last digit differs.
        tolerance=FLOATING_POINT / 58,
        preprocess={**LINEAR, "resize": "stretch", "channels": "bgr", "arithmetic": "torchvision", **IMAGENET},
    )


def rembg(cases, gallery):
    def expect(data):
        pixels = np.array(opened(data).resize((64, 64), Image.Resampling.LANCZOS))
        pixels = pixels / max(np.max(pixels), 1e-6)
        return ((pixels - IMAGENET_MEAN) / IMAGENET_STD).transpose(2, 0, 1).astype(np.float32)

    dark = {"dark.png": dark_photo(), **gallery.usual}
    cases.floats(
        "rembg", "normalize(image, mean, std, (64, 64))", dark, expect, size=(64, 64),
        preprocess={
            "exif": False, "resize": "stretch", "filter": "lanczos", "scale": "photo-maximum", "arithmetic": "float64",
            **IMAGENET,
        },
    )


def dark_photo():
    import pictures

    return pictures.encoded(Image.fromarray(np.asarray(pictures.photo(97, 61)) // 3), "PNG")
