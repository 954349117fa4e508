"""What every client is asked to bring home: the classes that the preview showed."""

import json
import sys
from pathlib import Path

NAME = "efficientnet-lite0"


class Sample:
    """The sample's photos, what the preview predicts of them, and where the server listens."""

    def __init__(self) -> None:
        self.http, self.grpc = f"127.0.0.1:{sys.argv[1]}", f"127.0.0.1:{sys.argv[1]}"
        self.omi = int(sys.argv[2])
        self.photos = Path(sys.argv[3])
        preview = json.loads(Path(sys.argv[4]).read_text())
        self.predicted = {result["sample"]: result["classPredictions"] for result in preview["results"]}
        assert len(self.predicted) >= 3, self.predicted

    def photo(self, name: str) -> bytes:
        return (self.photos / name).read_bytes()

    @property
    def names(self) -> list[str]:
        return sorted(self.predicted)

    def check(self, name: str, result: dict) -> None:
        """The same classes in the same order, with the same scores."""
        found, expected = result["classPredictions"], self.predicted[name]
        assert [c["class"] for c in found] == [c["class"] for c in expected], (name, found, expected)
        for one, other in zip(found, expected):
            assert abs(one["score"] - other["score"]) < 1e-4, (name, one, other)


def refused(call, *words: str) -> str:
    """Runs what must be refused, with a message that says these words."""
    try:
        answer = call()
    except Exception as error:  # noqa: BLE001 - every client has errors of its own
        message = str(error)
        assert all(word in message for word in words), f"{message!r} does not say {words}"
        return message
    raise AssertionError(f"not refused: {answer}")
