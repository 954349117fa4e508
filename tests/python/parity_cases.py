"""Writes packages, samples and what Pillow makes of them, and `cases.json`, which lists them.

Usage: parity_cases.py OUT SAMPLE_PHOTOS
"""

import itertools
import io
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

import models
import pictures

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
OPENCV = {"opencv-linear": cv2.INTER_LINEAR, "opencv-area": cv2.INTER_AREA}


class Cases:
    def __init__(self, out):
        self.out = out
        self.list = []

    def add(
        self, name, samples, *, make=models.identity, model=None, input=None, preprocess=None,
        batch=8, tolerance=0.0,
    ):
        """`samples`: (file name, bytes, expected array or None for an error)."""
        folder = self.out / name
        (folder / "samples").mkdir(parents=True)
        (folder / "expected").mkdir()
        model = {"shape": ["N", "H", "W", 3], "dtype": "u8", **(model or {})}
        make(folder / "model.onnx", **model)
        input = {"name": "pixels", "kind": "image", **(input or {})}
        if input["kind"] == "image":
            input = {"layout": "NHWC", "dtype": "u8", **input}
            preprocess = {"resize": "none", "crop": "none", **(preprocess or {})}
        (folder / "boxwright.toml").write_text(package(name, input, preprocess, batch))
        listed = []
        for file, data, expected in samples:
            (folder / "samples" / file).write_bytes(data)
            entry = {"file": file, "expected": None}
            if expected is not None:
                expected.astype("<f4").tofile(folder / "expected" / f"{file}.f32")
                entry["expected"] = list(expected.shape)
            listed.append(entry)
        self.list.append({
            "name": name, "call": "Pillow", "photos": f"{name}/samples", "tolerance": tolerance, "samples": listed,
        })


def package(name, input, preprocess, batch):
    def table(values):
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())

    return (
        f'format = 1\n\n[package]\nname = "{name}"\nversion = "1"\n\n'
        '[model]\nfiles = [{ path = "model.onnx" }]\n\n'
        f"[[input]]\n{table(input)}\n" + (f"[preprocess]\n{table(preprocess)}\n" if preprocess else "") +
        f'[postprocess]\ntask = "raw"\n\n[batch]\nmax_size = {batch}\n'
    )


def upright(data):
    image = Image.open(io.BytesIO(data))
    return ImageOps.exif_transpose(image).convert("RGB")


def decoding(cases, photos):
    exact = []
    for name, data in pictures.all_pictures():
        exact.append((name, data, np.asarray(upright(data))))
    for path in sorted(photos.glob("*.jpg")):
        data = path.read_bytes()
        exact.append((f"photo-{path.name}", data, np.asarray(upright(data))))
    exact += list(pictures.wide_greys())
    for size, samples in by_size(exact):
        cases.add(f"decoding-{size['width']}x{size['height']}", samples, input=size)
    size = {"width": 97, "height": 61}
    broken = [(name, data, None) for name, data in pictures.broken()]
    cases.add("broken", broken + exact[:1], input=size)
    turned = pictures.encoded(pictures.photo(19, 11), "JPEG", exif=pictures.exif(6))
    as_stored = np.asarray(Image.open(io.BytesIO(turned)).convert("RGB"))
    cases.add(
        "exif-off", [("turned.jpg", turned, as_stored)], input={"width": 19, "height": 11},
        preprocess={"exif": False},
    )


def by_size(samples):
    """The same samples, in groups of pictures of one size."""
    groups = {}
    for sample in samples:
        groups.setdefault(sample[2].shape[:2], []).append(sample)
    for (height, width), group in groups.items():
        yield {"width": width, "height": height}, group


