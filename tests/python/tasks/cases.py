"""Photos, models and packages of the cases.

A photo is of one colour, which says which row of a table its model gives: 120 for the first, 130 for the second. So
it means the same at every size, and around it is nothing brighter.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import models  # noqa: E402

# Several draws, which takes minutes, in place of one.
ALL = os.environ.get("BOXWRIGHT_TEST_ALL") == "1"
DRAWS = 12 if ALL else 1

# Width and height; odd, narrow, tiny and large.
SIZES = [(451, 300), (333, 517), (97, 61), (1280, 720), (61, 997), (640, 641)]
FIRST, STEP = 120, 10


class Cases:
    def __init__(self, out):
        self.out = out
        self.list = []
        (out / "photos").mkdir()
        for number, (width, height) in enumerate(SIZES):
            color = (FIRST + STEP * number,) * 3
            Image.new("RGB", (width, height), color).save(out / "photos" / self.photo(number))

    def photo(self, number):
        width, height = SIZES[number]
        return f"{number}-{width}x{height}.png"

    def add(self, name, model, expected, *, inputs, preprocess, postprocess, labels=None):
        """`model`: writes the model to a path. `expected`: for each photo what its result holds."""
        name = f"{len(self.list):03}-{name}"
        folder = self.out / name
        folder.mkdir()
        model(folder / "model.onnx")
        text = package(name, inputs, {"mean": [0.0], "std": [1.0]} | preprocess, postprocess, labels)
        (folder / "boxwright.toml").write_text(text)
        if labels:
            (folder / "labels.txt").write_text("\n".join(labels) + "\n")
        (folder / "expected.json").write_text(json.dumps(expected))
        samples = [self.photo(number) for number in range(len(expected))]
        self.list.append({"name": name, "samples": samples})


def image(layout="NCHW", dtype="f32", **more):
    return {"name": "images", "kind": "image", "layout": layout, "dtype": dtype, **more}


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def package(name, inputs, preprocess, postprocess, labels):
    def table(values):
        return "".join(f"{key} = {toml(value)}\n" for key, value in values.items())

    return (
        f'format = 2\n\n[package]\nname = "{name}"\nversion = "1"\n\n'
        '[model]\nfiles = [{ path = "model.onnx" }]\n\n'
        + "".join(f"[[input]]\n{table(one)}\n" for one in inputs)
        + f"[preprocess]\n{table(preprocess)}\n[postprocess]\n{table(postprocess)}\n"
        + ('[labels]\nfile = "labels.txt"\n\n' if labels else "")
        + "[batch]\nmax_size = 4\n"
    )


def tables(outputs, *, axes=("N", 3, "H", "W"), dtype="f32", counts=None, scaled=None, mask=None):
    """A model that gives a row of each of `outputs`, arrays [photos, …], by the photo.

    `counts`: only so many rows of each; the model then has no batch axis. `scaled`: the output that is multiplied by an
    input `sizes` [N, 2]. `mask`: the output that is only right where an input `mask` holds ones."""
    kind = models.DTYPES[dtype]
    batched = counts is None and len(axes) == 4
    every = list(range(1 if batched else 0, len(axes)))
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["pixels"], ["most"], axes=every, keepdims=0),
        helper.make_node("Sub", ["most", "first"], ["over"]),
        helper.make_node("Div", ["over", "step"], ["steps"]),
        helper.make_node("Round", ["steps"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["row"], to=TensorProto.INT64),
    ]
    constants = [
        numpy_helper.from_array(np.float32(FIRST), "first"),
        numpy_helper.from_array(np.float32(STEP), "step"),
    ]
    inputs = [helper.make_tensor_value_info("images", kind, list(axes))]
    results = []
    if counts is not None:
        constants += [
            numpy_helper.from_array(np.array(counts, np.int64).reshape(-1, 1), "counts"),
            numpy_helper.from_array(np.array([0], np.int64), "zero"),
        ]
        nodes.append(helper.make_node("Gather", ["counts", "row"], ["count"], axis=0))
    if scaled:
        inputs.append(helper.make_tensor_value_info("sizes", TensorProto.INT64, ["N", 2]))
        nodes += [
            helper.make_node("Concat", ["sizes", "sizes"], ["sides"], axis=1),
            helper.make_node("Cast", ["sides"], ["lengths"], to=TensorProto.FLOAT),
            helper.make_node("Unsqueeze", ["lengths", "one"], ["scale"]),
        ]
        constants.append(numpy_helper.from_array(np.array([1], np.int64), "one"))
    if mask:
        inputs.append(helper.make_tensor_value_info("mask", TensorProto.INT64, ["N", "H", "W"]))
        nodes += [
            helper.make_node("Cast", ["mask"], ["ones"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMin", ["ones"], ["least"], axes=[1, 2], keepdims=1),
        ]
    for name, values in outputs.items():
        values = np.ascontiguousarray(values)
        constants.append(numpy_helper.from_array(values, f"{name}-table"))
        last = "rows" if counts is not None or name in (scaled, mask) else None
        nodes.append(helper.make_node("Gather", [f"{name}-table", "row"], [f"{name}-{last}" if last else name], axis=0))
        if counts is not None:
            nodes.append(helper.make_node("Slice", [f"{name}-rows", "zero", "count", "zero"], [name]))
        elif name == scaled:
            nodes.append(helper.make_node("Mul", [f"{name}-rows", "scale"], [name]))
        elif name == mask:
            nodes.append(helper.make_node("Mul", [f"{name}-rows", "least"], [name]))
        shape = list(values.shape[1:])
        shape = ["rows", *shape[1:]] if counts is not None else ["N", *shape] if batched else shape
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        results.append(helper.make_tensor_value_info(name, kind, shape))
    graph = helper.make_graph(nodes, "tables", inputs, results, constants)
    return lambda path: models.save(path, graph)


def detections(boxes, scores, classes, **more):
    """Results by falling score; of equal ones the first comes first. `more`: lists, one entry a detection."""
    order = sorted(range(len(scores)), key=lambda place: -scores[place])
    rows = [
        {"index": int(classes[place]), "score": float(scores[place]), "box": [float(side) for side in boxes[place]]}
        | {key: values[place] for key, values in more.items()}
        for place in order
    ]
    return {"detections": rows}


def clustered(rng, count, width, height, smallest=4):
    """Centres and sizes of boxes that overlap in heaps; some leave the picture."""
    heaps = rng.uniform(0, 1, (max(count // 12, 1), 2)) * [width, height]
    center = heaps[rng.integers(0, len(heaps), count)] + rng.normal(0, 6, (count, 2))
    size = rng.uniform(smallest, 0.4 * max(width, height), (count, 1)) * rng.uniform(0.6, 1.4, (count, 2))
    return np.concatenate([center, size], 1).astype(np.float32)
