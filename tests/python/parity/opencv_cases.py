"""OpenCV: every filter on bytes and on floats, and the ways to read a file."""

import cv2
import numpy as np

from cases import ALL, FLOATING_POINT
from opencv_wheel import cubic_tolerance

FILTERS = {
    "opencv-nearest": cv2.INTER_NEAREST,
    "opencv-nearest-exact": cv2.INTER_NEAREST_EXACT,
    "opencv-linear": cv2.INTER_LINEAR,
    "opencv-linear-exact": cv2.INTER_LINEAR_EXACT,
    "opencv-cubic": cv2.INTER_CUBIC,
    "opencv-area": cv2.INTER_AREA,
    "opencv-lanczos4": cv2.INTER_LANCZOS4,
}
# (32, 24) halves the noise, (194, 122) doubles the photo: OpenCV treats both in ways of their own.
SIZES = [(48, 31), (97, 20), (32, 24), (150, 90)] + ([(33, 61), (7, 5), (1, 1), (194, 122), (224, 224)] if ALL else [])
READ = {
    "opencv": cv2.IMREAD_COLOR,
    "opencv-grey": cv2.IMREAD_GRAYSCALE,
    "opencv-unchanged": cv2.IMREAD_UNCHANGED,
}
# Frames and alphas of these are composed by rules of their own, or OpenCV doesn't read them.
LEFT_OUT = (".gif", ".tif")


def read(data, mode=cv2.IMREAD_COLOR):
    return cv2.imdecode(np.frombuffer(data, np.uint8), mode)


def write(cases, gallery):
    filters(cases, gallery)
    decoding(cases, gallery)
    chassis(cases, gallery)


def filters(cases, gallery):
    for name, filter in FILTERS.items():
        levels = cubic_tolerance() if filter == cv2.INTER_CUBIC else 0.0
        for size in SIZES:
            recipe = {"decode": "opencv", "resize": "stretch", "filter": name, "channels": "bgr"}
            cases.bytes(
                f"{name}-{size[0]}x{size[1]}", f"cv2.resize(image, {size}, interpolation={name})", gallery.sizes,
                lambda data: cv2.resize(read(data), size, interpolation=filter), size=size, preprocess=recipe,
                tolerance=levels,
            )
        if name == "opencv-linear-exact":
            # For bytes only.
            continue
        for size in SIZES[: None if ALL else 2]:
            cases.floats(
                f"{name}-floats-{size[0]}x{size[1]}",
                f"cv2.resize(image.astype(np.float32), {size}, interpolation={name})", gallery.sizes,
                lambda data: cv2.resize(read(data).astype(np.float32), size, interpolation=filter), size=size,
                layout="NHWC", preprocess={**recipe, "resize_in": "f32"}, tolerance=FLOATING_POINT,
            )


def decoding(cases, gallery):
    kinds = {name: data for name, data in gallery.kinds.items() if not name.endswith(LEFT_OUT)}
    for decode, mode in READ.items():

        def expect(data):
            pixels = read(data, mode)
            if decode == "opencv-grey":
                return pixels[..., None]
            # Others than three channels of bytes are no photo for the model.
            fits = pixels is not None and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
            return pixels if fits else None

        recipe = {"decode": decode, "channels": "grey" if decode == "opencv-grey" else "bgr"}
        if decode == "opencv-unchanged":
            recipe["exif"] = False
        photos = {**kinds, **gallery.sample}
        cases.bytes(f"read-{decode}", f"cv2.imdecode(file, {decode})", photos, expect, preprocess=recipe | {"resize": "none"})


def chassis(cases, gallery):
    """What chassisml's examples do: BGR taken for RGB, through Pillow to a tensor."""
    from torchvision import transforms

    from cases import IMAGENET, IMAGENET_MEAN, IMAGENET_STD

    then = transforms.Compose([
        transforms.ToPILImage(), transforms.Resize(224), transforms.ToTensor(),
        transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
    ])
    cases.floats(
        "chassis", "ToPILImage, Resize(224), ToTensor, Normalize on cv2.resize(cv2.imdecode(file, -1), (224, 224))",
        {name: data for name, data in {**gallery.large, **gallery.turned}.items() if name.endswith(".jpg")},
        lambda data: then(cv2.resize(read(data, -1), (224, 224))).numpy(), size=(224, 224),
        preprocess={
            "decode": "opencv-unchanged", "exif": False, "resize": "stretch", "filter": "opencv-linear",
            "channels": "bgr", "arithmetic": "torchvision", **IMAGENET,
        },
    )
