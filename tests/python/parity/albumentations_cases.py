"""albumentations: resizing by one side or both, cropping, padding, and its order of arithmetic."""

import os

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as A  # noqa: E402
import cv2  # noqa: E402
import numpy as np  # noqa: E402

from cases import IMAGENET_MEAN, IMAGENET_STD  # noqa: E402
from opencv_cases import FILTERS, read  # noqa: E402
from opencv_wheel import cubic_tolerance  # noqa: E402


def rgb(data):
    return cv2.cvtColor(read(data), cv2.COLOR_BGR2RGB)


def applied(*transforms):
    compose = A.Compose(list(transforms))
    return lambda data: compose(image=rgb(data))["image"]


def scaled(values):
    """As Normalize scales them, in 32 bits."""
    return (np.float32(values) * np.float32(255)).astype(float).tolist()


IMAGENET = {"mean": scaled(IMAGENET_MEAN), "std": scaled(IMAGENET_STD)}


def write(cases, gallery):
    base = {"decode": "opencv"}
    for name in ("opencv-linear", "opencv-cubic", "opencv-area", "opencv-nearest"):
        one_filter(cases, gallery, {**base, "filter": name}, FILTERS[name])
    cases.bytes(
        "crop", "CenterCrop(40, 48)", {name: gallery.usual[name] for name in ("photo-97x61.png", "noise-64x48.png", "photo-113x81.png")},
        applied(A.CenterCrop(40, 48)), size=(48, 40), preprocess={**base, "resize": "none", "crop": "center-floor"},
    )
    normalised(cases, gallery, base)


def one_filter(cases, gallery, base, filter):
    name, levels = base["filter"], cubic_tolerance() if filter == cv2.INTER_CUBIC else 0.0
    cases.bytes(
        f"resize-{name}", "Resize(31, 48)", gallery.sizes, applied(A.Resize(31, 48, interpolation=filter)), size=(48, 31),
        preprocess={**base, "resize": "stretch"}, tolerance=levels,
    )
    for size in (50, 33):
        cases.bytes(
            f"smallest-{name}-{size}", f"SmallestMaxSize({size})", gallery.usual,
            applied(A.SmallestMaxSize(size, interpolation=filter)),
            preprocess={**base, "resize": "short-side", "size": size, "long_side": "round"}, tolerance=levels,
        )
        cases.bytes(
            f"longest-{name}-{size}", f"LongestMaxSize({size})", gallery.usual,
            applied(A.LongestMaxSize(size, interpolation=filter)),
            preprocess={**base, "resize": "long-side", "size": size, "long_side": "round"}, tolerance=levels,
        )
    cases.bytes(
        f"smallest-crop-{name}", "SmallestMaxSize(57), CenterCrop(48, 41)", gallery.usual,
        applied(A.SmallestMaxSize(57, interpolation=filter), A.CenterCrop(48, 41)), size=(41, 48),
        preprocess={**base, "resize": "short-side", "size": 57, "long_side": "round", "crop": "center-floor"}, tolerance=levels,
    )
    cases.bytes(
        f"longest-pad-{name}", "LongestMaxSize(64), PadIfNeeded(64, 64, fill=(9, 100, 114))", gallery.usual,
        applied(
            A.LongestMaxSize(64, interpolation=filter),
            A.PadIfNeeded(64, 64, border_mode=cv2.BORDER_CONSTANT, fill=(9, 100, 114)),
        ),
        size=(64, 64), preprocess={**base, "resize": "letterbox", "long_side": "round", "pad": [9, 100, 114]}, tolerance=levels,
    )


def normalised(cases, gallery, base):
    resize = {**base, "resize": "stretch", "filter": "opencv-linear", "arithmetic": "reciprocal"}
    cases.floats(
        "normalize", "Resize(64, 64), Normalize()", gallery.usual, applied(A.Resize(64, 64), A.Normalize()), size=(64, 64),
        layout="NHWC", preprocess={**resize, **IMAGENET},
    )
    cases.floats(
        "normalize-half", "Resize(64, 64), Normalize(0.5, 0.5)", gallery.usual,
        applied(A.Resize(64, 64), A.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))), size=(64, 64), layout="NHWC",
        preprocess={**resize, "mean": [127.5], "std": [127.5]},
    )
    cases.floats(
        "square-then-crop", "Resize(72, 72), CenterCrop(57, 64), Normalize()", gallery.usual,
        applied(A.Resize(72, 72), A.CenterCrop(57, 64), A.Normalize()), size=(64, 57), layout="NHWC",
        preprocess={**resize, "size": 72, "crop": "center-floor", **IMAGENET},
    )
