"""The program that a data scientist writes: one picture after the other.

OpenCV decodes and resizes, ONNX Runtime (its default threads) predicts. Prints pictures a second,
without the time to import and to load the model.
"""

import sys
import time
from pathlib import Path

from classify import Classifier
from with_opencv import preprocess


def main() -> None:
    model, labels, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
    classifier = Classifier(model, labels, preprocess)
    pictures = sorted(folder.iterdir())
    classifier.classify(pictures[0].read_bytes())
    started = time.perf_counter()
    for picture in pictures:
        classifier.classify(picture.read_bytes())
    print(len(pictures) / (time.perf_counter() - started))


if __name__ == "__main__":
    main()
