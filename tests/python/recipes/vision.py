"""Recipes of the libraries on PyTorch and OpenCV."""

import io
import os

os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import albumentations as A  # noqa: E402
import cv2  # noqa: E402
import numpy as np  # noqa: E402
import timm.data  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
from PIL import Image  # noqa: E402
from torchvision import models, transforms  # noqa: E402
from torchvision.transforms import InterpolationMode, v2  # noqa: E402
from torchvision.transforms.v2 import functional  # noqa: E402

from drawn import FAMILIES, OPTIONS, box, finished, opened, reader, shorter  # noqa: E402
from opencv_wheel import cubic_is_exact  # noqa: E402

PILLOW = ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"]
OPENCV = {
    "INTER_NEAREST": cv2.INTER_NEAREST, "INTER_LINEAR": cv2.INTER_LINEAR, "INTER_CUBIC": cv2.INTER_CUBIC,
    "INTER_AREA": cv2.INTER_AREA, "INTER_LANCZOS4": cv2.INTER_LANCZOS4,
}
CUBIC = "INTER_CUBIC" if cubic_is_exact() else "INTER_LANCZOS4"
if not cubic_is_exact():
    print("NOTE: this machine's OpenCV computes INTER_CUBIC without AVX-512: recipes have INTER_LANCZOS4 in its place")
WEIGHTS = ["resnet50", "efficientnet_v2_s", "vit_b_16", "swin_t", "mobilenet_v3_large", "convnext_tiny", "inception_v3"]
TIMM = [
    "resnet50.a1_in1k", "vit_base_patch16_224.augreg_in21k_ft_in1k", "convnext_tiny.fb_in1k", "tf_efficientnet_lite0.in1k",
    "efficientnet_b0.ra_in1k", "inception_v3.tv_in1k", "swin_tiny_patch4_window7_224.ms_in1k",
]
PROCESSORS = {
    "ViT": {}, "CLIP": {}, "ConvNext": {}, "Segformer": {"size": {"height": 256, "width": 256}}, "Siglip": {},
    "DeiT": {}, "Bit": {}, "MobileNetV2": {}, "Blip": {},
    "Detr": {"size": {"shortest_edge": 400, "longest_edge": 666}},
}


def family(rng):
    return rng.choice(sorted(FAMILIES.items()))


def read_opencv(data, mode=cv2.IMREAD_COLOR):
    return cv2.imdecode(np.frombuffer(data, np.uint8), mode)


def rgb_opencv(data):
    return cv2.cvtColor(read_opencv(data), cv2.COLOR_BGR2RGB)


def pillow_resize(rng):
    how, read = reader(rng)
    filter, size = rng.choice(PILLOW), box(rng)
    return finished(
        rng, f"{how}Image.resize({size}, {filter})", lambda data: read(data).resize(size, Image.Resampling[filter.upper()])
    )


def torchvision_image(rng):
    how, read = reader(rng)
    (size, crop), mode = shorter(rng), rng.choice(["bilinear", "bilinear", "bicubic", "lanczos", "nearest"])
    name, (mean, std) = family(rng)
    then = transforms.Compose([
        transforms.Resize(size, InterpolationMode(mode)), transforms.CenterCrop(crop), transforms.ToTensor(),
        transforms.Normalize(mean, std),
    ])
    words = f"{how}Resize({size}, {mode}), CenterCrop({crop}), ToTensor(), Normalize({name}) of an image"
    return words, lambda data: then(read(data)).numpy(), "NCHW"


def torchvision_square(rng):
    how, read = reader(rng)
    size, mode = box(rng), rng.choice(["bilinear", "bicubic"])
    name, (mean, std) = family(rng)
    then = transforms.Compose([
        transforms.Resize(size[::-1], InterpolationMode(mode)), transforms.ToTensor(), transforms.Normalize(mean, std),
    ])
    words = f"{how}Resize({size[::-1]}, {mode}), ToTensor(), Normalize({name}) of an image"
    return words, lambda data: then(read(data)).numpy(), "NCHW"


def torchvision_bytes(rng):
    size, crop = shorter(rng)
    mode, antialias = rng.choice(["bilinear", "bicubic", "nearest"]), rng.random() < 0.7
    name, (mean, std) = family(rng)
    then = v2.Compose([
        v2.Resize(size, InterpolationMode(mode), antialias=antialias), v2.CenterCrop(crop),
        v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std),
    ])
    words = f"v2.Resize({size}, {mode}, antialias={antialias}), CenterCrop({crop}), ToDtype(scale), Normalize({name}) of bytes"
    return words, lambda data: then(functional.pil_to_tensor(opened(data))).numpy(), "NCHW"


