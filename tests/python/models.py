"""Small ONNX models for tests: identities that give back what the pipeline feeds them."""

import sys
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


def batch_of_one_inside(path, side):
    """Claims any batch, and reshapes to a batch of one: fails on two samples together."""
    shape = ["N", 3, side, side]
    target = helper.make_tensor("shape", TensorProto.INT64, [4], [1, 3, side, side])
    graph = helper.make_graph(
        [helper.make_node("Reshape", ["x", "shape"], ["y"])],
        "batch_of_one_inside",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [target],
    )
    save(path, graph)


def means(path, side, classes_axis_tail=()):
    """A classifier: the scores are the means of the three channels."""
    nodes = [helper.make_node("GlobalAveragePool", ["x"], ["pooled"])]
    if classes_axis_tail:
        nodes.append(helper.make_node("Identity", ["pooled"], ["scores"]))
    else:
        nodes.append(helper.make_node("Flatten", ["pooled"], ["scores"]))
    graph = helper.make_graph(
        nodes,
        "means",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, side, side])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["N", 3, *classes_axis_tail])],
    )
    save(path, graph)


def save(path, graph):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)


if __name__ == "__main__":
    out = Path(sys.argv[1])
    identity(out / "nchw-f32.onnx", ["N", 3, "H", "W"])
    identity(out / "nhwc-u8.onnx", ["N", "H", "W", 3], "u8")
    identity(out / "nhwc-u8-fixed.onnx", ["N", 24, 32, 3], "u8", name="serving_default_input:0")
    identity(out / "batch-one.onnx", [1, 3, 24, 32], name="data", output="copy")
    identity(out / "batch-four.onnx", [4, 3, 24, 32])
    identity(out / "no-batch.onnx", [3, 24, 32])
    identity(out / "f16.onnx", ["N", 3, 24, 32], "f16")
    identity(out / "grey.onnx", ["N", 1, 24, 32])
    identity(out / "numbers.onnx", ["N", 5])
    batch_of_one_inside(out / "batch-of-one-inside.onnx", 16)
    means(out / "means.onnx", 16)
    means(out / "means-nc11.onnx", 16, (1, 1))
