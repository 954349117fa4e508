"""Geometry that several decoders share, in 32 bits as the libraries compute it."""

import torch


def fitted(size, most, round_side=round):
    """The size of a picture that fits into `most`, both width and height."""
    gain = min(most[1] / size[1], most[0] / size[0])
    return tuple(max(int(round_side(side * gain)), 1) for side in size)


def letterbox_canvas(size, most, stride=None):
    """The tensor's size: `most`, or padded to the next multiple of `stride` only."""
    if stride is None:
        return most
    inner = fitted(size, most)
    return tuple(side + (whole - side) % stride for side, whole in zip(inner, most))


def corners(boxes):
    center, half = boxes[..., :2], boxes[..., 2:4] / 2
    return torch.cat([center - half, center + half], -1)


def clip(boxes, size):
    width, height = size
    limits = torch.tensor([width, height] * (boxes.shape[-1] // 2), dtype=boxes.dtype)
    return torch.minimum(boxes.clamp(min=0), limits)


class Letterbox:
    """The way back of Ultralytics since 8.4: a gain for each axis, and padding of whole pixels."""

    def __init__(self, size, canvas):
        self.size = size
        gain = min(canvas[1] / size[1], canvas[0] / size[0])
        self.inner = [max(round(side * gain), 1) for side in size]
        self.gain = [new / old for new, old in zip(self.inner, size)]
        self.pad = [round((all - new) / 2 - 0.1) for all, new in zip(canvas, self.inner)]

    def points(self, points):
        """x and y in the last axis."""
        back = points.clone()
        for axis in range(points.shape[-1]):
            back[..., axis] = (back[..., axis] - self.pad[axis % 2]) / self.gain[axis % 2]
        return back


class OneGain:
    """YOLOv5's: one gain, and padding of parts of a pixel."""

    def __init__(self, size, canvas):
        self.size = size
        self.gain = min(canvas[1] / size[1], canvas[0] / size[0])
        self.pad = [(all - side * self.gain) / 2 for all, side in zip(canvas, size)]

    def points(self, points):
        back = points.clone()
        for axis in range(points.shape[-1]):
            back[..., axis] = (back[..., axis] - self.pad[axis % 2]) / self.gain
        return back


class Stretched:
    def __init__(self, size, canvas):
        self.gain = [new / old for new, old in zip(canvas, size)]

    def points(self, points):
        back = points.clone()
        for axis in range(points.shape[-1]):
            back[..., axis] = back[..., axis] / self.gain[axis % 2]
        return back


def run_lengths(mask):
    """COCO's, column by column, of a boolean array [height, width]."""
    flat = mask.T.reshape(-1)
    changes = (flat[1:] != flat[:-1]).nonzero()[0] + 1
    edges = [0, *changes.tolist(), len(flat)]
    counts = [end - start for start, end in zip(edges, edges[1:])]
    return {"size": list(mask.shape), "counts": ([0] if flat[0] else []) + counts}