def torchvision_floats(rng):
    size, mode, antialias = box(rng), rng.choice(["bilinear", "bicubic", "nearest-exact"]), rng.random() < 0.6
    name, (mean, std) = family(rng)
    then = v2.Compose([
        v2.ToDtype(torch.float32, scale=True), v2.Resize(size[::-1], InterpolationMode(mode), antialias=antialias),
        v2.Normalize(mean, std),
    ])
    words = f"ToDtype(scale), v2.Resize({size[::-1]}, {mode}, antialias={antialias}), Normalize({name}) of floats"
    return words, lambda data: then(functional.pil_to_tensor(opened(data))).numpy(), "NCHW"


def torchvision_weights(rng):
    name, on_tensors = rng.choice(WEIGHTS), rng.random() < 0.5
    preset = models.get_model_weights(name).DEFAULT.transforms()
    read = (lambda data: functional.pil_to_tensor(opened(data))) if on_tensors else opened
    words = f"the transforms of {name}'s weights, of {'tensors' if on_tensors else 'images'}"
    return words, lambda data: preset(read(data)).numpy(), "NCHW"


def torchvision_own_size(rng):
    size, most = rng.choice([200, 256, 320]), rng.choice([333, 400, 480])
    then = transforms.Compose([transforms.Resize(size, max_size=most), transforms.ToTensor()])
    return f"Resize({size}, max_size={most}), ToTensor()", lambda data: then(opened(data)).numpy(), "NCHW"


def opencv_resize(rng):
    size, filter = box(rng), rng.choice(sorted(OPENCV)).replace("INTER_CUBIC", CUBIC)
    return finished(
        rng, f"cv2.resize(cv2.imread(), {size}, {filter})",
        lambda data: cv2.resize(rgb_opencv(data), size, interpolation=OPENCV[filter]),
    )


def opencv_floats(rng):
    size, filter = box(rng), rng.choice(["INTER_LINEAR", "INTER_AREA", "INTER_CUBIC"])
    return (
        f"cv2.resize(cv2.imread().astype(float32) / 255, {size}, {filter}), blue first",
        lambda data: cv2.resize(
            read_opencv(data).astype(np.float32) / 255, size, interpolation=OPENCV[filter]
        ).transpose(2, 0, 1), "NCHW",
    )


def letterbox(rng):
    side, pad = rng.choice([640, 320, 416, 256]), rng.choice([114, 114, 0, 128])

    def boxed(data):
        image = rgb_opencv(data)
        ratio = min(side / image.shape[0], side / image.shape[1])
        new = round(image.shape[1] * ratio), round(image.shape[0] * ratio)
        across, down = (side - new[0]) / 2, (side - new[1]) / 2
        image = cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)
        sides = round(down - 0.1), round(down + 0.1), round(across - 0.1), round(across + 0.1)
        return cv2.copyMakeBorder(image, *sides, cv2.BORDER_CONSTANT, value=(pad,) * 3).transpose(2, 0, 1).astype(np.float32) / 255

    return f"Ultralytics' letterbox to {side} on {pad}, / 255", boxed, "NCHW"


def letterbox_top_left(rng):
    side = rng.choice([640, 416, 320])

    def boxed(data):
        image = read_opencv(data)
        ratio = min(side / image.shape[0], side / image.shape[1])
        new = int(image.shape[1] * ratio), int(image.shape[0] * ratio)
        padded = np.full((side, side, 3), 114, np.uint8)
        padded[: new[1], : new[0]] = cv2.resize(image, new, interpolation=cv2.INTER_LINEAR)
        return padded.transpose(2, 0, 1).astype(np.float32)

    return f"YOLOX' preproc to {side}", boxed, "NCHW"


def albumentations_square(rng):
    (width, height), (name, (mean, std)) = box(rng), family(rng)
    filter = rng.choice(["INTER_LINEAR", "INTER_LINEAR", "INTER_AREA", CUBIC])
    compose = A.Compose([A.Resize(height, width, interpolation=OPENCV[filter]), A.Normalize(mean, std)])
    layout = rng.choice(["NCHW", "NHWC"])
    words = f"A.Resize({height}, {width}, {filter}), A.Normalize({name}), {layout}"
    axes = (2, 0, 1) if layout == "NCHW" else (0, 1, 2)
    return words, lambda data: compose(image=rgb_opencv(data))["image"].transpose(axes), layout


def albumentations_crop(rng):
    (size, crop), (name, (mean, std)) = shorter(rng), family(rng)
    compose = A.Compose([A.SmallestMaxSize(size), A.CenterCrop(crop, crop), A.Normalize(mean, std)])
    words = f"A.SmallestMaxSize({size}), A.CenterCrop({crop}), A.Normalize({name})"
    return words, lambda data: compose(image=rgb_opencv(data))["image"].transpose(2, 0, 1), "NCHW"


