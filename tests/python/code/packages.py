"""Packages whose pipelines are printed as Python: every decoder, resize, filter, rounding, crop, order of channels,
arithmetic, layout and type of numbers, at least once.

Usage: packages.py OUT vision|tensorflow
"""

import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "parity")]
import models  # noqa: E402
import pictures  # noqa: E402
from cases import FLOATING_POINT, IMAGENET, package  # noqa: E402

PHOTOS = ["grey.jpg", "odd.png", "exif-6.jpg", "rgba.png", "cmyk.jpg", "large.jpg"]
# What `opencv-unchanged` doesn't refuse.
THREE_CHANNELS = ["odd.png", "exif-6.jpg", "large.jpg"]
# The smallest difference of 32-bit floats in 0 to 255 that sums in another order make, in levels.
EXACT, SUMS = 0.0, FLOATING_POINT


def photos(out):
    kinds = dict(pictures.all_pictures())
    made = {
        "odd.png": pictures.encoded(pictures.photo(113, 81, seed=4), "PNG"),
        "large.jpg": pictures.encoded(pictures.photo(431, 287), "JPEG", quality=88),
    }
    (out / "photos").mkdir(parents=True)
    for name in PHOTOS:
        (out / "photos" / name).write_bytes(made.get(name) or kinds[name])


class Packages:
    def __init__(self, out):
        self.out = out
        self.list = []

    def add(self, name, preprocess, size=None, *, layout="NCHW", dtype="f32", stride=None, rounding=None,
            tolerance=EXACT, photos=PHOTOS):
        name = f"{len(self.list):03}-{name}"
        channels = 1 if preprocess.get("channels") == "grey" else 3
        axes = {"NHWC": ["N", "H", "W", channels], "NCHW": ["N", channels, "H", "W"]}[layout]
        input = {"layout": layout, "dtype": dtype, "stride": stride, "stride_rounding": rounding}
        if size:
            input |= {"width": size[0], "height": size[1]}
        folder = self.out / name
        (folder / "expected").mkdir(parents=True)
        models.identity(folder / "model.onnx", axes, dtype)
        (folder / "boxwright.toml").write_text(package(f"case-{name}", input, preprocess))
        samples = [{"file": photo, "expected": None} for photo in photos]
        self.list.append({"name": name, "call": "boxwright python", "photos": "photos", "tolerance": tolerance, "samples": samples})


def torchvision(add):
    recipe = {"arithmetic": "torchvision", **IMAGENET}
    cropped = {"resize": "short-side", "size": 64, "crop": "center", **recipe}
    add("imagenet", cropped, (56, 56))
    for filter in ("nearest", "box", "hamming", "bicubic", "lanczos"):
        add(f"imagenet-{filter}", {**cropped, "filter": filter, "exif": False}, (57, 40))
    add("crop-larger-than-photo", {**cropped, "size": 31}, (57, 40))
    grey = {"channels": "grey", "mean": [127.5], "std": [127.5]}
    add("grey-before", {**cropped, **grey}, (56, 56))
    add("grey-after", {**cropped, **grey, "grey": "after"}, (56, 56))
    add("square-then-crop", {**cropped, "resize": "stretch", "size": 73}, (56, 56))
    add("to-tensor", {"resize": "stretch", "arithmetic": "torchvision", "std": [255.0]}, (48, 31))
    add("max-size", {**recipe, "resize": "short-side", "size": 50, "max_size": 66, "filter": "bicubic"})
    add("own-size", {**recipe, "resize": "none"})
    add("round-trip", {**cropped, "jpeg_quality": 60}, (56, 56))
    add("draft", {**cropped, "draft": True}, (56, 56))
    for filter in ("nearest", "nearest-exact", "bilinear", "bicubic"):
        tensors = {**recipe, "resize": "stretch", "filter": f"torchvision-{filter}"}
        add(f"tensors-{filter}", tensors, (48, 31))
        add(f"tensors-rounded-{filter}", {**tensors, "resize_in": "rounded"}, (48, 31))
        exact = EXACT if filter.startswith("nearest") else SUMS / 58
        add(f"tensors-floats-{filter}", {**tensors, "resize_in": "f32"}, (48, 31), tolerance=exact)
    tensors = {**cropped, "filter": "torchvision-bilinear"}
    add("tensors-not-antialiased", {**tensors, "antialias": False}, (56, 56))
    add("tensors-unit", {**tensors, "resize_in": "unit"}, (56, 56), tolerance=SUMS / 58)
    add("tensors-grey", {**tensors, **grey, "grey": "after"}, (56, 56), tolerance=SUMS / 58)
    add("tensors-bgr", {**tensors, "channels": "bgr", "crop": "center-floor"}, (51, 44), layout="NHWC")
    add("tensors-max-size", {**tensors, "crop": "none", "size": 50, "max_size": 66})
    add("tensors-opencv", {**tensors, "decode": "opencv", "channels": "bgr"}, (56, 56))


