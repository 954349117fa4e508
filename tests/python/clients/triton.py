"""tritonclient over HTTP (JSON and binary) and gRPC, against both models."""

import json

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from expected import NAME, Sample, refused


def images(module, sample: Sample, names: list[str], **how):
    array = np.array([sample.photo(name) for name in names], dtype=np.object_)
    value = module.InferInput("image", array.shape, "BYTES")
    value.set_data_from_numpy(array, **how)
    return value


def noise(rows: int) -> np.ndarray:
    return np.random.default_rng(rows).standard_normal((rows, 3, 224, 224)).astype(np.float32)


def tensor(module, array: np.ndarray, name: str = "images", **how):
    value = module.InferInput(name, array.shape, "FP32")
    value.set_data_from_numpy(array, **how)
    return value


def pipeline(client, module, sample: Sample, **how) -> None:
    names = sample.names
    answer = client.infer(NAME, [images(module, sample, names, **how)], request_id="7")
    texts = answer.as_numpy("prediction")
    assert texts.shape == (len(names),), texts.shape
    for name, text in zip(names, texts):
        sample.check(name, json.loads(text))


def one_bad_picture(client, module, sample: Sample) -> None:
    first, last = sample.names[0], sample.names[-1]
    array = np.array([sample.photo(first), b"no picture", sample.photo(last)], dtype=np.object_)
    value = module.InferInput("image", array.shape, "BYTES")
    value.set_data_from_numpy(array)
    texts = [json.loads(text) for text in client.infer(NAME, [value]).as_numpy("prediction")]
    sample.check(first, texts[0])
    assert texts[1]["error"]["code"] == "SampleUnreadable", texts[1]
    sample.check(last, texts[2])


def model_alone(client, module, **how) -> np.ndarray:
    answers = []
    for rows in (1, 3, 11):
        answer = client.infer(f"{NAME}-tensor", [tensor(module, noise(rows), **how)])
        logits = answer.as_numpy("logits")
        assert logits.shape == (rows, 1000) and logits.dtype == np.float32, (logits.shape, logits.dtype)
        answers.append(logits)
    # A row's answer doesn't depend on the rows that it travels with.
    alone = client.infer(f"{NAME}-tensor", [tensor(module, noise(3)[2:], **how)]).as_numpy("logits")
    assert np.abs(alone - answers[1][2:]).max() < 1e-3
    return answers[0]


def described(client, module) -> None:
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready(NAME) and client.is_model_ready(f"{NAME}-tensor")
    # Over HTTP the client takes 404 for "not ready", over gRPC it tells the error.
    if module is triton_http:
        assert not client.is_model_ready("other")
    else:
        refused(lambda: client.is_model_ready("other"), "other")


def refusals(client, module, sample: Sample) -> None:
    good = noise(1)
    refused(lambda: client.infer("other", [tensor(module, good)]), "other")
    refused(lambda: client.infer(f"{NAME}-tensor", [tensor(module, good, name="pictures")]), "images")
    refused(lambda: client.infer(f"{NAME}-tensor", [tensor(module, good[:, :, :10])]), "images", "10")
    double = module.InferInput("images", good.shape, "FP64")
    double.set_data_from_numpy(good.astype(np.float64))
    refused(lambda: client.infer(f"{NAME}-tensor", [double]), "images", "FP64", "FP32")
    wanted = [module.InferRequestedOutput("scores")]
    refused(lambda: client.infer(f"{NAME}-tensor", [tensor(module, good)], outputs=wanted), "scores", "logits")


def http(sample: Sample) -> np.ndarray:
    with triton_http.InferenceServerClient(sample.http) as client:
        described(client, triton_http)
        metadata = client.get_model_metadata(f"{NAME}-tensor")
        assert metadata["inputs"] == [{"name": "images", "datatype": "FP32", "shape": [-1, 3, 224, 224]}], metadata
        assert client.get_server_metadata()["name"], "the server has a name"
        assert client.get_model_config(f"{NAME}-tensor")["max_batch_size"] == 8
        assert {model["name"] for model in client.get_model_repository_index()} == {NAME, f"{NAME}-tensor"}
        refused(lambda: client.load_model("other"))
        pipeline(client, triton_http, sample, binary_data=True)
        one_bad_picture(client, triton_http, sample)
        refusals(client, triton_http, sample)
        from_json = model_alone(client, triton_http, binary_data=False)
        binary = model_alone(client, triton_http, binary_data=True)
        assert np.abs(from_json - binary).max() < 1e-5
        as_json = [triton_http.InferRequestedOutput("logits", binary_data=False)]
        answer = client.infer(f"{NAME}-tensor", [tensor(triton_http, noise(1))], outputs=as_json)
        assert np.abs(answer.as_numpy("logits") - binary).max() < 1e-5
        squeezed = client.infer(
            f"{NAME}-tensor",
            [tensor(triton_http, noise(1))],
            request_compression_algorithm="gzip",
            response_compression_algorithm="gzip",
        )
        assert np.abs(squeezed.as_numpy("logits") - binary).max() < 1e-5
        return binary


def grpc(sample: Sample) -> np.ndarray:
    with triton_grpc.InferenceServerClient(sample.grpc) as client:
        described(client, triton_grpc)
        metadata = client.get_model_metadata(f"{NAME}-tensor", as_json=True)
        assert metadata["inputs"][0]["shape"] == ["-1", "3", "224", "224"], metadata
        config = client.get_model_config(f"{NAME}-tensor", as_json=True)["config"]
        assert config["max_batch_size"] == 8, config
        pipeline(client, triton_grpc, sample)
        one_bad_picture(client, triton_grpc, sample)
        refusals(client, triton_grpc, sample)
        return model_alone(client, triton_grpc)


def main() -> None:
    sample = Sample()
    assert np.abs(http(sample) - grpc(sample)).max() < 1e-5


if __name__ == "__main__":
    main()
