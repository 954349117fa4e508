"""Small ONNX models for tests: identities that give back what the pipeline feeds them."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

DTYPES = {"u8": TensorProto.UINT8, "f16": TensorProto.FLOAT16, "f32": TensorProto.FLOAT}


def identity(path, shape, dtype="f32", name="pixels", output="same"):
    """Writes a model whose one output is its one input."""
    kind = DTYPES[dtype]
    graph = helper.make_graph(
        [helper.make_node("Identity", [name], [output])],
        "identity",
        [helper.make_tensor_value_info(name, kind, shape)],
        [helper.make_tensor_value_info(output, kind, shape)],
    )
    save(path, graph)


def batch_of_one(path, shape, dtype="f32", name="pixels", output="same"):
    """An identity that says it takes any batch, and fails on more than one sample."""
    kind = DTYPES[dtype]
    one = helper.make_tensor("one", TensorProto.INT64, [4], [1, *shape[1:]])
    graph = helper.make_graph(
        [helper.make_node("Reshape", [name, "one"], [output])],
        "batch_of_one",
        [helper.make_tensor_value_info(name, kind, shape)],
        [helper.make_tensor_value_info(output, kind, shape)],
        [one],
    )
    save(path, graph)


def save(path, graph):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)

