"""Pillow: every filter, thumbnails, draft mode, EXIF orientation, grey, and a round trip through JPEG."""

import io

import numpy as np
from PIL import Image

from cases import ALL, opened, upright

FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "box": Image.Resampling.BOX,
    "bilinear": Image.Resampling.BILINEAR,
    "hamming": Image.Resampling.HAMMING,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
SIZES = [(48, 31), (97, 20), (150, 90)] + ([(33, 61), (7, 5), (1, 1), (194, 122), (32, 24), (224, 224)] if ALL else [])
# Pillow clips grey pixels of more than 8 bits and truncates where it spreads 5 bits over 8; both are known.
UNLIKE = {"565.bmp"}


def write(cases, gallery):
    decoding(cases, gallery)
    filters(cases, gallery)
    thumbnails(cases, gallery)
    drafts(cases, gallery)
    greys(cases, gallery)
    round_trips(cases, gallery)


def decoding(cases, gallery):
    kinds = {name: data for name, data in gallery.kinds.items() if name not in UNLIKE}
    for exif, read, call in (
        (True, upright, 'ImageOps.exif_transpose(Image.open(file)).convert("RGB")'),
        (False, opened, 'Image.open(file).convert("RGB")'),
    ):
        cases.bytes(
            f"exif-{'on' if exif else 'off'}", call, {**kinds, **gallery.sample}, lambda data: np.asarray(read(data)),
            preprocess={"exif": exif},
        )


def filters(cases, gallery):
    for name, filter in FILTERS.items():
        for size in SIZES:
            cases.bytes(
                f"resize-{name}-{size[0]}x{size[1]}", f"image.resize({size}, Image.Resampling.{filter.name})",
                gallery.sizes, lambda data: np.asarray(opened(data).resize(size, filter)), size=size,
                preprocess={"resize": "stretch", "filter": name},
            )
    cases.bytes(
        "resize-turned", "ImageOps.exif_transpose(image).resize((31, 48))", gallery.turned,
        lambda data: np.asarray(upright(data).resize((31, 48))), size=(31, 48),
        preprocess={"resize": "stretch", "filter": "bicubic"},
    )


def thumbnails(cases, gallery):
    def loaded(size, filter):
        def expect(data):
            image = opened(data)
            image.thumbnail(size, filter)
            return np.asarray(image)

        return expect

    def drafted(size):
        def expect(data):
            image = Image.open(io.BytesIO(data))
            image.thumbnail(size)
            return np.asarray(image.convert("RGB"))

        return expect

    photos = {**gallery.sizes, **gallery.large}
    for name in ("bicubic", "lanczos", "nearest"):
        for size in ((64, 64), (90, 41)):
            cases.bytes(
                f"thumbnail-{name}-{size[0]}x{size[1]}", f"image.thumbnail({size}, Image.Resampling.{name.upper()})",
                photos, loaded(size, FILTERS[name]), size=size, preprocess={"resize": "thumbnail", "filter": name},
            )
    alphas = ("rgba.png", "rgba-16bit.png", "grey-alpha.png", "interlaced-alpha.png", "lossless-alpha.webp")
    photos |= {name: gallery.kinds[name] for name in alphas}
    cases.bytes(
        "thumbnail-draft", "Image.open(file).thumbnail((64, 64)), before the file is read", photos, drafted((64, 64)),
        size=(64, 64), preprocess={"resize": "thumbnail", "filter": "bicubic", "draft": True, "exif": False},
    )


def drafts(cases, gallery):
    def expect(size):
        def drafted(data):
            image = Image.open(io.BytesIO(data))
            image.draft("RGB", size)
            return np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR))

        return drafted

    photos = {**gallery.large, **gallery.usual}
    for size in ((48, 31), (100, 60), (300, 200)):
        cases.bytes(
            f"draft-{size[0]}x{size[1]}", f'image.draft("RGB", {size}); image.resize({size}, BILINEAR)', photos,
            expect(size), size=size,
            preprocess={"resize": "stretch", "filter": "bilinear", "draft": True, "exif": False},
        )


def greys(cases, gallery):
    def expect(data):
        return np.asarray(Image.open(io.BytesIO(data)).convert("L").resize((48, 31)))[..., None]

    def from_rgb(data):
        return np.asarray(opened(data).resize((48, 31)).convert("L"))[..., None]

    # Pillow makes CMYK and palettes with alpha grey by other ways than through RGB.
    photos = {**gallery.usual, "grey.jpg": gallery.kinds["grey.jpg"], "grey.png": gallery.kinds["grey.png"]}
    recipe = {"resize": "stretch", "filter": "bicubic", "channels": "grey"}
    cases.bytes(
        "grey-before", 'Image.open(file).convert("L").resize((48, 31))', photos, expect, size=(48, 31),
        preprocess={**recipe, "exif": False},
    )
    cases.bytes(
        "grey-after", 'Image.open(file).resize((48, 31)).convert("L")', photos, from_rgb, size=(48, 31),
        preprocess={**recipe, "grey": "after", "exif": False},
    )


def round_trips(cases, gallery):
    def expect(quality):
        def again(data):
            file = io.BytesIO()
            opened(data).save(file, "JPEG", quality=quality)
            return np.asarray(Image.open(file).resize((48, 31), Image.Resampling.BILINEAR))

        return again

    for quality in (75, 95, 30):
        cases.bytes(
            f"jpeg-{quality}", f'image.save(file, "JPEG", quality={quality}); Image.open(file).resize((48, 31))',
            gallery.usual, expect(quality), size=(48, 31),
            preprocess={"resize": "stretch", "filter": "bilinear", "jpeg_quality": quality, "exif": False},
        )
