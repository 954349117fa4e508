"""transformers: the image processors of several models, on Pillow and on torchvision."""

import io

import numpy as np
import torch
import transformers
from PIL import Image
from transformers.image_utils import load_image

from cases import ALL, IMAGENET_MEAN, IMAGENET_STD, levels, opened

CLIP_MEAN, CLIP_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
HALF = [0.5, 0.5, 0.5]
BILINEAR, BICUBIC = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC
NAMES = {BILINEAR: "bilinear", BICUBIC: "bicubic"}


def square(height, width):
    return {"height": height, "width": width}


def shortest(edge, longest=None):
    return {"shortest_edge": edge} | ({"longest_edge": longest} if longest else {})


# Class, options beside resample, mean and std; filter, mean and std; size of the tensor; the recipe. Sizes are smaller
# than the models': nothing else depends on them.
PROCESSORS = [
    ("ViT", {"size": square(48, 40)}, (BILINEAR, HALF, HALF), (40, 48), {"resize": "stretch"}),
    (
        "CLIP", {"size": shortest(57), "crop_size": square(57, 57)}, (BICUBIC, CLIP_MEAN, CLIP_STD), (57, 57),
        {"resize": "short-side", "size": 57, "crop": "center-floor"},
    ),
    (
        "CLIP", {"size": shortest(64), "crop_size": square(56, 48)}, (BICUBIC, CLIP_MEAN, CLIP_STD), (48, 56),
        {"resize": "short-side", "size": 64, "crop": "center-floor"},
    ),
    (
        "Detr", {"size": shortest(80, 133)}, (BILINEAR, IMAGENET_MEAN, IMAGENET_STD), None,
        {"resize": "short-side", "size": 80, "max_size": 133, "long_side": "detr"},
    ),
    (
        "ConditionalDetr", {"size": shortest(50, 64)}, (BILINEAR, IMAGENET_MEAN, IMAGENET_STD), None,
        {"resize": "short-side", "size": 50, "max_size": 64, "long_side": "detr"},
    ),
    ("Segformer", {"size": square(64, 64)}, (BILINEAR, IMAGENET_MEAN, IMAGENET_STD), (64, 64), {"resize": "stretch"}),
    (
        "ConvNext", {"size": shortest(56), "crop_pct": 224 / 256}, (BICUBIC, IMAGENET_MEAN, IMAGENET_STD), (56, 56),
        {"resize": "short-side", "size": 64, "crop": "center-floor"},
    ),
    ("EfficientNet", {"size": square(60, 50), "include_top": False}, (BICUBIC, IMAGENET_MEAN, IMAGENET_STD), (50, 60), {"resize": "stretch"}),
    (
        "MobileNetV2", {"size": shortest(64), "crop_size": square(56, 56)}, (BILINEAR, HALF, HALF), (56, 56),
        {"resize": "short-side", "size": 64, "crop": "center-floor"},
    ),
    ("Blip", {"size": square(61, 61)}, (BICUBIC, CLIP_MEAN, CLIP_STD), (61, 61), {"resize": "stretch"}),
    ("Siglip", {"size": square(64, 64)}, (BICUBIC, HALF, HALF), (64, 64), {"resize": "stretch"}),
    (
        "Bit", {"size": shortest(72), "crop_size": square(64, 64)}, (BICUBIC, IMAGENET_MEAN, IMAGENET_STD), (64, 64),
        {"resize": "short-side", "size": 72, "crop": "center-floor"},
    ),
    (
        "Deit", {"size": square(64, 64), "crop_size": square(57, 57)}, (BICUBIC, IMAGENET_MEAN, IMAGENET_STD), (57, 57),
        {"resize": "stretch", "size": 64, "crop": "center-floor"},
    ),
]
CLASSES = {"Deit": "DeiT"}


def write(cases, gallery):
    for model, options, look, size, recipe in PROCESSORS:
        for backend in ("Pil", ""):
            one(cases, gallery, f"{CLASSES.get(model, model)}ImageProcessor{backend}", options, look, size, recipe)
    photos = {**gallery.turned, "cmyk.jpg": gallery.kinds["cmyk.jpg"]}
    cases.bytes(
        "load-image", "load_image(file)", {name: data for name, data in photos.items() if not name.endswith(".tif")},
        lambda data: np.asarray(load_image(Image.open(io.BytesIO(data)))), preprocess={"resize": "none", "exif": True},
    )


def one(cases, gallery, kind, options, look, size, recipe):
    filter, mean, std = look
    processor = getattr(transformers, kind)(resample=filter, image_mean=mean, image_std=std, do_normalize=True, **options)
    on_tensors = processor.backend == "torchvision"
    recipe = {"exif": False, "filter": NAMES[filter], **recipe}
    if on_tensors:
        recipe |= {"filter": f"torchvision-{NAMES[filter]}", "mean": scaled(mean), "std": scaled(std)}
    else:
        recipe |= {"arithmetic": "torchvision", "mean": levels(mean), "std": levels(std)}

    def expect(data):
        return np.asarray(processor(opened(data), return_tensors="pt")["pixel_values"][0])

    photos = gallery.usual if size or ALL else {name: gallery.usual[name] for name in ("photo-97x61.png", "photo-333x100.jpg", "photo-100x257.png", "noise-64x48.png")}
    cases.floats(kind, f"{kind}({options})", photos, expect, size=size, preprocess=recipe)


def scaled(values):
    """As the processors on torchvision scale them, in 32 bits."""
    return (torch.tensor(values) * (1.0 / (1 / 255))).tolist()
