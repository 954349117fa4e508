"""What no recipe makes: steps that are random, and tensors of something else."""

import random

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from drawn import IMAGENET, opened, pictures

SIZE = (224, 224)


def scaled(image):
    mean, std = IMAGENET
    return ((np.asarray(image) / 255.0 - mean) / std).astype(np.float32).transpose(2, 0, 1)


def crop(left, top):
    """A part that isn't in the middle, as RandomResizedCrop takes it."""
    def cropped(data):
        image = opened(data)
        box = [image.width * left, image.height * top, image.width * (left + 0.6), image.height * (top + 0.6)]
        return image.resize(SIZE, Image.Resampling.BILINEAR, [round(side) for side in box])

    return cropped


def resized(data):
    return opened(data).resize(SIZE, Image.Resampling.BILINEAR)


def turned(direction):
    return lambda data: resized(data).transpose(direction)


def jitter(contrast, colour):
    return lambda data: ImageEnhance.Color(ImageEnhance.Contrast(resized(data)).enhance(contrast)).enhance(colour)


def noise(seed):
    return lambda data: np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def write(recipes):
    flips, photos = Image.Transpose, recipes.photos
    files = [pictures.encoded(image, "JPEG", quality=90) for image in photos.sources[:5]]

    def another(step):
        return lambda data: resized(files[(files.index(data) + step) % 5])

    cases = [
        ("a random crop", crop(0.02, 0.3), "not exact"),
        ("another random crop", crop(0.35, 0.05), "not exact"),
        ("flipped", turned(flips.FLIP_LEFT_RIGHT), "not exact"),
        ("flipped upside down", turned(flips.FLIP_TOP_BOTTOM), "not exact"),
        ("turned by 5 degrees", lambda data: opened(data).rotate(5).resize(SIZE, Image.Resampling.BILINEAR), "not exact"),
        ("colour jitter", jitter(1.3, 0.6), "not exact"),
        ("more colour jitter", jitter(0.7, 1.6), "not exact"),
        ("another photo", another(1), "none"),
        ("yet another photo", another(2), "none"),
        ("noise", noise(1), "none"),
        ("other noise", noise(2), "none"),
        ("blurred before", lambda data: opened(data).filter(ImageFilter.GaussianBlur(2)).resize(SIZE), "not exact"),
    ]
    for index, (words, pixels, truth) in enumerate(cases):
        photo = photos.write(f"whole-{index % 5}.jpg", files[index % 5])

        def make(data):
            return scaled(pixels(data))

        recipes.add(f"wrong-{index:03}", random.Random(index), (words, make, "NCHW"), truth, [photo])
