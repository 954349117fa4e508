"""KServe's own clients: V1 and V2, over REST and gRPC; gRPC's health checks and reflection."""

import asyncio
import base64
import json

import grpc
import numpy as np
from expected import NAME, Sample
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest, RESTConfig


def pictures(sample: Sample, names: list[str]) -> InferRequest:
    value = InferInput("image", [len(names)], "BYTES")
    value.set_data_from_numpy(np.array([sample.photo(n) for n in names], dtype=np.object_), binary_data=True)
    return InferRequest(model_name=NAME, infer_inputs=[value])


def tensors(binary: bool) -> InferRequest:
    array = np.random.default_rng(1).standard_normal((2, 3, 224, 224)).astype(np.float32)
    value = InferInput("images", list(array.shape), "FP32")
    value.set_data_from_numpy(array, binary_data=binary)
    return InferRequest(model_name=f"{NAME}-tensor", infer_inputs=[value])


async def v1(sample: Sample) -> None:
    client = InferenceRESTClient(RESTConfig(protocol="v1"))
    url = f"http://{sample.http}"
    assert await client.is_model_ready(url, NAME)
    instances = [{"b64": base64.b64encode(sample.photo(name)).decode()} for name in sample.names]
    answer = await client.infer(url, {"instances": instances}, model_name=NAME)
    for name, result in zip(sample.names, answer["predictions"], strict=True):
        sample.check(name, result)


async def v2(sample: Sample) -> np.ndarray:
    client = InferenceRESTClient(RESTConfig(protocol="v2"))
    url = f"http://{sample.http}"
    assert await client.is_server_ready(url) and await client.is_server_live(url)
    assert await client.is_model_ready(url, NAME)
    answer = await client.infer(url, pictures(sample, sample.names), model_name=NAME)
    for name, text in zip(sample.names, answer.outputs[0].as_numpy(), strict=True):
        sample.check(name, json.loads(text))
    binary = await client.infer(url, tensors(True), model_name=f"{NAME}-tensor")
    plain = await client.infer(url, tensors(False), model_name=f"{NAME}-tensor")
    logits = binary.outputs[0].as_numpy()
    assert logits.shape == (2, 1000)
    assert np.abs(logits - plain.outputs[0].as_numpy()).max() < 1e-5
    return logits


async def v2_grpc(sample: Sample) -> np.ndarray:
    client = InferenceGRPCClient(sample.grpc)
    assert await client.is_server_ready() and await client.is_server_live()
    assert await client.is_model_ready(NAME)
    answer = await client.infer(pictures(sample, sample.names[:2]))
    for name, text in zip(sample.names[:2], answer.outputs[0].as_numpy(), strict=True):
        sample.check(name, json.loads(text))
    logits = [(await client.infer(tensors(binary))).outputs[0].as_numpy() for binary in (True, False)]
    assert np.abs(logits[0].reshape(2, 1000) - logits[1].reshape(2, 1000)).max() < 1e-5
    return logits[0].reshape(2, 1000)


def health(sample: Sample) -> None:
    with grpc.insecure_channel(sample.grpc) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        serving = health_pb2.HealthCheckResponse.SERVING
        for service in ("", "inference.GRPCInferenceService"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=5)
            assert answer.status == serving, (service, answer)
        names = ProtoReflectionDescriptorDatabase(channel).get_services()
        for service in ("inference.GRPCInferenceService", "grpc.health.v1.Health", "ModzyModel"):
            assert service in names, (service, list(names))


async def main() -> None:
    sample = Sample()
    await v1(sample)
    rest, rpc = await v2(sample), await v2_grpc(sample)
    assert np.abs(rest - rpc).max() < 1e-5
    health(sample)


if __name__ == "__main__":
    asyncio.run(main())
