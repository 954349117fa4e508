"""A model of two inputs, and samples for it as NumPy and the Open Inference Protocol write them.

usage: arrays.py FOLDER
"""

import json
import sys
from pathlib import Path

import numpy as np
from models import save
from onnx import TensorProto, helper

FOLDER = Path(sys.argv[1])
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def model():
    """`row` times `factor`, which is a whole number."""
    nodes = [
        helper.make_node("Cast", ["factor"], ["real"], to=FLOAT),
        helper.make_node("Mul", ["row", "real"], ["scaled"]),
    ]
    inputs = [
        helper.make_tensor_value_info("row", FLOAT, ["batch", 3]),
        helper.make_tensor_value_info("factor", INT64, ["batch", 1]),
    ]
    outputs = [helper.make_tensor_value_info("scaled", FLOAT, ["batch", 3])]
    save(FOLDER / "model.onnx", helper.make_graph(nodes, "scale", inputs, outputs))


def samples():
    row, factor = np.array([1, 2, 3], np.float32), np.array([2])
    folder = FOLDER / "samples"
    folder.mkdir()
    np.savez(folder / "1-stored.npz", row=row, factor=factor)
    np.savez_compressed(folder / "2-packed.npz", factor=factor[None] + 1, row=row[None], label=row)
    inputs = [
        {"name": "row", "datatype": "FP32", "shape": [1, 3], "data": [[1, 2, 3]]},
        {"name": "factor", "datatype": "INT64", "shape": [1], "data": [4]},
    ]
    (folder / "3-request.json").write_text(json.dumps({"inputs": inputs}))
    np.savez(folder / "4-half.npz", row=row)
    np.savez(folder / "5-wide.npz", row=row.astype(float), factor=factor)
    np.save(folder / "6-alone.npy", row)
    np.savez(folder / "7-many.npz", row=np.stack([row, row]), factor=np.stack([factor, factor]))


model()
samples()
