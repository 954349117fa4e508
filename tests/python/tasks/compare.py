"""Says where predictions differ from what was expected of them: `compare.py OUT NAME…`. `OUT/NAME/predicted.json` is
what `boxwright preview --format json` wrote."""

import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

SCORE, PIXEL = 1e-5, 1e-3


def main():
    out, names = Path(sys.argv[1]), sys.argv[2:]
    wrong = []
    for name in names:
        expected = json.loads((out / name / "expected.json").read_text())
        predicted = json.loads((out / name / "predicted.json").read_text()).get("results", [])
        if len(predicted) != len(expected):
            wrong.append(f"{name}: {len(predicted)} results")
        for one, other in zip(predicted, expected):
            found = difference(one, other)
            if found:
                wrong.append(f"{name}: {one['sample']}: {found}")
    print("\n".join(wrong))


def difference(one, other):
    if "error" in one:
        return one["error"]["message"]
    if "detections" in other:
        return of_detections(one["detections"], other["detections"])
    if "heads" in other:
        return of_heads(one, other)
    if "text" in other:
        found, expected = one["text"], other["text"]
        close = abs(found["score"] - expected["score"]) <= SCORE
        return None if found["value"] == expected["value"] and close else f"{found}, not {expected}"
    if "matte" in other:
        found, expected = opened(one["matte"]), np.array(other["matte"])
        far = np.abs(found.astype(int) - expected).max()
        many = (found != expected).mean()
        return f"{far} levels, {many:.4%} of pixels" if far > 1 or many > 0.001 else None
    found, expected = opened(one["segmentation"]["mask"]), np.array(other["mask"])
    if found.shape != expected.shape:
        return f"the mask is {found.shape}, not {expected.shape}"
    counts = {kind["index"]: kind["pixels"] for kind in one["segmentation"]["classes"]}
    if counts != dict(zip(*(part.tolist() for part in np.unique(found, return_counts=True)))):
        return "the counts are not those of the mask"
    off = int((found != expected).sum())
    return f"{off} pixels of the mask differ" if off > other["unsure"] else None


def of_heads(one, other):
    """Every output's classes, and those of the one that the package is about."""
    for found, expected in [(one["heads"], other["heads"]), *[({"": part["classPredictions"]} for part in (one, other))]]:
        if sorted(found) != sorted(expected):
            return f"outputs {sorted(found)}, not {sorted(expected)}"
        for name, classes in expected.items():
            told = [kind["class"] for kind in found[name]]
            if told != [kind["class"] for kind in classes]:
                return f"classes of {name}: {told}"
            pairs = zip(found[name], classes)
            if any(abs(a["score"] - b["score"]) > SCORE for a, b in pairs):
                return f"scores of {name}: {found[name]}, not {classes}"
    return None


def opened(text):
    return np.array(Image.open(io.BytesIO(base64.b64decode(text))))


def of_detections(found, expected):
    if len(found) != len(expected):
        return f"{len(found)} detections, not {len(expected)}"
    for place, (one, other) in enumerate(zip(found, expected)):
        for key, tolerance in [("index", 0), ("score", SCORE), ("box", PIXEL), ("polygon", PIXEL), ("keypoints", PIXEL)]:
            if (key in one) != (key in other):
                return f"detection {place} has {sorted(one)}, not {sorted(other)}"
            if key in one and not np.allclose(one[key], other[key], rtol=0, atol=tolerance + off(key, other)):
                return f"{key} {place}: {one[key]}, not {other[key]}"
        if "mask" in other:
            problem = of_mask(one["mask"], other["mask"])
            if problem:
                return f"mask {place}: {problem}"
    return None


def off(key, other):
    """What 32 bits can't tell apart, of large numbers."""
    return 0 if key in ("index", "score") else 2e-7 * float(np.abs(other[key]).max())


def of_mask(one, other):
    if one["size"] != other["size"]:
        return f"has {one['size']} pixels, not {other['size']}"
    many = int((bits(one) != bits(other)).sum())
    height, width = other["size"]
    # A pixel of the tensor that could be either covers as many of the photo.
    allowed = other["unsure"] * max(4, 4 * height * width // (256 * 256))
    return f"{many} pixels differ" if many > allowed else None


def bits(mask):
    counts = mask["counts"]
    assert sum(counts) == mask["size"][0] * mask["size"][1], "runs do not fill the mask"
    return np.repeat(np.arange(len(counts)) % 2, counts)


if __name__ == "__main__":
    main()
