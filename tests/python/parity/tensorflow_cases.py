"""TensorFlow and Keras: every way to resize, crops, padding, and the three kinds of normalising."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import io  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from cases import ALL, FLOATING_POINT, opened  # noqa: E402

METHODS = ["nearest", "bilinear", "bicubic", "area", "lanczos3", "lanczos5"]
ANTIALIASED = ["bilinear", "bicubic", "lanczos3", "lanczos5"]
SIZES = [(48, 31), (97, 20), (150, 90)] + ([(33, 61), (7, 5), (1, 1), (194, 122), (32, 24), (224, 224)] if ALL else [])
STORED = {"exif": False}
BILINEAR = {**STORED, "resize": "stretch", "filter": "tensorflow-bilinear"}


def write(cases, gallery):
    decoding(cases, gallery)
    methods(cases, gallery)
    cropping(cases, gallery)
    preprocess_input(cases, gallery)
    with_pad(cases, gallery)
    loaded(cases, gallery)
    layers(cases, gallery)


def pixels(data):
    return np.asarray(opened(data))


def decoding(cases, gallery):
    """`image_dataset_from_directory` reads so too. Of BMP, TensorFlow knows the plainest kinds alone."""
    kinds = {**gallery.kinds, **gallery.usual, **gallery.sample}
    photos = {name: data for name, data in kinds.items() if name.endswith((".jpg", ".png")) or name == "rgb.bmp"}
    cases.bytes(
        "decode-image", "tf.io.decode_image(file, channels=3)", photos,
        lambda data: tf.io.decode_image(data, channels=3, expand_animations=False).numpy(),
        preprocess={**STORED, "decode": "tensorflow", "resize": "none"},
    )
    cases.floats(
        "dataset", "tf.image.resize(tf.io.decode_image(file, channels=3), (40, 48))", gallery.usual,
        lambda data: tf.image.resize(tf.io.decode_image(data, channels=3), (40, 48)).numpy(), size=(48, 40), layout="NHWC",
        tolerance=FLOATING_POINT, preprocess={**BILINEAR, "decode": "tensorflow"},
    )


def methods(cases, gallery):
    kinds = [(method, {}) for method in METHODS] + [(method, {"antialias": True}) for method in ANTIALIASED]
    for method, options in kinds:
        for size in SIZES:
            cases.floats(
                f"{method}{'-antialiased' if options else ''}-{size[0]}x{size[1]}",
                f"tf.image.resize(image, {size[::-1]}, {method}, {options})", gallery.sizes,
                lambda data: tf.image.resize(pixels(data), size[::-1], method, **options).numpy(), size=size,
                layout="NHWC", tolerance=FLOATING_POINT,
                preprocess={**STORED, "resize": "stretch", "filter": f"tensorflow-{method}", **options},
            )


def cropping(cases, gallery):
    for part in (0.875, 0.5, 0.7):
        cases.floats(
            f"central-crop-{part}", f"tf.image.resize(tf.image.central_crop(image, {part}), (40, 48))", gallery.usual,
            lambda data: tf.image.resize(tf.image.central_crop(pixels(data), part), (40, 48)).numpy(), size=(48, 40),
            layout="NHWC", tolerance=FLOATING_POINT, preprocess={**BILINEAR, "central_crop": part},
        )


def preprocess_input(cases, gallery):
    modes = {
        "tf": {"arithmetic": "keras", "mean": [127.5], "std": [127.5]},
        "caffe": {"channels": "bgr", "mean": [103.939, 116.779, 123.68]},
        "torch": {
            "arithmetic": "torchvision", "mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375],
        },
    }
    for mode, recipe in modes.items():
        # Of whole numbers, as from `load_img`: then nothing but the arithmetic is compared.
        for size, base, resized in (
            ((48, 40), {**STORED, "resize": "stretch", "filter": "nearest"}, lambda data: np.asarray(opened(data).resize((48, 40), 0))),
            ((48, 31), BILINEAR, lambda data: tf.image.resize(pixels(data), (31, 48)).numpy()),
        ):
            whole = base is not BILINEAR
            cases.floats(
                f"preprocess-input-{mode}-{'bytes' if whole else 'floats'}", f'preprocess_input(image, mode="{mode}")',
                gallery.usual,
                lambda data: keras.src.applications.imagenet_utils.preprocess_input(resized(data).astype(np.float32), mode=mode),
                size=size, layout="NHWC", preprocess={**base, **recipe}, tolerance=0.0 if whole else FLOATING_POINT,
            )


def with_pad(cases, gallery):
    for size in ((64, 64), (96, 50)):
        cases.floats(
            f"resize-with-pad-{size[0]}x{size[1]}", f"tf.image.resize_with_pad(image, {size[1]}, {size[0]})", gallery.usual,
            lambda data: tf.image.resize_with_pad(pixels(data), size[1], size[0]).numpy(), size=size, layout="NHWC",
            tolerance=FLOATING_POINT,
            preprocess={
                **STORED, "resize": "letterbox", "filter": "tensorflow-bilinear", "long_side": "floor", "pad": [0, 0, 0],
                "align": "tensorflow",
            },
        )


def loaded(cases, gallery):
    """`load_img` resizes with Pillow, by default to the nearest pixel."""
    for filter in ("nearest", "bilinear", "bicubic", "lanczos"):
        cases.floats(
            f"load-img-{filter}", f'keras.utils.load_img(file, target_size=(40, 48), interpolation="{filter}")',
            {**gallery.usual, **gallery.turned},
            lambda data: keras.utils.img_to_array(
                keras.utils.load_img(io.BytesIO(data), target_size=(40, 48), interpolation=filter)
            ),
            size=(48, 40), layout="NHWC", preprocess={**STORED, "resize": "stretch", "filter": filter},
        )


def layers(cases, gallery):
    resizing = keras.layers.Resizing(40, 48)
    cases.floats(
        "resizing-layer", "keras.layers.Resizing(40, 48)", gallery.usual,
        lambda data: np.asarray(resizing(pixels(data).astype(np.float32))), size=(48, 40), layout="NHWC",
        tolerance=FLOATING_POINT, preprocess=BILINEAR,
    )
    crop = keras.layers.CenterCrop(40, 45)
    names = ("photo-97x61.png", "noise-64x48.png", "photo-113x81.png")
    cases.floats(
        "center-crop-layer", "keras.layers.CenterCrop(40, 45)", {name: gallery.usual[name] for name in names},
        lambda data: np.asarray(crop(pixels(data).astype(np.float32))), size=(45, 40), layout="NHWC",
        preprocess={**STORED, "resize": "none", "crop": "center-floor"},
    )
