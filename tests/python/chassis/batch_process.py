"""What the batch function of Chassis' example answers for photos, with ONNX Runtime in place of ResNet50.

Usage: batch_process.py SITE_PACKAGES MODEL LABELS OUT.json PHOTO...

SITE_PACKAGES has ONNX Runtime. The function's steps, order and numbers are the example's.
"""

import json
import sys
from pathlib import Path

sys.path.append(sys.argv[1])

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import torch  # noqa: E402
from torchvision import transforms  # noqa: E402

TRANSFORM = transforms.Compose([
    transforms.ToPILImage(),
    transforms.Resize(224),
    transforms.ToTensor(),
    transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
])


def batch_process(session, labels, inputs):
    images = []
    for input_bytes in inputs:
        # Blue first, and taken for red first from here on, as in the example.
        decoded = cv2.imdecode(np.frombuffer(input_bytes, np.uint8), -1)
        images.append(cv2.resize(decoded, (224, 224)).reshape((1, 224, 224, 3)))
    batch = torch.stack(tuple(TRANSFORM(image) for image in np.concatenate(images)), dim=0)
    output = torch.from_numpy(session.run(None, {session.get_inputs()[0].name: batch.numpy()})[0])
    answers = []
    for scores in torch.nn.functional.softmax(output, dim=1).numpy():
        best = np.argsort(scores)[::-1][:5]
        classes = [{"class": labels[index], "score": round(float(scores[index]), 3)} for index in best]
        classes.sort(key=lambda one: one["score"], reverse=True)
        answers.append({"classPredictions": classes})
    return answers


def main():
    model, labels, out, *photos = sys.argv[2:]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    photos = [Path(photo) for photo in photos]
    answers = batch_process(session, Path(labels).read_text().splitlines(), [photo.read_bytes() for photo in photos])
    Path(out).write_text(json.dumps({photo.name: answer for photo, answer in zip(photos, answers)}, indent=1))


if __name__ == "__main__":
    main()