def pillow(add):
    add("lite", {"resize": "short-side", "size": 64, "filter": "bicubic", "crop": "center", "mean": [127.0], "std": [128.0]}, (57, 57))
    add("tf", {"resize": "stretch", "mean": [127.5], "std": [127.5], "arithmetic": "keras"}, (48, 31), layout="NHWC")
    add("unit", {"resize": "stretch", "std": [255.0]}, (48, 31), layout="NHWC")
    add("raw-u8", {"resize": "stretch"}, (48, 31), layout="NHWC", dtype="u8")
    add("halves", {"resize": "stretch", **IMAGENET}, (48, 31), dtype="f16")
    add("u8-normalised", {"resize": "stretch", "mean": [-3.5, 0.0, 20.0], "std": [1.3, 1.0, 0.5], "channels": "bgr"}, (48, 31), dtype="u8")
    add("caffe", {"resize": "stretch", "filter": "nearest", "channels": "bgr", "mean": [103.939, 116.779, 123.68]}, (48, 31))
    add("float64", {"resize": "stretch", "filter": "lanczos", "scale": "photo-maximum", "arithmetic": "float64", **IMAGENET}, (48, 48))
    for arithmetic in ("fused", "torchvision", "keras", "reciprocal"):
        recipe = {"scale": "photo-maximum", "arithmetic": arithmetic, **IMAGENET}
        add(f"photo-maximum-{arithmetic}", {"resize": "stretch", **recipe}, (40, 33), layout="NHWC")
    add("float64-plain", {"resize": "stretch", "arithmetic": "float64", **IMAGENET}, (48, 31))
    add("thumbnail", {"resize": "thumbnail", "filter": "bicubic", "mean": [127.5], "std": [127.5]}, (64, 64))
    drafted = {"resize": "thumbnail", "filter": "bicubic", "draft": True}
    # Pillow shrinks a CMYK picture before it becomes RGB, and a turned one before it is turned.
    like = ["grey.jpg", "odd.png", "rgba.png", "large.jpg"]
    add("thumbnail-draft", drafted, (64, 64), photos=like)
    add("thumbnail-draft-stored", {**drafted, "exif": False}, (64, 41), photos=[*like, "exif-6.jpg"])
    add("thumbnail-cropped", {"resize": "thumbnail", "filter": "lanczos", "crop": "center-floor"}, (64, 64))
    add("pad", {"resize": "letterbox", "filter": "bicubic", "align": "center-round", "pad": [10, 20, 30]}, (64, 51))
    for rounding in ("floor", "half-up", "ceil"):
        recipe = {"resize": "letterbox", "long_side": rounding, "pad": [114, 114, 114]}
        add(f"letterbox-{rounding}", recipe, (64, 51), layout="NHWC", dtype="u8")
    add("letterbox-grey", {"resize": "letterbox", "channels": "grey", "pad": [7, 7, 7]}, (64, 51))
    for rounding in ("floor", "round", "half-up", "ceil", "detr"):
        recipe = {"resize": "short-side", "size": 50, "long_side": rounding, "channels": "bgr"}
        add(f"short-{rounding}", {**recipe, "max_size": 66})
        if rounding != "detr":
            add(f"short-crop-{rounding}", {**recipe, "crop": "center-floor"}, (44, 49))
        add(f"long-{rounding}", {"resize": "long-side", "size": 53, "long_side": rounding if rounding != "detr" else "floor", "crop": "center"}, (49, 47))
    for rounding in ("up", "nearest", "down"):
        add(f"stride-{rounding}", {"resize": "long-side", "size": 77}, stride=32, rounding=rounding, layout="NHWC", dtype="u8")
    add("stride-own-size", {"resize": "stretch", "grey": "after", "channels": "grey"}, stride=32)
    add("central-crop", {"central_crop": 0.7, "resize": "stretch", "filter": "box"}, (40, 31))


