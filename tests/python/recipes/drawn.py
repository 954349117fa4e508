"""What recipes are drawn from: photos of odd sizes, sizes of tensors, numbers, and the files that notebooks save."""

import io
import json
import os
import random
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "parity"))
import models  # noqa: E402
import pictures  # noqa: E402
from cases import package  # noqa: E402

# Other recipes, of other photos, are drawn with another one.
SEED = int(os.environ.get("BOXWRIGHT_TEST_SEED", "20"))
SMALL, LARGE = 24, 3
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
CLIP = ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711])
HALF = ([0.5] * 3, [0.5] * 3)
# As somebody measured them on pictures of their own.
OWN = ([0.512, 0.433, 0.391], [0.27, 0.251, 0.248])
FAMILIES = {"ImageNet": IMAGENET, "CLIP": CLIP, "0.5": HALF, "own": OWN}


class Photos:
    """Crops of the samples' photos, resized to odd sizes, as files."""

    def __init__(self, folder, samples):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        rng = random.Random(SEED)
        self.sources = [Image.open(path).convert("RGB") for path in sorted(Path(samples).glob("*.jpg"))]
        self.sources.append(pictures.photo(613, 457))
        self.small = [self.one(rng, f"small-{index:02}", 150, 1100) for index in range(SMALL)]
        self.large = [self.one(rng, f"large-{index}", 4000, 4000) for index in range(LARGE)]

    def one(self, rng, name, least, most):
        source = rng.choice(self.sources)
        part = [rng.uniform(0.55, 1.0) for _ in range(2)]
        width, height = (int(side * part) for side, part in zip(source.size, part))
        left, top = rng.randint(0, source.width - width), rng.randint(0, source.height - height)
        crop = source.crop((left, top, left + width, top + height))
        long = rng.randint(least, most)
        # 12 megapixels, whatever the shape.
        size = [max(round(side * long / max(crop.size)), 40) for side in crop.size]
        if least == 4000:
            size = [round(side * (12e6 / (size[0] * size[1])) ** 0.5) for side in size]
        image = crop.resize(size, Image.Resampling.LANCZOS)
        if least != 4000 and rng.random() < 0.3:
            return self.write(f"{name}.png", pictures.encoded(image, "PNG"))
        options = {"quality": rng.choice([75, 85, 92]), "subsampling": rng.choice([0, 1, 2])}
        if rng.random() < 0.25:
            options["exif"] = pictures.exif(rng.choice([3, 6, 8]))
        return self.write(f"{name}.jpg", pictures.encoded(image, "JPEG", **options))

    def write(self, file, data):
        path = self.folder / file
        if not path.exists():
            path.write_bytes(data)
        return file, data

    def draw(self, rng, accepted=lambda data: True, jpeg=False):
        """One to three photos; once in a while one of 12 megapixels."""
        pool = [photo for photo in self.small if accepted(photo[1]) and (photo[0].endswith(".jpg") or not jpeg)]
        if rng.random() < 0.06:
            return [rng.choice([photo for photo in self.large if accepted(photo[1])])]
        return rng.sample(pool, rng.choice([1, 1, 2, 2, 3]))


class Recipes:
    """Drawn recipes, and what the libraries make by them."""

    def __init__(self, out, samples, chosen):
        self.out = out
        self.photos = Photos(out / "photos", samples)
        self.chosen = chosen
        self.list = []
        self.few = []

    def draw(self, families, first, count):
        """`count` recipes from `families`: functions of a random generator that give words, and a function from
        a file to an array with its layout."""
        for index in range(first, first + count):
            if self.chosen(index):
                rng = random.Random(SEED * 1000 + index)
                family = families[(index - first) % len(families)]
                self.add(f"case-{index:03}", rng, family(rng), **OPTIONS.get(family.__name__, {}))

    def add(self, name, rng, recipe, truth="exact", photos=None, **options):
        words, make, layout = recipe
        photos = photos or self.photos.draw(rng, **options)
        arrays = [np.ascontiguousarray(make(data)) for _, data in photos]
        if arrays[0].dtype == np.float32 and rng.random() < 0.15:
            words += ", as float16"
            arrays = [array.astype(np.float16) for array in arrays]
        folder = self.out / name
        folder.mkdir()
        files = saved(folder, rng, arrays)
        dtype = {"float16": "f16", "float32": "f32", "uint8": "u8"}[arrays[0].dtype.name]
        channels = arrays[0].shape[0 if layout == "NCHW" else 2]
        axes = ["N", channels, "H", "W"] if layout == "NCHW" else ["N", "H", "W", channels]
        models.identity(folder / "model.onnx", axes, dtype)
        preprocess = {"resize": "none"} | ({"channels": "grey"} if channels == 1 else {})
        (folder / "boxwright.toml").write_text(package(name, {"layout": layout, "dtype": dtype}, preprocess))
        if truth == "exact" and int(name[-3:]) % 12 == 0:
            self.few.append(checked(folder, words, photos, arrays))
        self.list.append({
            "name": name, "truth": truth, "call": words, "photos": [file for file, _ in photos], "tensors": files,
        })

    def write(self, libraries):
        (self.out / f"{libraries}.json").write_text(json.dumps(self.list, indent=1))
        # For `parity::check`, once the packages have the recipes that were found.
        (self.out / "cases.json").write_text(json.dumps(self.few, indent=1))


