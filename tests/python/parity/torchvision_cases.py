"""torchvision: transforms of Pillow's images and of tensors, and those that come with the weights of its models."""

import numpy as np
import torch
from torchvision import models, transforms
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional

from cases import ALL, FLOATING_POINT, IMAGENET, IMAGENET_MEAN, IMAGENET_STD, levels, opened

MODES = {
    "nearest": InterpolationMode.NEAREST,
    "bilinear": InterpolationMode.BILINEAR,
    "bicubic": InterpolationMode.BICUBIC,
    "lanczos": InterpolationMode.LANCZOS,
    "box": InterpolationMode.BOX,
    "hamming": InterpolationMode.HAMMING,
}
ON_TENSORS = {
    "torchvision-nearest": InterpolationMode.NEAREST,
    "torchvision-nearest-exact": InterpolationMode.NEAREST_EXACT,
    "torchvision-bilinear": InterpolationMode.BILINEAR,
    "torchvision-bicubic": InterpolationMode.BICUBIC,
}
SIZES = [(48, 31), (97, 20), (150, 90)] + ([(33, 61), (7, 5), (1, 1), (194, 122), (32, 24), (224, 224)] if ALL else [])
WEIGHTS = ["resnet50", "efficientnet_v2_s", "vit_b_16", "swin_t"] + (
    ["mobilenet_v3_large", "convnext_tiny", "efficientnet_b0", "inception_v3", "maxvit_t", "regnet_y_400mf", "vgg16"]
    if ALL else []
)
STORED = {"exif": False}


def write(cases, gallery):
    on_images(cases, gallery)
    on_bytes(cases, gallery)
    on_rounded_bytes(cases, gallery)
    on_floats(cases, gallery)
    weights(cases, gallery)
    decoded(cases, gallery)


def array(image):
    return np.asarray(image)


def on_images(cases, gallery):
    for name, mode in MODES.items():
        for size, crop in ((64, (57, 64)), (33, (33, 33))):
            then = transforms.Compose([transforms.Resize(size, mode), transforms.CenterCrop(crop)])
            cases.bytes(
                f"short-side-{name}-{size}", f"Resize({size}, {name}), CenterCrop({crop}) of an image", gallery.sizes,
                lambda data: array(then(opened(data))), size=crop[::-1],
                preprocess={**STORED, "resize": "short-side", "size": size, "filter": name, "crop": "center"},
            )
    for size, most in ((80, 133), (50, 51), (64, 200)):
        then = transforms.Resize(size, max_size=most)
        cases.bytes(
            f"max-size-{size}-{most}", f"Resize({size}, max_size={most}) of an image", gallery.usual,
            lambda data: array(then(opened(data))),
            preprocess={**STORED, "resize": "short-side", "size": size, "max_size": most, "filter": "bilinear"},
        )
    normalised_images(cases, gallery)


def normalised_images(cases, gallery):
    recipe = {**STORED, "resize": "short-side", "size": 64, "filter": "bilinear", "crop": "center"}
    shrunk = [transforms.Resize(64), transforms.CenterCrop(56)]
    then = transforms.Compose([*shrunk, transforms.ToTensor(), transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD)])
    cases.floats(
        "normalize", "Resize(64), CenterCrop(56), ToTensor(), Normalize(…) of an image", gallery.usual,
        lambda data: then(opened(data)).numpy(), size=(56, 56),
        preprocess={**recipe, "arithmetic": "torchvision", **IMAGENET},
    )
    to_tensor = transforms.Compose([*shrunk, transforms.ToTensor()])
    cases.floats(
        "to-tensor", "Resize(64), CenterCrop(56), ToTensor() of an image", gallery.usual,
        lambda data: to_tensor(opened(data)).numpy(), size=(56, 56),
        preprocess={**recipe, "arithmetic": "torchvision", "std": [255.0]},
    )
    for order, steps in (
        ("before", [transforms.Grayscale(), *shrunk]), ("after", [*shrunk, transforms.Grayscale()]),
    ):
        grey = transforms.Compose([*steps, transforms.ToTensor(), transforms.Normalize([0.5], [0.5])])
        cases.floats(
            f"grey-{order}", f"Grayscale() {order} Resize(64), CenterCrop(56), ToTensor(), Normalize(0.5, 0.5)",
            gallery.usual, lambda data: grey(opened(data)).numpy(), size=(56, 56),
            preprocess={
                **recipe, "channels": "grey", "grey": order, "arithmetic": "torchvision", "mean": [127.5], "std": [127.5],
            },
        )
    square_then_crop(cases, gallery, recipe)


def square_then_crop(cases, gallery, recipe):
    then = transforms.Compose([transforms.Resize((73, 73)), transforms.CenterCrop(56)])
    cases.bytes(
        "square-then-crop", "Resize((73, 73)), CenterCrop(56) of an image", gallery.usual,
        lambda data: array(then(opened(data))), size=(56, 56), preprocess={**recipe, "resize": "stretch", "size": 73},
    )


def filters():
    for name, mode in ON_TENSORS.items():
        yield name, mode, {}, {}
        if not name.startswith("torchvision-nearest"):
            yield name, mode, {"antialias": False}, {"antialias": False}


def tensor(data):
    return functional.pil_to_tensor(opened(data))