def albumentations_pad(rng):
    side = rng.choice([256, 320, 224])
    compose = A.Compose([
        A.LongestMaxSize(side), A.PadIfNeeded(side, side, border_mode=cv2.BORDER_CONSTANT, fill=(9, 100, 114)),
    ])
    return finished(
        rng, f"A.LongestMaxSize({side}), A.PadIfNeeded({side}, (9, 100, 114))", lambda data: compose(image=rgb_opencv(data))["image"]
    )


def processor(rng):
    model = rng.choice(sorted(PROCESSORS))
    kind = f"{model}ImageProcessor{rng.choice(['', 'Pil'])}"
    made = getattr(transformers, kind)(**PROCESSORS[model])

    def make(data):
        return np.asarray(made(opened(data), return_tensors="pt")["pixel_values"][0])

    return f"{kind}({PROCESSORS[model] or ''})", make, "NCHW"


def timm_pretrained(rng):
    name = rng.choice(TIMM)
    transform = timm.data.create_transform(**timm.data.resolve_data_config(timm.get_pretrained_cfg(name).to_dict()))
    return f"create_transform(**resolve_data_config()) of {name}", lambda data: transform(opened(data)).numpy(), "NCHW"


def timm_own(rng):
    options = {
        "input_size": (3, 224, 224), "crop_pct": rng.choice([0.9, 0.95, 1.0]), "crop_mode": rng.choice(["squash", "center", "border"]),
        "interpolation": rng.choice(["bilinear", "bicubic"]),
    }
    if options["crop_mode"] == "border":
        # Of less, the border's colour lies around a picture that is cropped: no package says so.
        options["crop_pct"] = 1.0
    transform = timm.data.create_transform(**options, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    return f"create_transform({options})", lambda data: transform(opened(data)).numpy(), "NCHW"


def chassis(rng):
    name, (mean, std) = family(rng)
    then = transforms.Compose([
        transforms.ToPILImage(), transforms.Resize(224), transforms.ToTensor(), transforms.Normalize(mean, std),
    ])
    return (
        f"ToPILImage, Resize(224), ToTensor, Normalize({name}) of cv2.resize(cv2.imdecode(-1), (224, 224))",
        lambda data: then(cv2.resize(read_opencv(data, -1), (224, 224))).numpy(), "NCHW",
    )


def grey(rng):
    size = rng.choice([28, 64, 128, 224])
    name, pixels = rng.choice([
        ("convert('L').resize", lambda data: Image.open(io.BytesIO(data)).convert("L").resize((size, size))),
        ("resize.convert('L')", lambda data: opened(data).resize((size, size)).convert("L")),
        ("Grayscale(), Resize()", lambda data: transforms.Resize((size, size))(transforms.Grayscale()(opened(data)))),
        ("imread(IMREAD_GRAYSCALE), resize", lambda data: cv2.resize(read_opencv(data, cv2.IMREAD_GRAYSCALE), (size, size))),
    ])
    mean, std = rng.choice([(0.0, 1.0), (0.5, 0.5), (0.1307, 0.3081)])
    then = transforms.Compose([transforms.ToTensor(), transforms.Normalize([mean], [std])])
    return f"{name} to {size}, ToTensor(), Normalize({mean}, {std})", lambda data: then(pixels(data)).numpy(), "NCHW"


def in_memory(rng):
    """What is done to a picture before it is resized."""
    size, quality = box(rng), rng.choice([75, 90, 95])

    def drafted(data):
        image = Image.open(io.BytesIO(data))
        image.draft("RGB", size)
        return image.convert("RGB").resize(size, Image.Resampling.BILINEAR)

    def again(data):
        file = io.BytesIO()
        opened(data).save(file, "JPEG", quality=quality)
        return Image.open(file).resize(size, Image.Resampling.BILINEAR)

    words, pixels = rng.choice([
        (f"Image.draft({size}).resize({size}, bilinear)", drafted),
        (f"saved as a JPEG of quality {quality}, resize({size}, bilinear)", again),
    ])
    return finished(rng, words, pixels)


def own_maximum(rng):
    side, (_, (mean, std)) = rng.choice([320, 256, 160]), family(rng)

    def make(data):
        pixels = np.array(opened(data).resize((side, side), Image.Resampling.LANCZOS))
        pixels = pixels / max(np.max(pixels), 1e-6)
        return ((pixels - mean) / std).transpose(2, 0, 1).astype(np.float32)

    return f"rembg's normalize to {side}", make, "NCHW"


EVERY = [
    pillow_resize, torchvision_image, torchvision_square, torchvision_bytes, torchvision_floats, torchvision_weights,
    torchvision_own_size, opencv_resize, opencv_floats, letterbox, letterbox_top_left, albumentations_square,
    albumentations_crop, albumentations_pad, processor, timm_pretrained, timm_own, chassis, grey, in_memory, own_maximum,
]
# A JPEG that is not turned, and has three channels.
OPTIONS["in_memory"] = {"jpeg": True}
