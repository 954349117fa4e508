"""What Pillow, OpenCV and TensorFlow make of pictures: `crates/predict/src/stage/decode/decode_truths.zip`.

    python truths.py decode_truths.zip          # the small set that is committed
    python truths.py --large /tmp/truths.zip    # more sizes, qualities and pictures
    python truths.py --tensorflow decode_truths.zip    # adds what TensorFlow makes of its files

with pillow==13.0.0 and opencv-python-headless==5.0.0.93, and with tensorflow==2.21.0. One line of `truths.txt` is the name of
a file, how it was decoded, and width, height and hash of its RGB; `refused` is what the library
refuses or doesn't give as three channels of 8 bits.
"""

import io
import itertools
import os
import sys
import warnings
import zipfile

os.environ["OPENCV_LOG_LEVEL"] = "SILENT"
warnings.simplefilter("ignore")

try:
    import cv2
except ImportError:
    # Where TensorFlow is.
    cv2 = None
import numpy as np
from PIL import Image, ImageOps

import more_pictures
import pictures

QUALITIES = (1, 10, 50, 75, 95, 100)


# Where Boxwright refuses what a library shows, or shows it better: said in docs of `Decoding`.
NOT_HELD = {
    "animated-default.png": "OpenCV shows the second picture",
    "no-table.gif": "without any colours",
    "float.tif": "floats",
    "group3.tif": "Group 3",
    "rle8-gaps.bmp": "OpenCV fills gaps with the first colour",
    "rle8-short.bmp": "OpenCV fills gaps with the first colour",
    "rgb16-planar.tif pillow": "Pillow takes 16 bits for 8",
    "rgba16-planar.tif pillow": "Pillow takes 16 bits for 8",
    "cmyk16-planar.tif pillow": "Pillow takes 16 bits for 8",
}


def held(name, mode, rgb):
    """What Pillow alone refuses is not held either: Boxwright may read more."""
    if mode.startswith("pillow"):
        return rgb is not None and f"{name} pillow" not in NOT_HELD and name not in NOT_HELD
    return name not in NOT_HELD


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return value


def said(rgb):
    if rgb is None:
        return "refused"
    height, width = rgb.shape[:2]
    return f"{width}x{height}:{fnv(np.ascontiguousarray(rgb).tobytes()):016x}"


def pillow(data, upright, draft=None):
    try:
        image = Image.open(io.BytesIO(data))
        if draft:
            image.draft("RGB", draft)
        if upright:
            image = ImageOps.exif_transpose(image)
        return np.asarray(image.convert("RGB"))
    except Exception:
        return None


def opencv(data, flags):
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    if image is None or image.dtype != np.uint8:
        return None
    if flags != cv2.IMREAD_UNCHANGED and image.ndim == 2:
        return np.repeat(image[..., None], 3, -1)
    if image.ndim != 3 or image.shape[2] != 3:
        return None
    return image[..., ::-1]


def round_trips(data, quality):
    """Pillow's and OpenCV's, which are the same."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    by_pillow = pillow(pictures.encoded(image, "JPEG", quality=quality), False)
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    file = cv2.imencode(".jpg", np.asarray(image)[..., ::-1], options)[1].tobytes()
    by_opencv = opencv(file, cv2.IMREAD_COLOR)
    assert np.array_equal(by_pillow, by_opencv), quality
    return by_pillow


def modes(name, data):
    stored = cv2.IMREAD_IGNORE_ORIENTATION
    yield "pillow", pillow(data, True)
    yield "pillow-stored", pillow(data, False)
    yield "colour", opencv(data, cv2.IMREAD_COLOR)
    yield "colour-stored", opencv(data, cv2.IMREAD_COLOR | stored)
    yield "grey", opencv(data, cv2.IMREAD_GRAYSCALE)
    yield "grey-stored", opencv(data, cv2.IMREAD_GRAYSCALE | stored)
    yield "unchanged", opencv(data, cv2.IMREAD_UNCHANGED)
    if name.endswith(".jpg"):
        width, height = Image.open(io.BytesIO(data)).size
        for part in (1, 2, 3, 4, 8, 20):
            size = (-(-width // part), -(-height // part))
            yield f"draft:{size[0]}x{size[1]}", pillow(data, False, size)
        yield f"draft:{width}x1", pillow(data, False, (width, 1))


def large():
    """What is too much to be committed."""
    yield from pictures.all_pictures()
    for name, data, _ in pictures.wide_greys():
        yield name, data
    for number in range(40):
        width, height = 1 + number * 37 % 211, 1 + number * 53 % 173
        for kind, image in (("photo", pictures.photo(width, height)), ("noise", pictures.noise(width, height))):
            start = f"{kind}-{width}x{height}"
            for subsampling, progressive in itertools.product((0, 1, 2), (False, True)):
                options = {"quality": 30 + number, "subsampling": subsampling, "progressive": progressive}
                yield f"{start}-{subsampling}-{progressive}.jpg", pictures.encoded(image, "JPEG", **options)
            tag = 1 + number % 8
            yield f"{start}.png", pictures.encoded(image, "PNG", exif=pictures.exif(tag))
            yield f"{start}.webp", pictures.encoded(image, "WEBP", exif=pictures.exif(tag), quality=40 + number)
            yield f"{start}.tif", pictures.encoded(image, "TIFF", tiffinfo={pictures.ORIENTATION: tag})
            yield f"{start}.bmp", pictures.encoded(image, "BMP")
            yield f"{start}.gif", pictures.encoded(image, "GIF")


def main(path, sets):
    lines = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:

        def add(name, data):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data, compresslevel=9)

        seen = set()
        for name, data in itertools.chain(*sets):
            if name in seen:
                continue
            seen.add(name)
            add(name, data)
            lines += [f"{name} {mode} {said(rgb)}" for mode, rgb in modes(name, data) if held(name, mode, rgb)]
            if name in ("rgb.png", "trip.png") or name.startswith(("photo-", "noise-")) and name.endswith(".png"):
                lines += [f"{name} trip:{q} {said(round_trips(data, q))}" for q in QUALITIES]
        add("truths.txt", "\n".join(lines) + "\n")
    print(f"{path}: {len(lines)} truths of {len(seen)} files")


def add_tensorflow(path):
    import tensorflow

    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    lines = files.pop("truths.txt").decode().splitlines()
    lines = [line for line in lines if line.split()[1] != "tensorflow"]
    for name, data in files.items():
        try:
            rgb = tensorflow.io.decode_image(data, channels=3, expand_animations=False).numpy()
        except tensorflow.errors.InvalidArgumentError:
            rgb = None
        lines.append(f"{name} tensorflow {said(rgb)}")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in (files | {"truths.txt": "\n".join(lines) + "\n"}).items():
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED, 9)
    print(f"{path}: {len(lines)} truths of {len(files)} files")


if __name__ == "__main__":
    small = [more_pictures.all_pictures(), [("trip.png", pictures.encoded(pictures.photo(35, 27), "PNG"))]]
    if sys.argv[1] == "--large":
        main(sys.argv[2], small + [large()])
    elif sys.argv[1] == "--tensorflow":
        add_tensorflow(sys.argv[2])
    else:
        main(sys.argv[1], small)
