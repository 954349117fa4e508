"""Classification by several outputs: a softmax, a sigmoid with names of its own, and a single number."""

import numpy as np
import torch

from cases import DRAWS, SIZES, image, tables

GENDERS, COLOURS = ["woman", "man", "other"], ["red", "green", "blue", "black"]


def ranked(names, scores):
    order = sorted(range(len(names)), key=lambda place: -scores[place])
    return [{"class": names[place], "score": float(scores[place])} for place in order]


def write(cases):
    for draw in range(DRAWS):
        rng = np.random.default_rng([draw, 800])
        outputs = {
            name: rng.normal(0, 2, (len(SIZES), length)).astype(np.float32)
            for name, length in [("age", 1), ("gender", len(GENDERS)), ("colour", len(COLOURS))]
        }
        expected = []
        for age, gender, colour in zip(*(torch.from_numpy(values) for values in outputs.values())):
            heads = {
                "age": [{"class": "age", "score": float(age)}],
                "gender": ranked(GENDERS, gender.softmax(0)),
                "colour": ranked(COLOURS, colour.sigmoid()),
            }
            expected.append({"heads": heads, "classPredictions": heads["gender"]})
        cases.add(
            "heads", tables(outputs), expected,
            inputs=[image(width=64, height=64)], preprocess={"resize": "stretch"},
            postprocess={
                "task": "classification", "output": "gender", "activation": "softmax",
                "heads": [
                    {"output": "age", "activation": "none"},
                    {"output": "colour", "activation": "sigmoid", "classes": COLOURS},
                ],
            },
            labels=GENDERS,
        )
