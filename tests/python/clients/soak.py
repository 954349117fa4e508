"""Eight callers of mixed protocols at once, with bad items mixed in. Every answer has to be right,
and the server's memory has to stay flat. Prints what each door answered, and how fast."""

import base64
import json
import random
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from expected import NAME, Sample
from triton import noise, tensor

BAD = b"\xff\xd8\xff no picture"


class Caller(threading.Thread):
    """Asks again and again until the deadline; keeps the first thing that went wrong."""

    def __init__(self, sample: Sample, door: str, deadline: float, logits: np.ndarray) -> None:
        super().__init__(name=door)
        self.sample, self.door, self.deadline, self.logits = sample, door, deadline, logits
        self.random = random.Random(door)
        self.times: list[float] = []
        self.wrong: BaseException | None = None

    def run(self) -> None:
        try:
            ask = getattr(self, self.door.split("/")[0])()
            while time.monotonic() < self.deadline:
                started = time.monotonic()
                ask()
                self.times.append(time.monotonic() - started)
        except BaseException as error:  # noqa: BLE001 - told by the main thread
            self.wrong = error

    def some(self) -> tuple[list[str | None], list[bytes]]:
        """One to three photos, one of ten of them no picture."""
        names = [self.random.choice([*self.sample.names] * 2 + [None]) for _ in range(self.random.randint(1, 3))]
        return names, [BAD if name is None else self.sample.photo(name) for name in names]

    def check(self, names: list[str | None], results: list[dict]) -> None:
        assert len(names) == len(results), (names, results)
        for name, result in zip(names, results):
            if name is None:
                assert result["error"]["code"] == "SampleUnreadable", result
            else:
                self.sample.check(name, result)

    def post(self, path: str, body: bytes, kind: str) -> dict:
        request = urllib.request.Request(f"http://{self.sample.http}{path}", body, {"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def predict(self):
        def ask() -> None:
            names, photos = self.some()
            edge = b"--edge\r\nContent-Disposition: form-data; name=\"p\"; filename=\"p\"\r\n\r\n"
            body = b"".join(edge + photo + b"\r\n" for photo in photos) + b"--edge--\r\n"
            answer = self.post("/predict", body, "multipart/form-data; boundary=edge")
            self.check(names, answer["predictions"])

        return ask

    def v1(self):
        def ask() -> None:
            names, photos = self.some()
            body = {"instances": [{"b64": base64.b64encode(photo).decode()} for photo in photos]}
            path = f"/v1/models/{NAME}:predict"
            answer = self.post(path, json.dumps(body).encode(), "application/json")
            self.check(names, answer["predictions"])

        return ask

    def http(self):
        return self.triton(triton_http, triton_http.InferenceServerClient(self.sample.http))

    def grpc(self):
        return self.triton(triton_grpc, triton_grpc.InferenceServerClient(self.sample.grpc))

    def triton(self, module, client):
        def pictures() -> None:
            names, photos = self.some()
            array = np.array([*photos, None], dtype=np.object_)[:-1]
            value = module.InferInput("image", array.shape, "BYTES")
            value.set_data_from_numpy(array)
            answer = client.infer(NAME, [value]).as_numpy("prediction")
            self.check(names, [json.loads(text) for text in answer])

        def tensors() -> None:
            first = self.random.randint(0, 2)
            value = tensor(module, noise(3)[first:])
            answer = client.infer(f"{NAME}-tensor", [value]).as_numpy("logits")
            assert np.abs(answer - self.logits[first:]).max() < 1e-3

        def refused() -> None:
            try:
                client.infer(f"{NAME}-tensor", [tensor(module, noise(1)[:, :2])])
            except Exception as error:  # noqa: BLE001
                assert "images" in str(error), error
            else:
                raise AssertionError("a wrong shape was not refused")

        return lambda: self.random.choices([pictures, tensors, refused], [6, 3, 1])[0]()


def resident_mib(pid: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024


def main() -> None:
    sample, pid, seconds = Sample(), sys.argv[5], float(sys.argv[6])
    with triton_http.InferenceServerClient(sample.http) as client:
        logits = client.infer(f"{NAME}-tensor", [tensor(triton_http, noise(3))]).as_numpy("logits")
    deadline = time.monotonic() + seconds
    doors = ["predict/1", "predict/2", "v1/1", "http/1", "http/2", "http/3", "grpc/1", "grpc/2"]
    callers = [Caller(sample, door, deadline, logits) for door in doors]
    for caller in callers:
        caller.start()
    # What batches of every size take is there after a third of the time.
    time.sleep(seconds / 3)
    before = resident_mib(pid)
    for caller in callers:
        caller.join()
    after = resident_mib(pid)
    for caller in callers:
        if caller.wrong is not None:
            raise AssertionError(f"{caller.door} after {len(caller.times)} answers") from caller.wrong
        times = np.array(caller.times) * 1000
        p50, p99 = np.percentile(times, [50, 99])
        print(f"{caller.door}: {len(times)} answers, p50 {p50:.0f} ms, p99 {p99:.0f} ms")
    p99 = np.percentile(np.concatenate([caller.times for caller in callers]) * 1000, 99)
    print(f"all: p99 {p99:.0f} ms, {before:.0f} MiB after a third, {after:.0f} MiB at the end")
    assert after < before * 1.1 + 8, "the server's memory grows"


if __name__ == "__main__":
    main()
