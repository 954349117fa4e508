"""The program that a data scientist writes: one picture after the other.

OpenCV decodes and resizes, ONNX Runtime (its default threads) predicts. Prints pictures a second,
without the time to import and to load the model.
"""

import sys
import time
from pathlib import Path

from classify import Classifier


def main() -> None:
    model, folder = sys.argv[1], Path(sys.argv[2])
    classifier = Classifier(model)
    pictures = sorted(folder.iterdir())
    classifier.classify(pictures[0].read_bytes())
    started = time.perf_counter()
    for picture in pictures:
        classifier.classify(picture.read_bytes())
    print(len(pictures) / (time.perf_counter() - started))


if __name__ == "__main__":
    main()
