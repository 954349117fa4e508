/** Results of every task, as a model might give them for the sample's photos. */
import type {
  Detection,
  Outcome,
  RunLengths,
  SegmentClass,
  State,
  Task,
} from "../../generated/contract";

type Size = readonly [number, number];

const names = ["person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck"];
export const longName =
  "a wall-mounted industrial ventilation unit with a protective grille, seen from below";

/** Numbers from 0 to 1 that look random and are the same every time. */
function numbers(seed: number): () => number {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Whether a pixel lies in the ellipse in a box. */
function inEllipse([left, top, right, bottom]: Detection["box"], x: number, y: number): boolean {
  const across = (2 * x - left - right) / (right - left);
  const down = (2 * y - top - bottom) / (bottom - top);
  return across * across + down * down <= 1;
}

function ellipse(box: Detection["box"], [width, height]: Size): RunLengths {
  const counts: number[] = [];
  let [run, ones] = [0, false];
  for (let x = 0; x < width; x += 1)
    for (let y = 0; y < height; y += 1) {
      if (inEllipse(box, x + 0.5, y + 0.5) !== ones) {
        counts.push(run);
        [run, ones] = [0, !ones];
      }
      run += 1;
    }
  return { size: [height, width], counts: [...counts, run] };
}

/** Where COCO's keypoints of a standing person are, in shares of the box. */
const person: readonly Size[] = [
  [0.5, 0.08],
  [0.54, 0.06],
  [0.46, 0.06],
  [0.58, 0.08],
  [0.42, 0.08],
  [0.66, 0.22],
  [0.34, 0.22],
  [0.8, 0.36],
  [0.2, 0.36],
  [0.86, 0.5],
  [0.1, 0.46],
  [0.6, 0.52],
  [0.4, 0.52],
  [0.64, 0.74],
  [0.36, 0.74],
  [0.68, 0.95],
  [0.32, 0.95],
];

function box(random: () => number, [width, height]: Size, largest: number): Detection["box"] {
  const across = width * (0.06 + random() * largest);
  const down = height * (0.08 + random() * largest);
  const left = random() * (width - across);
  const top = random() * (height - down);
  return [left, top, left + across, top + down];
}

function turned([left, top, right, bottom]: Detection["box"], angle: number): Detection["polygon"] {
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  const [a, b] = [(right - left) / 3, (bottom - top) / 5];
  const at = (i: number, j: number): [number, number] => [
    x + i * a * Math.cos(angle) - j * b * Math.sin(angle),
    y + i * a * Math.sin(angle) + j * b * Math.cos(angle),
  ];
  return [at(-1, -1), at(1, -1), at(1, 1), at(-1, 1)];
}

export function boxes(task: Task, seed: number, size: Size, count: number): Outcome {
  const random = numbers(seed);
  const detections = Array.from({ length: count }, (_, i): Detection => {
    const index = task === "pose" ? 0 : Math.floor(random() * random() * names.length);
    const one: Detection = {
      class: names[index] ?? String(index),
      index,
      score: 0.97 * (1 - i / (count + 1)) ** 0.6,
      box: box(random, size, count > 50 ? 0.12 : 0.4),
    };
    if (task === "rotated-detection") one.polygon = turned(one.box, random() * 3);
    if (task === "instance-segmentation") one.mask = ellipse(one.box, size);
    if (task === "pose") {
      const [left, top, right, bottom] = one.box;
      one.keypoints = person.map(([x, y], n) => [
        left + x * (right - left),
        top + y * (bottom - top),
        n === 9 ? 0.1 : 0.9,
      ]);
    }
    return one;
  });
  return { detections };
}

/** A grey PNG in base64, of one stored block a row. */
function png([width, height]: Size, value: (x: number, y: number) => number): string {
  const data = new Uint8Array(2 + height * (width + 6) + 4);
  let [at, low, high] = [0, 1, 0];
  const put = (...bytes: number[]) => bytes.forEach((byte) => (data[at++] = byte));
  put(0x78, 0x01);
  for (let y = 0; y < height; y += 1) {
    const length = width + 1;
    put(Number(y === height - 1), length & 255, length >> 8, ~length & 255, (~length >> 8) & 255);
    for (let x = -1; x < width; x += 1) {
      const byte = x < 0 ? 0 : value(x, y);
      data[at++] = byte;
      low = (low + byte) % 65521;
      high = (high + low) % 65521;
    }
  }
  put(high >> 8, high & 255, low >> 8, low & 255);
  const word = (number: number) => [24, 16, 8, 0].map((shift) => (number >> shift) & 255);
  const letters = (name: string) => [...name].map((letter) => letter.charCodeAt(0));
  const header = [...word(width), ...word(height), 8, 0, 0, 0, 0];
  const before = [137, 80, 78, 71, 13, 10, 26, 10, ...word(header.length), ...letters("IHDR")];
  const start = [...before, ...header, ...word(0), ...word(data.length), ...letters("IDAT")];
  const text = (bytes: ArrayLike<number>) => {
    let all = "";
    for (let i = 0; i < bytes.length; i += 1) all += String.fromCharCode(bytes[i] ?? 0);
    return all;
  };
  return btoa(text(start) + text(data) + text(word(0)));
}

const scene = ["background", "sky", "table", "plant", "water", "road, route", "wall"];

function segmentation(seed: number, size: Size): Outcome {
  const random = numbers(seed);
  const [width, height] = size;
  const parts = Array.from({ length: 5 }, (_, i) => ({
    index: 1 + ((seed + i) % (scene.length - 1)),
    box: box(random, size, 0.6),
  }));
  const pixels = new Map<number, number>();
  const mask = png(size, (x, y) => {
    const index = parts.find((part) => inEllipse(part.box, x, y))?.index ?? 0;
    pixels.set(index, (pixels.get(index) ?? 0) + 1);
    return index;
  });
  const classes = [...pixels].map(([index, of]): SegmentClass => ({
    class: scene[index] ?? "",
    index,
    pixels: of,
  }));
  return {
    segmentation: { width, height, classes: classes.sort((a, b) => a.index - b.index), mask },
  };
}

function matte(size: Size): Outcome {
  const [width, height] = size;
  return {
    matte: png(size, (x, y) => {
      const [across, down] = [(2 * x) / width - 1, (2 * y) / height - 1];
      const far = Math.hypot(across / 0.55, down / 0.85);
      return Math.round(255 * Math.max(0, Math.min(1, (1.05 - far) * 8)));
    }),
  };
}

const lines = [
  "OPEN 24 HOURS",
  "Straße des 17. Juni",
  "营业中 · open",
  "",
  "INV-2026/00417  €1,204.50",
];

function embedding(seed: number): Outcome {
  const random = numbers(seed % 5);
  const own = numbers(seed);
  const values = Array.from({ length: 384 }, () => random() - 0.5 + (own() - 0.5) * 0.4);
  const norm = Math.hypot(...values);
  return { embedding: { values: values.map((value) => value / norm), norm: norm * 9 } };
}

const made = new Map<string, Outcome>();

export function outcomeOf(task: Task, id: number, size: Size, count = 6): Outcome {
  const one = id % 5;
  const large = task === "segmentation" || task === "matte" || task === "instance-segmentation";
  const key = `${task} ${large ? one : id} ${size.join(" ")} ${count}`;
  const before = made.get(key);
  if (before) return before;
  const outcome =
    task === "segmentation"
      ? segmentation(one, size)
      : task === "matte"
        ? matte(size)
        : task === "embedding"
          ? embedding(id)
          : task === "text"
            ? { text: { value: lines[one] ?? "", score: lines[one] ? 0.99 - one / 12 : 0 } }
            : boxes(task, large ? one : id, size, count);
  made.set(key, outcome);
  return outcome;
}

/** Makes the state one of a package of `task`. */
export function useTask(state: State, task: Task, count = 6): void {
  state.preview.samples = state.preview.samples.map((sample) =>
    sample.picture && sample.outcome && !("error" in sample.outcome)
      ? { ...sample, outcome: outcomeOf(task, sample.id, sample.picture, count) }
      : sample,
  );
  if (!state.document) return;
  const { package: pkg, model } = state.document;
  pkg.postprocess = {
    ...pkg.postprocess,
    task,
    output: null,
    activation: task === "text" ? "softmax" : "none",
    decoder: "detections" in outcomeOf(task, 1, [8, 8]) ? "yolov8" : null,
    keypoints: task === "pose" ? [17, 3] : null,
  };
  model.signature.outputs = [{ name: "output0", datatype: "FP32", shape: ["batch", 84, 8400] }];
  if (task === "instance-segmentation")
    model.signature.outputs.push({
      name: "output1",
      datatype: "FP32",
      shape: ["batch", 32, 160, 160],
    });
}