def resizing(cases):
    sources = {
        "photo": pictures.photo(97, 61),
        "noise": pictures.noise(64, 48),
        "tall": pictures.noise(5, 211),
        "one": pictures.noise(1, 1),
    }
    sizes = [(224, 224), (48, 31), (33, 61), (97, 20), (7, 5), (1, 1), (194, 122), (32, 24)]
    for (name, filter), (width, height) in itertools.product(FILTERS.items(), sizes):
        samples = [
            (f"{source}.png", pictures.encoded(image, "PNG"), np.asarray(image.resize((width, height), filter)))
            for source, image in sources.items()
        ]
        stretch(cases, f"resize-{name}-{width}x{height}", samples, name, width, height)
    for (name, filter), (width, height) in itertools.product(OPENCV.items(), sizes):
        samples = [
            (
                f"{source}.png",
                pictures.encoded(image, "PNG"),
                cv2.resize(np.asarray(image), (width, height), interpolation=filter),
            )
            for source, image in sources.items()
        ]
        stretch(cases, f"resize-{name}-{width}x{height}", samples, name, width, height)


def stretch(cases, name, samples, filter, width, height):
    cases.add(
        name,
        samples,
        input={"width": width, "height": height},
        preprocess={"resize": "stretch", "filter": filter},
        # Format 1 has OpenCV's filters as they were before they were exact.
        tolerance=1.0 if filter.startswith("opencv-") else 0.0,
    )


def short_side(image, size, filter):
    """The shorter side to `size`, the longer one rounded."""
    width, height = image.size
    if width <= height:
        return image.resize((size, round(size * height / width)), filter)
    return image.resize((round(size * width / height), size), filter)


def center_crop(image, crop):
    """torchvision's CenterCrop, which puts black around what is too small."""
    width, height = image.size
    left, top = max(crop[0] - width, 0) // 2, max(crop[1] - height, 0) // 2
    padded = Image.new("RGB", (max(width, crop[0]), max(height, crop[1])))
    padded.paste(image, (left, top))
    width, height = padded.size
    left, top = round((width - crop[0]) / 2.0), round((height - crop[1]) / 2.0)
    return padded.crop((left, top, left + crop[0], top + crop[1]))


def cropping(cases):
    images = {
        f"{w}x{h}": pictures.photo(w, h)
        for w, h in ((97, 61), (61, 97), (64, 64), (333, 100), (100, 333), (40, 200), (256, 341))
    }
    for (name, filter), (size, crop) in itertools.product(
        (("bilinear", FILTERS["bilinear"]), ("bicubic", FILTERS["bicubic"])),
        ((64, (56, 56)), (63, (56, 55)), (50, (48, 40)), (57, (57, 57))),
    ):
        samples = [
            (f"{key}.png", pictures.encoded(image, "PNG"), np.asarray(center_crop(short_side(image, size, filter), crop)))
            for key, image in images.items()
        ]
        cases.add(
            f"crop-{name}-{size}-{crop[0]}x{crop[1]}",
            samples,
            input={"width": crop[0], "height": crop[1]},
            preprocess={"resize": "short-side", "size": size, "filter": name, "crop": "center"},
        )


def cropping_alone(cases):
    crop = (80, 70)
    images = [pictures.photo(w, h) for w, h in ((97, 61), (61, 97), (80, 70), (33, 21), (200, 151))]
    cases.add(
        "crop-alone",
        [
            (f"{image.width}.png", pictures.encoded(image, "PNG"), np.asarray(center_crop(image, crop)))
            for image in images
        ],
        input={"width": crop[0], "height": crop[1]},
        preprocess={"crop": "center"},
    )


def numbers(cases):
    """Samples that are arrays, with and without a batch axis."""
    def npy(array):
        file = io.BytesIO()
        np.save(file, array)
        return file.getvalue()

    array = (np.arange(20, dtype=np.float32) / 4 - 2).reshape(4, 5)
    cases.add(
        "numbers",
        [("one.npy", npy(array), array), ("batch-of-one.npy", npy(array[None]), array)],
        model={"shape": ["N", 4, 5], "dtype": "f32"},
        input={"kind": "tensor"},
    )


