"""Draws recipes from libraries, and writes photos, what the libraries make of them, and the truth.

Usage: make.py OUT SAMPLE_PHOTOS vision|tensorflow

`OUT/LIBRARIES.json` lists the cases, `OUT/cases.json` those that are checked by predicting: their package with an identity model is in `OUT/NAME`, with the tensors; their
photos are in `OUT/photos`. A fourth of them unless BOXWRIGHT_TEST_ALL is 1.
"""

import importlib
import os
import sys
from pathlib import Path

from drawn import Recipes

VISION, TENSORFLOW = 84, 16
ALL = os.environ.get("BOXWRIGHT_TEST_ALL") == "1"


def main():
    out, samples, libraries = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    recipes = Recipes(out, samples, lambda index: ALL or index % 4 == 0)
    if libraries == "tensorflow":
        recipes.draw(importlib.import_module("tensorflow_recipes").EVERY, VISION, TENSORFLOW)
    else:
        recipes.draw(importlib.import_module("vision").EVERY, 0, VISION)
        importlib.import_module("wrong").write(recipes)
    recipes.write(libraries)


if __name__ == "__main__":
    main()
