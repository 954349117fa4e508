"""Recipes of TensorFlow and Keras."""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import io  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

from drawn import OPTIONS, box, opened  # noqa: E402


def inputs(rng):
    """One of Keras' ways to scale."""
    mode = rng.choice(["tf", "caffe", "torch"])
    scaled = keras.src.applications.imagenet_utils.preprocess_input
    return f"preprocess_input({mode})", lambda x: np.asarray(scaled(np.asarray(x, np.float32).copy(), mode=mode))


def resized(rng):
    size, method = box(rng), rng.choice(["bilinear", "bilinear", "bicubic", "area", "lanczos3", "nearest"])
    antialias = method in ("bilinear", "bicubic", "lanczos3") and rng.random() < 0.4
    words, scaled = inputs(rng)
    return (
        f"tf.image.resize({size[::-1]}, {method}, antialias={antialias}), {words}",
        lambda data: scaled(tf.image.resize(np.asarray(opened(data)), size[::-1], method, antialias=antialias)), "NHWC",
    )


def decoded(rng):
    size = box(rng)
    return (
        f"tf.io.decode_jpeg, tf.image.resize({size[::-1]}) / 255",
        lambda data: (tf.image.resize(tf.io.decode_jpeg(data, channels=3), size[::-1]) / 255.0).numpy(), "NHWC",
    )


def central(rng):
    size, part = box(rng), rng.choice([0.875, 0.9, 0.8])
    words, scaled = inputs(rng)
    return (
        f"tf.image.central_crop({part}), tf.image.resize({size[::-1]}), {words}",
        lambda data: scaled(tf.image.resize(tf.image.central_crop(np.asarray(opened(data)), part), size[::-1])), "NHWC",
    )


def padded(rng):
    size = box(rng)
    return (
        f"tf.image.resize_with_pad({size[::-1]}) / 255",
        lambda data: tf.image.resize_with_pad(np.asarray(opened(data)), size[1], size[0]).numpy() / np.float32(255), "NHWC",
    )


def loaded(rng):
    size, filter = box(rng), rng.choice(["nearest", "bilinear", "bicubic"])
    words, scaled = inputs(rng)
    return (
        f"keras.utils.load_img(target_size={size[::-1]}, {filter}), {words}",
        lambda data: scaled(keras.utils.img_to_array(
            keras.utils.load_img(io.BytesIO(data), target_size=size[::-1], interpolation=filter)
        )), "NHWC",
    )


EVERY = [resized, decoded, central, padded, loaded]
OPTIONS["decoded"] = {"jpeg": True}
