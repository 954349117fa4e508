"""The code that the container's page shows, run as it stands there."""

import ast
import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from expected import Sample

HERE = Path(__file__).parent
SCENARIOS = HERE.parents[2] / "crates/serve/tests/page/scenarios.mjs"


def run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def prediction(title: str, told: str) -> dict:
    """The one prediction in what the code printed."""
    if title == "grpcurl":
        return json.loads(base64.b64decode(json.loads(told)["outputs"][0]["contents"]["bytesContents"][0]))
    if not told.startswith('{"'):
        return ast.literal_eval(told)
    answer = json.loads(told)
    return answer["predictions"][0] if "predictions" in answer else json.loads(answer["outputs"][0]["data"][0])


def main() -> None:
    sample = Sample()
    name = sample.names[0]
    shutil.copy(sample.photos / name, "picture.jpg")
    tools = Path("tools")
    tools.mkdir()
    (tools / "grpcurl").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{HERE / "grpcurl.py"}" "$@"\n')
    (tools / "grpcurl").chmod(0o755)
    os.environ["PATH"] = f"{tools.absolute()}:{os.environ['PATH']}"
    tabs = json.loads(run(["node", str(SCENARIOS), "snippets", f"http://{sample.http}/"]))
    assert [len(tab) for tab in tabs] == [3, 3, 3], tabs
    for place, tab in enumerate(tabs):
        for title, code in tab:
            shell = place == 0 or title == "grpcurl"
            told = run(["sh", "-c", code] if shell else [sys.executable, "-c", code])
            if title.startswith("The model"):
                assert told.strip() == "(1, 1000)", told
            else:
                sample.check(name, prediction(title, told))
            print(f"{title}: as the preview")


main()