def on_bytes(cases, gallery):
    for name, mode, options, recipe in filters():
        label = f"{name}{'-not-antialiased' if options else ''}"
        base = {**STORED, "filter": name, **recipe}
        for size in SIZES:
            cases.bytes(
                f"{label}-{size[0]}x{size[1]}", f"resize({size[::-1]}, {name}, {options}) of a tensor of bytes",
                gallery.sizes,
                lambda data: functional.resize(tensor(data), list(size[::-1]), mode, **options).permute(1, 2, 0).numpy(),
                size=size, preprocess={**base, "resize": "stretch"},
            )
        then = v2.Compose([v2.Resize(50, mode, **options), v2.CenterCrop(40)])
        cases.bytes(
            f"{label}-short-side", f"Resize(50, {name}, {options}), CenterCrop(40) of a tensor of bytes", gallery.usual,
            lambda data: then(tensor(data)).permute(1, 2, 0).numpy(), size=(40, 40),
            preprocess={**base, "resize": "short-side", "size": 50, "crop": "center"},
        )


def on_rounded_bytes(cases, gallery):
    """The older transforms make floats of a tensor of bytes, resize these, and round."""
    for name, mode, options, recipe in filters():
        label = f"{name}{'-not-antialiased' if options else ''}"
        for size in SIZES:
            then = transforms.Resize(size[::-1], mode, **options)
            cases.bytes(
                f"{label}-rounded-{size[0]}x{size[1]}", f"the older Resize({size[::-1]}, {name}, {options}) of a tensor of bytes",
                gallery.sizes, lambda data: then(tensor(data)).permute(1, 2, 0).numpy(), size=size,
                preprocess={**STORED, "filter": name, **recipe, "resize": "stretch", "resize_in": "rounded"},
            )


def on_floats(cases, gallery):
    for name, mode, options, recipe in filters():
        label = f"{name}{'-not-antialiased' if options else ''}"
        for size in SIZES[: None if ALL else 2]:
            cases.floats(
                f"{label}-floats-{size[0]}x{size[1]}", f"resize({size[::-1]}, {name}, {options}) of a tensor of floats",
                gallery.sizes,
                lambda data: functional.resize(tensor(data).float(), list(size[::-1]), mode, **options).numpy(),
                size=size, tolerance=FLOATING_POINT,
                preprocess={**STORED, "resize": "stretch", "filter": name, **recipe, "resize_in": "f32"},
            )
    then = v2.Compose([
        v2.ToDtype(torch.float32, scale=True), v2.Resize(64), v2.CenterCrop(56), v2.Normalize(IMAGENET_MEAN, IMAGENET_STD),
    ])
    cases.floats(
        "floats-then-normalize", "ToDtype(float32, scale=True), Resize(64), CenterCrop(56), Normalize(…)", gallery.usual,
        lambda data: then(tensor(data)).numpy(), size=(56, 56), tolerance=FLOATING_POINT / 58,
        preprocess={
            **STORED, "resize": "short-side", "size": 64, "filter": "torchvision-bilinear", "resize_in": "f32",
            "crop": "center", "arithmetic": "torchvision", **IMAGENET,
        },
    )


def weights(cases, gallery):
    names = ("photo-97x61.png", "photo-256x341.jpg", "photo-333x100.jpg")
    photos = {name: gallery.usual[name] for name in names}
    for name in WEIGHTS:
        preset = models.get_model_weights(name).DEFAULT.transforms()
        size, crop = preset.resize_size[0], preset.crop_size[0]
        mode = preset.interpolation.value
        recipe = {
            **STORED, "resize": "short-side", "size": size, "crop": "center", "arithmetic": "torchvision",
            "mean": levels(preset.mean), "std": levels(preset.std),
        }
        on_tensors = {"filter": f"torchvision-{mode}", "resize_in": "rounded"}
        for kind, read, filter in (("image", opened, {"filter": mode}), ("tensor", tensor, on_tensors)):
            cases.floats(
                f"weights-{name}-{kind}", f"the transforms of {name}'s weights, of {kind}s", photos,
                lambda data: preset(read(data)).numpy(), size=(crop, crop), preprocess={**recipe, **filter},
            )
    dense(cases, gallery)


def dense(cases, gallery):
    """Models that take the photo's own size."""
    photos = {name: gallery.usual[name] for name in ("photo-97x61.png", "noise-64x48.png", "photo-100x257.png")}
    preset = models.segmentation.LRASPP_MobileNet_V3_Large_Weights.DEFAULT.transforms(resize_size=130)
    cases.floats(
        "weights-lraspp", "the transforms of lraspp_mobilenet_v3_large's weights, with resize_size=130", photos,
        lambda data: preset(opened(data)).numpy(),
        preprocess={
            **STORED, "resize": "short-side", "size": 130, "filter": "bilinear", "arithmetic": "torchvision", **IMAGENET,
        },
    )
    detection = models.detection.SSDLite320_MobileNet_V3_Large_Weights.DEFAULT.transforms()
    cases.floats(
        "weights-ssdlite", "the transforms of ssdlite320_mobilenet_v3_large's weights", photos,
        lambda data: detection(opened(data)).numpy(),
        preprocess={**STORED, "resize": "none", "arithmetic": "torchvision", "std": [255.0]},
    )


def decoded(cases, gallery):
    from torchvision.io import ImageReadMode, decode_image

    photos = {name: data for name, data in {**gallery.usual, **gallery.sample}.items() if name.endswith((".jpg", ".png"))}
    cases.bytes(
        "decode-image", 'torchvision.io.decode_image(file, mode="RGB")', photos,
        lambda data: decode_image(torch.frombuffer(bytearray(data), dtype=torch.uint8), ImageReadMode.RGB).permute(1, 2, 0).numpy(),
        preprocess={**STORED, "resize": "none"},
    )