def letterbox(image, width, height, pad):
    scale = min(width / image.width, height / image.height)
    resized = image.resize(
        (round(image.width * scale), round(image.height * scale)), Image.Resampling.BILINEAR
    )
    canvas = Image.new("RGB", (width, height), pad)
    canvas.paste(resized, ((width - resized.width) // 2, (height - resized.height) // 2))
    return canvas


def tensors(cases):
    """Layouts, dtypes, channels, normalisation, batch sizes and names."""
    images = [(f"{i}.png", pictures.photo(32, 24, seed=i)) for i in range(5)]
    data = [(name, pictures.encoded(image, "PNG"), np.asarray(image)) for name, image in images]
    sides = {"width": 32, "height": 24}

    def all_as(change):
        return [(name, file, change(pixels)) for name, file, pixels in data]

    def chw(pixels):
        return pixels.transpose(2, 0, 1)

    cases.add("fixed-size", data, model={"shape": ["N", 24, 32, 3]}, input=sides)
    cases.add(
        "other-name", data, model={"shape": ["N", 24, 32, 3], "name": "serving_default_input:0", "output": "same:0"},
        input={**sides, "name": "serving_default_input:0"},
    )
    cases.add(
        "batch-one", all_as(chw), model={"shape": [1, 3, 24, 32], "dtype": "f32"}, batch=1,
        input={**sides, "layout": "NCHW", "dtype": "f32"},
    )
    cases.add(
        "batch-four", all_as(chw), model={"shape": [4, 3, 24, 32], "dtype": "f32"}, batch=4,
        input={**sides, "layout": "NCHW", "dtype": "f32"},
    )
    cases.add(
        "batch-of-one-inside", all_as(chw), make=models.batch_of_one,
        model={"shape": ["N", 3, 24, 32], "dtype": "f32"},
        input={**sides, "layout": "NCHW", "dtype": "f32"},
    )
    mean, std = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])
    cases.add(
        "normalised", all_as(lambda pixels: chw((pixels.astype(np.float32) - mean) / std)),
        model={"shape": ["N", 3, 24, 32], "dtype": "f32"},
        input={**sides, "layout": "NCHW", "dtype": "f32"},
        preprocess={"mean": mean.astype(float).round(3).tolist(), "std": std.astype(float).round(3).tolist()},
        tolerance=1e-6,
    )
    cases.add(
        "half", all_as(lambda pixels: ((pixels.astype(np.float32) - 127.5) / 127.5).astype(np.float16)),
        model={"shape": ["N", 24, 32, 3], "dtype": "f16"},
        input={**sides, "dtype": "f16"},
        preprocess={"mean": [127.5], "std": [127.5]},
    )
    cases.add(
        "bgr", all_as(lambda pixels: pixels[..., ::-1]), model={"shape": ["N", 24, 32, 3]}, input=sides,
        preprocess={"channels": "bgr"},
    )
    cases.add(
        "grey", all_as(lambda pixels: np.asarray(Image.fromarray(pixels).convert("L"))[None]),
        model={"shape": ["N", 1, 24, 32], "dtype": "f32"},
        input={**sides, "layout": "NCHW", "dtype": "f32"},
        preprocess={"channels": "grey"},
    )
    boxed = [
        (f"{w}x{h}.png", pictures.encoded(image, "PNG"), np.asarray(letterbox(image, 64, 64, (114, 100, 7))))
        for w, h in ((97, 61), (61, 97), (33, 200), (10, 9))
        for image in [pictures.photo(w, h)]
    ]
    cases.add(
        "letterbox", boxed, input={"width": 64, "height": 64},
        preprocess={"resize": "letterbox", "filter": "bilinear", "pad": [114, 100, 7]},
    )


def main():
    out, photos = Path(sys.argv[1]), Path(sys.argv[2])
    cases = Cases(out)
    decoding(cases, photos)
    resizing(cases)
    cropping(cases)
    cropping_alone(cases)
    tensors(cases)
    numbers(cases)
    (out / "cases.json").write_text(json.dumps(cases.list))


if __name__ == "__main__":
    main()
