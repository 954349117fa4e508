"""Runs the `code.py` of every package on its photos, and writes what it returns as what is expected of the preview.

Usage: run.py OUT
"""

import json
import sys
from pathlib import Path

import numpy as np

DTYPES = {"f32": np.float32, "f16": np.float16, "u8": np.uint8}


def main():
    out = Path(sys.argv[1])
    cases = json.loads((out / "cases.json").read_text())
    for case in cases:
        folder = out / case["name"]
        text = (folder / "code.py").read_text()
        functions = {}
        exec(compile(text, str(folder / "code.py"), "exec"), functions)
        dtype = next(DTYPES[name] for name in DTYPES if f'dtype = "{name}"' in (folder / "boxwright.toml").read_text())
        for sample in case["samples"]:
            array = functions["preprocess"](str(out / case["photos"] / sample["file"]))
            assert isinstance(array, np.ndarray) and array.dtype == dtype and array.shape[0] == 1, f"{text}\n{array.dtype} {array.shape}"
            # The preview shows a sample without the batch axis.
            sample["expected"] = list(array.shape[1:])
            np.ascontiguousarray(array, "<f4").tofile(folder / "expected" / f"{sample['file']}.f32")
    (out / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
