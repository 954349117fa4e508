"""What the cases of all libraries are written with: pictures, packages, and what is expected of them."""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import models  # noqa: E402
import pictures  # noqa: E402

# Everything, which takes many minutes, in place of the selection that every run has.
ALL = os.environ.get("BOXWRIGHT_TEST_ALL") == "1"

IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
# A sum of products in 32 bits, in another order or on another scale, differs by this part of a level at most.
FLOATING_POINT = 1 / 1000


class Gallery:
    """Pictures as files."""

    def __init__(self, sample_photos):
        photo, noise, encoded = pictures.photo, pictures.noise, pictures.encoded
        # Odd sizes, up and down, wide and tall.
        self.sizes = {
            "photo-97x61.png": encoded(photo(97, 61), "PNG"),
            "photo-61x97.jpg": encoded(photo(61, 97), "JPEG", quality=90),
            "photo-333x100.jpg": encoded(photo(333, 100), "JPEG", quality=80),
            "photo-100x257.png": encoded(photo(100, 257), "PNG"),
            "noise-64x48.png": encoded(noise(64, 48), "PNG"),
            "noise-5x211.png": encoded(noise(5, 211), "PNG"),
            "noise-190x7.png": encoded(noise(190, 7), "PNG"),
            "noise-1x1.png": encoded(noise(1, 1), "PNG"),
        }
        # Those of a usual aspect ratio: what is cut out of narrow ones may be all black.
        self.usual = {name: data for name, data in self.sizes.items() if not name.startswith("noise")}
        self.usual["noise-64x48.png"] = self.sizes["noise-64x48.png"]
        self.usual["photo-256x341.jpg"] = encoded(photo(256, 341), "JPEG", quality=85)
        self.usual["photo-113x81.png"] = encoded(photo(113, 81, seed=4), "PNG")
        # Far larger than what they become.
        self.large = {
            "large-640x427.jpg": encoded(photo(640, 427), "JPEG", quality=88),
            "large-431x700.jpg": encoded(photo(431, 700), "JPEG", quality=88, subsampling=0),
            "large-noise-500x333.png": encoded(noise(500, 333), "PNG"),
        }
        # Every kind of file and pixel. Not those which Pillow itself clips.
        self.kinds = dict(pictures.all_pictures())
        self.turned = {name: data for name, data in self.kinds.items() if name.startswith("exif-")}
        paths = sorted(Path(sample_photos).glob("*.jpg"))[: None if ALL else 2]
        self.sample = {path.name: path.read_bytes() for path in paths}


class Cases:
    """Cases of one library, written into a folder."""

    def __init__(self, out, library):
        self.out = out
        self.library = library
        self.list = []

    def add(self, name, call, photos, expect, *, input, preprocess, tolerance=0.0):
        """`call`: the library's call, for people. `photos`: bytes by name. `expect`: what the library makes of
        them, in the layout of `input`; None for a picture that has to be refused."""
        name = f"{self.library}-{len(self.list):03}-{name.lower()}"
        folder = self.out / name
        (folder / "expected").mkdir(parents=True)
        input = {"layout": "NHWC", "dtype": "u8", **input}
        channels = 1 if preprocess.get("channels") == "grey" else 3
        axes = {"NHWC": ["N", "H", "W", channels], "NCHW": ["N", channels, "H", "W"]}[input["layout"]]
        models.identity(folder / "model.onnx", axes, input["dtype"])
        (folder / "boxwright.toml").write_text(package(name, input, preprocess))
        samples = [self.sample(folder, *photo, expect) for photo in photos.items()]
        self.list.append({"name": name, "call": call, "photos": "photos", "tolerance": tolerance, "samples": samples})

    def sample(self, folder, file, data, expect):
        path = self.out / "photos" / file
        path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.write_bytes(data)
        assert path.read_bytes() == data, f"two pictures are called {file}"
        expected = expect(data)
        if expected is None:
            return {"file": file, "expected": None}
        expected = np.ascontiguousarray(expected, "<f4")
        expected.tofile(folder / "expected" / f"{file}.f32")
        return {"file": file, "expected": list(expected.shape)}

    def bytes(self, name, call, photos, expect, *, size=None, preprocess, **more):
        """A case whose tensor holds bytes, row by row."""
        input = {"width": size[0], "height": size[1]} if size else {}
        self.add(name, call, photos, expect, input=input, preprocess=preprocess, **more)

    def floats(self, name, call, photos, expect, *, size=None, layout="NCHW", preprocess, **more):
        """A case whose tensor holds 32-bit floats."""
        input = {"width": size[0], "height": size[1]} if size else {}
        input = {"layout": layout, "dtype": "f32", **input}
        self.add(name, call, photos, expect, input=input, preprocess=preprocess, **more)


def package(name, input, preprocess):
    def table(values):
        return "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items() if value is not None)

    input = {"name": "pixels", "kind": "image", **input}
    return (
        f'format = 2\n\n[package]\nname = "{name}"\nversion = "1"\n\n'
        '[model]\nfiles = [{ path = "model.onnx" }]\n\n'
        f"[[input]]\n{table(input)}\n[preprocess]\n{table(preprocess)}\n"
        '[postprocess]\ntask = "raw"\n\n[batch]\nmax_size = 8\n'
    )


def opened(data):
    """Pillow's image, as it is stored."""
    from PIL import Image

    return Image.open(io.BytesIO(data)).convert("RGB")


def upright(data):
    """Pillow's image, turned by its EXIF orientation."""
    from PIL import Image, ImageOps

    return ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")


def levels(values):
    """Mean or standard deviation for pixels in 0 to 1, as a package has them: for 0 to 255."""
    scaled = [value * 255 for value in values]
    assert all(np.float32(s / 255) == np.float32(v) for s, v in zip(scaled, values))
    return scaled


IMAGENET = {"mean": levels(IMAGENET_MEAN), "std": levels(IMAGENET_STD)}