def opencv(add):
    from opencv_wheel import cubic_tolerance

    linear = {"decode": "opencv", "filter": "opencv-linear"}
    for filter in ("nearest", "nearest-exact", "linear", "linear-exact", "cubic", "area", "lanczos4"):
        recipe = {"decode": "opencv", "filter": f"opencv-{filter}", "resize": "stretch", "channels": "bgr"}
        levels = cubic_tolerance() if filter == "cubic" else EXACT
        add(f"opencv-{filter}", recipe, (48, 31), layout="NHWC", dtype="u8", tolerance=levels)
        if filter != "linear-exact":
            add(f"opencv-floats-{filter}", {**recipe, "resize_in": "f32"}, (48, 31), tolerance=SUMS)
    add("opencv-unit", {**linear, "resize": "stretch", "resize_in": "unit", "arithmetic": "torchvision", **IMAGENET}, (48, 31), tolerance=SUMS / 58)
    add("ultralytics", {**linear, "resize": "letterbox", "pad": [114, 114, 114], "std": [255.0]}, (96, 96))
    add("ultralytics-stride", {**linear, "resize": "letterbox", "pad": [1, 2, 3], "std": [255.0]}, (128, 128), stride=32)
    add("yolox", {**linear, "resize": "letterbox", "long_side": "floor", "align": "top-left", "pad": [1, 2, 3], "channels": "bgr"}, (96, 96))
    add("mmdetection", {**linear, "resize": "short-side", "size": 50, "max_size": 83, "long_side": "half-up", "channels": "bgr"})
    add("paddle", {**linear, "resize": "letterbox", "long_side": "ceil", "align": "top-left", "pad_normalised": -0.25, "channels": "bgr",
                   "arithmetic": "torchvision", "mean": [127.5], "std": [127.5]}, (96, 48))
    add("albumentations", {**linear, "resize": "short-side", "size": 57, "long_side": "round", "crop": "center-floor",
                           "arithmetic": "reciprocal", **IMAGENET}, (48, 41))
    add("reciprocal-one", {**linear, "resize": "stretch", "arithmetic": "reciprocal", "mean": [127.5], "std": [127.5]}, (48, 41))
    add("stored", {**linear, "exif": False, "resize": "none", "crop": "center"}, (101, 64))
    grey = {"channels": "grey", "resize": "stretch"}
    add("opencv-grey", {**linear, **grey, "decode": "opencv-grey"}, (48, 31), layout="NHWC")
    add("opencv-grey-three", {**linear, "decode": "opencv-grey", "exif": False, "resize": "stretch"}, (48, 31))
    add("opencv-before", {**linear, **grey}, (48, 31))
    add("opencv-after", {**linear, **grey, "grey": "after"}, (48, 31))
    add("opencv-round-trip", {**linear, "resize": "stretch", "jpeg_quality": 80}, (48, 31))
    add("opencv-pillow", {**linear, "filter": "bilinear", "resize": "letterbox", "pad": [1, 2, 3], "channels": "bgr"}, (48, 31))
    add("pillow-opencv", {"filter": "opencv-area", "resize": "letterbox", "pad": [1, 2, 3], "channels": "bgr"}, (48, 31))
    chassis = {"decode": "opencv-unchanged", "exif": False, "resize": "stretch", "filter": "opencv-linear", "channels": "bgr"}
    add("chassis", {**chassis, "arithmetic": "torchvision", **IMAGENET}, (224, 224), photos=THREE_CHANNELS)


def tensorflow(add):
    for filter in ("nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5"):
        recipe = {"decode": "tensorflow", "exif": False, "resize": "stretch", "filter": f"tensorflow-{filter}"}
        exact = EXACT if filter == "nearest" else SUMS
        add(f"tf-{filter}", recipe, (48, 31), layout="NHWC", tolerance=exact)
        if filter not in ("nearest", "area"):
            add(f"tf-antialiased-{filter}", {**recipe, "antialias": True}, (48, 31), layout="NHWC", tolerance=SUMS)
    bilinear = {"decode": "tensorflow", "exif": False, "filter": "tensorflow-bilinear"}
    keras = {"arithmetic": "keras", "mean": [127.5], "std": [127.5]}
    add("tf-central-crop", {**bilinear, **keras, "central_crop": 0.875, "resize": "stretch"}, (48, 31), layout="NHWC", tolerance=SUMS / 127)
    padded = {**bilinear, "resize": "letterbox", "long_side": "floor", "align": "tensorflow"}
    add("tf-with-pad", {**padded, "pad": [0, 0, 0]}, (64, 64), layout="NHWC", tolerance=SUMS)
    add("tf-with-pad-and-crop", {**padded, "pad": [0, 0, 0], "central_crop": 0.7}, (96, 50), layout="NHWC", tolerance=SUMS)
    add("tf-with-colour", {**padded, "pad": [1, 2, 3]}, (224, 224), layout="NHWC", tolerance=SUMS)
    add("tf-grey-before", {**bilinear, "resize": "stretch", "channels": "grey"}, (48, 31), layout="NHWC", tolerance=SUMS)
    add("tf-grey-after", {**bilinear, "resize": "stretch", "channels": "grey", "grey": "after"}, (48, 31), layout="NHWC", tolerance=SUMS)
    add("tf-round-trip", {**bilinear, "resize": "none", "jpeg_quality": 70}, layout="NHWC", dtype="u8")
    add("tf-pillow", {"filter": "tensorflow-bicubic", "resize": "stretch", "channels": "bgr"}, (48, 31), tolerance=SUMS)
    add("tf-short-crop", {**bilinear, "resize": "short-side", "size": 50, "crop": "center-floor"}, (44, 49), layout="NHWC", tolerance=SUMS)
    add("load-img", {"exif": False, "resize": "stretch", "filter": "nearest"}, (48, 40), layout="NHWC")
    add("tf-to-pillow", {**bilinear, "filter": "lanczos", "resize": "stretch", "channels": "bgr"}, (48, 40), layout="NHWC", dtype="u8")


def main():
    out, environment = Path(sys.argv[1]), sys.argv[2]
    packages = Packages(out)
    photos(out)
    for write in {"vision": [torchvision, pillow, opencv], "tensorflow": [tensorflow]}[environment]:
        write(packages.add)
    (out / "cases.json").write_text(json.dumps(packages.list))


if __name__ == "__main__":
    main()
