"""Writes packages whose models give chosen outputs, and what a library makes of those: `OUT/NAME/boxwright.toml`,
`OUT/NAME/expected.json`, `OUT/photos/FILE`, and `OUT/cases.json`, which lists them.

Usage: make.py OUT
"""

import json
import sys
from pathlib import Path

import detr
import exports
import grids
import heads
import pixels
import separate
import text
import yolo
from cases import Cases


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True)
    cases = Cases(out)
    for module in [yolo, grids, detr, separate, exports, pixels, text, heads]:
        module.write(cases)
    (out / "cases.json").write_text(json.dumps(cases.list))


if __name__ == "__main__":
    main()
