"""What the sample's model answers by torchvision's recipe, in the files that notebooks write.

Usage: answers.py SITE_PACKAGES SAMPLE OUT PHOTO...

SITE_PACKAGES has ONNX Runtime. Writes OUT/scores.npy (the model's own), OUT/scores.csv (after softmax, four digits)
and OUT/classes.json (`classPredictions`, the five best).
"""

import json
import sys
from pathlib import Path

sys.path.append(sys.argv[1])

import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402
from torchvision.transforms import CenterCrop, InterpolationMode, Resize  # noqa: E402


def main():
    sample, out, photos = Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]
    out.mkdir(parents=True, exist_ok=True)
    resize, crop = Resize(256, InterpolationMode.BICUBIC), CenterCrop(224)
    pixels = [crop(resize(ImageOps.exif_transpose(Image.open(photo)).convert("RGB"))) for photo in photos]
    batch = np.stack([(np.asarray(image, np.float32) - 127) / 128 for image in pixels]).transpose(0, 3, 1, 2)
    session = onnxruntime.InferenceSession(sample / "model.onnx", providers=["CPUExecutionProvider"])
    logits = session.run(None, {session.get_inputs()[0].name: np.ascontiguousarray(batch)})[0]
    np.save(out / "scores.npy", logits)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores = powers / powers.sum(axis=1, keepdims=True)
    np.savetxt(out / "scores.csv", scores, fmt="%.4f", delimiter=",")
    labels = (sample / "labels.txt").read_text().splitlines()
    classes = [
        {"classPredictions": [{"class": labels[index], "score": float(row[index])} for index in np.argsort(-row)[:5]]}
        for row in scores
    ]
    (out / "classes.json").write_text(json.dumps(classes, indent=1))


if __name__ == "__main__":
    main()
