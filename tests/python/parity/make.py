"""Writes cases of the libraries that are named, and `cases.json`, which lists them.

Usage: make.py OUT SAMPLE_PHOTOS LIBRARY...

A case is a package (format 2) with an identity model, pictures, and the tensor that the library's own code makes of
each: `NAME/boxwright.toml`, `photos/FILE`, `NAME/expected/FILE.f32`.
"""

import importlib
import json
import sys
from pathlib import Path

from cases import Cases, Gallery


def main():
    out, photos, libraries = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    out.mkdir(parents=True)
    gallery = Gallery(photos)
    every = []
    for library in libraries:
        cases = Cases(out, library)
        importlib.import_module(f"{library}_cases").write(cases, gallery)
        every += cases.list
    (out / "cases.json").write_text(json.dumps(every))


if __name__ == "__main__":
    main()
