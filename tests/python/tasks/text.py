"""Lines of text by connectionist temporal classification: the arithmetic of PaddleOCR's `CTCLabelDecode`."""

import numpy as np
import torch

from cases import DRAWS, SIZES, image, tables

# The blank is left out, and the space at the end too, as in PaddleOCR's dictionaries.
CHARACTERS = [*"abcdefgh0123456789.,-", "Ä", "字", "ﬁ", '"', "#", "\\", "'"]


def rows(rng, steps, classes):
    """Scores with runs of one class, blanks between equal ones, and spaces."""
    best = rng.choice([0, 0, 1, 2, 3, classes - 1, *range(classes)], steps)
    best = np.repeat(best, rng.integers(1, 4, steps))[:steps]
    logits = rng.normal(0, 1, (steps, classes)).astype(np.float32)
    logits[np.arange(steps), best] += 6
    return logits


def decoded(shares, characters):
    """The text, and the mean score of its characters. `shares`: [steps, characters]."""
    places, scores = shares.argmax(1), shares.max(1)
    keep = np.ones(len(places), bool)
    keep[1:] = places[1:] != places[:-1]
    keep &= places != 0
    names = ["blank", *characters, " "]
    score = float(scores[keep].astype(np.float64).mean()) if keep.any() else 0.0
    return "".join(names[place] for place in places[keep]), score


def lines(rng, steps=40):
    """Logits of a line for each photo; the last one is all blanks."""
    logits = np.stack([rows(rng, steps, len(CHARACTERS) + 2) for _ in SIZES])
    logits[-1, :, 0] = 20
    return logits


def write(cases):
    for draw in range(DRAWS):
        logits = lines(np.random.default_rng([draw, 600]))
        shares = torch.from_numpy(logits).softmax(-1).numpy()
        for name, table, activation in [("softmax", logits, "softmax"), ("none", shares, "none")]:
            found = [decoded(line, CHARACTERS) for line in shares]
            cases.add(
                f"text-{name}", tables({"text": table}),
                [{"text": {"value": value, "score": score}} for value, score in found],
                inputs=[image(width=64, height=32)], preprocess={"resize": "stretch"},
                postprocess={"task": "text", "activation": activation}, labels=CHARACTERS,
            )