def checked(folder, words, photos, arrays):
    """A case of parity: what the package in `folder` gives once it has the right recipe."""
    (folder / "expected").mkdir()
    for (file, _), array in zip(photos, arrays):
        array.astype("<f4").tofile(folder / "expected" / f"{file}.f32")
    samples = [{"file": file, "expected": list(array.shape)} for (file, _), array in zip(photos, arrays)]
    largest = max(float(np.abs(array).max()) for array in arrays)
    # The last digits of numbers of this size.
    unit = {"float32": 1e-5, "float16": 1e-3, "uint8": 0}[arrays[0].dtype.name]
    return {"name": folder.name, "call": words, "photos": "photos", "tolerance": unit * largest, "samples": samples}


# How the photos of a family are chosen.
OPTIONS = {}


def saved(folder, rng, arrays):
    """Writes arrays as a notebook may, and names the files."""
    together = len({array.shape for array in arrays}) == 1 and rng.random() < 0.7
    if together:
        bare = len(arrays) == 1 and rng.random() < 0.5
        arrays = [arrays[0] if bare else np.stack(arrays)]
    files = []
    for index, array in enumerate(arrays):
        kind = rng.choice(["npy", "npy", "npy", "npz", "pt"])
        if kind == "pt" and "torch" not in sys.modules:
            kind = "npy"
        file = f"tensor-{index}.{kind}"
        if kind == "npy":
            np.save(folder / file, array)
        elif kind == "npz":
            np.savez(folder / file, pixel_values=array)
        else:
            torch = sys.modules["torch"]
            torch.save(torch.from_numpy(array), folder / file)
        files.append(file)
    return files


def opened(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def upright(data):
    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def reader(rng):
    """A way to read a file with Pillow."""
    return rng.choice([("", opened), ("exif_transpose, ", upright)])


def box(rng):
    """Width and height of a tensor."""
    if rng.random() < 0.25:
        return rng.randint(60, 300), rng.randint(60, 300)
    side = rng.choice([224, 224, 224, 256, 299, 160, 192, 128, 320, 384])
    return side, side


def shorter(rng):
    """A side to resize to, and the side of the crop."""
    crop = rng.choice([224, 224, 192, 160, 128, 299, 256])
    return rng.choice([crop * 8 // 7, crop, int(crop / 0.9), int(crop / 0.95), crop + 32, rng.randint(crop, crop * 3 // 2)]), crop


def numbers(rng):
    """What a notebook does to pixels in 0 to 255, red first, in NumPy."""
    name, (mean, std) = rng.choice(sorted(FAMILIES.items()))
    mean32, std32 = np.float32(mean), np.float32(std)
    ways = [
        ("as bytes", None),
        ("float32", lambda x: x.astype(np.float32)),
        ("float32 / 255", lambda x: x.astype(np.float32) / 255),
        ("float32 / 127.5 - 1", lambda x: x.astype(np.float32) / 127.5 - 1),
        ("(float32 - 127) / 128", lambda x: (x.astype(np.float32) - 127) / 128),
        (f"(x / 255 - mean) / std of {name} in float64", lambda x: ((x / 255.0 - mean) / std).astype(np.float32)),
        (f"(x / 255 - mean) / std of {name} in float32", lambda x: (x.astype(np.float32) / 255 - mean32) / std32),
    ]
    return rng.choice(ways)


def finished(rng, words, pixels):
    """A recipe of a function from a file to pixels: with numbers, an order of channels and a layout."""
    name, scaled = numbers(rng)
    bgr, layout = rng.random() < 0.2, rng.choice(["NCHW", "NCHW", "NHWC"])

    def make(data):
        x = np.asarray(pixels(data))
        if scaled:
            x = scaled(x)
        if bgr:
            x = x[..., ::-1]
        return x.transpose(2, 0, 1) if layout == "NCHW" else x

    return f"{words}, {name}{', blue first' if bgr else ''}, {layout}", make, layout
