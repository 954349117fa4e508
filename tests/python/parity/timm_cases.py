"""timm: `create_transform` with the configurations of its pretrained models, and with each way to crop."""

import timm
from timm.data import create_transform, resolve_data_config

from cases import ALL, levels, opened

# Their filters, parts to crop, means and sizes differ.
MODELS = ["resnet50.a1_in1k", "vit_base_patch16_224.augreg_in21k_ft_in1k", "convnext_tiny.fb_in1k", "tf_efficientnet_lite0.in1k"] + (
    ["efficientnet_b0.ra_in1k", "mobilenetv3_large_100.ra_in1k", "inception_v3.tv_in1k", "swin_tiny_patch4_window7_224.ms_in1k",
     "resnet18.fb_swsl_ig1b_ft_in1k", "deit3_small_patch16_224.fb_in1k", "test_vit.r160_in1k", "mixer_b16_224.goog_in21k_ft_in1k"]
    if ALL else []
)
STORED = {"exif": False, "arithmetic": "torchvision"}


def write(cases, gallery):
    photos = {name: gallery.usual[name] for name in ("photo-97x61.png", "photo-333x100.jpg", "photo-256x341.jpg")}
    for name in MODELS:
        config = resolve_data_config(timm.get_pretrained_cfg(name).to_dict())
        pretrained(cases, photos, name, config)
    small(cases, gallery)


def pretrained(cases, photos, name, config):
    transform = create_transform(**config)
    size = config["input_size"][1]
    cases.floats(
        name, f"create_transform(**resolve_data_config(…)) of {name}", photos, lambda data: transform(opened(data)).numpy(),
        size=(size, size), preprocess={
            **STORED, "filter": config["interpolation"], "mean": levels(config["mean"]), "std": levels(config["std"]),
            "resize": "short-side", "size": int(size / config["crop_pct"]), "crop": "center",
        },
    )


def small(cases, gallery):
    half = {"mean": [127.5], "std": [127.5]}
    config = {"input_size": (3, 64, 64), "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)}
    recipes = {
        "center-0.9": ({"crop_pct": 0.9, "interpolation": "bicubic"}, {"resize": "short-side", "size": 71, "crop": "center"}),
        "center-1.0": ({"crop_pct": 1.0, "interpolation": "bilinear"}, {"resize": "short-side", "size": 64, "crop": "center"}),
        "squash-1.0": ({"crop_pct": 1.0, "interpolation": "bicubic", "crop_mode": "squash"}, {"resize": "stretch"}),
        "squash-0.9": (
            {"crop_pct": 0.9, "interpolation": "bicubic", "crop_mode": "squash"},
            {"resize": "stretch", "size": 71, "crop": "center"},
        ),
        "border-1.0": (
            {"crop_pct": 1.0, "interpolation": "bicubic", "crop_mode": "border"},
            {"resize": "letterbox", "long_side": "round", "pad": [128, 128, 128]},
        ),
    }
    for name, (options, recipe) in recipes.items():
        transform = create_transform(**config, **options)
        cases.floats(
            name, f"create_transform({options})", gallery.usual, lambda data: transform(opened(data)).numpy(), size=(64, 64),
            preprocess={**STORED, **half, "filter": options["interpolation"], **recipe},
        )
