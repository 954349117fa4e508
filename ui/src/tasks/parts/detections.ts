/** Boxes with what they may have besides: which are shown, where they are, how they are drawn. */
import type { Detection, Outcome, Postprocess } from "../../generated/contract";
import type { Drawing } from "../task";
import { colour, opposite, oppositeColour, packed, rgb } from "./palette";
import { frame } from "./raster";
import { eachPixel } from "./runLengths";
import { surface } from "./surface";

export type Point = readonly [number, number];

/** A detection with its place in the result. */
export interface Shown {
  place: number;
  detection: Detection;
}

/** Which keypoints of a person are joined, by the order of COCO. */
export const personEdges: readonly Point[] = [
  [15, 13],
  [13, 11],
  [16, 14],
  [14, 12],
  [11, 12],
  [5, 11],
  [6, 12],
  [5, 6],
  [5, 7],
  [6, 8],
  [7, 9],
  [8, 10],
  [1, 2],
  [0, 1],
  [0, 2],
  [1, 3],
  [2, 4],
  [3, 5],
  [4, 6],
];
/** Keypoints that the model is less sure of are not drawn. */
const leastKeypoint = 0.3;

export function detections(outcome: Outcome): Detection[] {
  return "detections" in outcome ? outcome.detections : [];
}

/** Those above the score threshold as it is now, which the outcome may be older than. */
export function above(outcome: Outcome, postprocess: Postprocess | null): Shown[] {
  const threshold = postprocess?.score_threshold ?? -Infinity;
  return detections(outcome)
    .map((detection, place) => ({ place, detection }))
    .filter((one) => one.detection.score > threshold);
}

export interface ClassCount {
  name: string;
  index: number;
  count: number;
}

/** The classes by falling number of boxes. */
export function classCounts(shown: readonly Shown[]): ClassCount[] {
  const counts = new Map<number, ClassCount>();
  for (const { detection } of shown) {
    const { index } = detection;
    const one = counts.get(index);
    if (one) one.count += 1;
    else counts.set(index, { name: detection.class, index, count: 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || a.index - b.index);
}

/** The detections of each class, the classes of the weakest first, so that the best are drawn last. */
export function byClass(shown: readonly Shown[]): { index: number; some: Detection[] }[] {
  const classes = new Map<number, Detection[]>();
  for (const { detection } of shown) {
    const some = classes.get(detection.index);
    if (some) some.push(detection);
    else classes.set(detection.index, [detection]);
  }
  return [...classes].map(([index, some]) => ({ index, some })).reverse();
}

/** The corners in order. */
export function corners({ box: [left, top, right, bottom], polygon }: Detection): Point[] {
  if (polygon) return polygon;
  return [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ];
}

/** Pairs of keypoints that are joined and of which the model is sure. */
export function bones({ keypoints }: Detection): [Point, Point][] {
  if (keypoints?.length !== 17) return [];
  return personEdges.flatMap(([from, to]) => {
    const [a, b] = [keypoints[from], keypoints[to]];
    const sure = a && b && a[2] >= leastKeypoint && b[2] >= leastKeypoint;
    return sure ? [[[a[0], a[1]] as const, [b[0], b[1]] as const]] : [];
  });
}

export function joints({ keypoints }: Detection): Point[] {
  return (keypoints ?? []).filter((one) => one[2] >= leastKeypoint).map(([x, y]) => [x, y]);
}

/** The outlines as the data of one SVG path. */
export function outline(some: readonly Detection[]): string {
  const at = ([x, y]: Point) => `${round(x)} ${round(y)}`;
  return some
    .map((one) => {
      const shape = `M${corners(one).map(at).join("L")}Z`;
      return (
        shape +
        bones(one)
          .map(([from, to]) => `M${at(from)}L${at(to)}`)
          .join("")
      );
    })
    .join("");
}

/** Keypoints as the data of one SVG path of points, which round caps make visible. */
export function dots(some: readonly Detection[]): string {
  return some
    .flatMap(joints)
    .map(([x, y]) => `M${round(x)} ${round(y)}h0`)
    .join("");
}

const round = (value: number) => Math.round(value * 100) / 100;

/** Twice the signed area of the triangle. */
const side = (a: Point, b: Point, at: Point) =>
  (b[0] - a[0]) * (at[1] - a[1]) - (b[1] - a[1]) * (at[0] - a[0]);

function extent(points: readonly Point[]): number {
  const last = points.at(-1) ?? [0, 0];
  return Math.abs(
    points.reduce((sum, point, i) => {
      const before = points[i - 1] ?? last;
      return sum + before[0] * point[1] - point[0] * before[1];
    }, 0) / 2,
  );
}

/** The smallest box that holds the point, so that boxes in others can be reached. */
export function hit(shown: readonly Shown[], at: Point): number | null {
  let [found, least]: [number | null, number] = [null, Infinity];
  for (const { place, detection } of shown) {
    const points = corners(detection);
    const sides = points.map((point, i) =>
      side(point, points[(i + 1) % points.length] ?? point, at),
    );
    const holds = sides.every((one) => one >= 0) || sides.every((one) => one <= 0);
    const size = extent(points);
    if (holds && size < least) [found, least] = [place, size];
  }
  return found;
}

/** The masks in one picture of `width` × `height`, those of better boxes on top. */
export function paintMasks(shown: readonly Shown[], width: number, height: number): ImageData {
  const picture = new ImageData(width, height);
  const pixels = new Uint32Array(picture.data.buffer);
  for (const { detection } of [...shown].reverse()) {
    if (!detection.mask) continue;
    const one = packed([...rgb(detection.index), 255]);
    eachPixel(detection.mask, width, height, (x, y) => (pixels[y * width + x] = one));
  }
  return picture;
}

/** A size of the same proportions with no side longer than `longest`. */
export function reduced([width, height]: Point, longest: number): [number, number] {
  const scale = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** In pixels of the screen, on a card. */
const [lineWidth, borderWidth] = [2, 0.75];

/** Draws boxes, masks and skeletons: a line of the class's colour on a wider one that it stands out from. */
export function draw(shown: readonly Shown[], drawing: Drawing): void {
  const { canvas, picture } = drawing;
  if (shown.some((one) => one.detection.mask)) {
    const masks = surface(paintMasks(shown, ...reduced(picture, 480)));
    canvas.globalAlpha = 0.5;
    canvas.drawImage(masks, 0, 0, ...picture);
    canvas.globalAlpha = 1;
  }
  const upright = shown.every(({ detection: { polygon, keypoints } }) => !polygon && !keypoints);
  if (upright) drawBoxes(shown, drawing);
  else drawLines(shown, drawing);
}

function drawBoxes(shown: readonly Shown[], { canvas }: Drawing): void {
  const { a: scale, e: left, f: top } = canvas.getTransform();
  const { width, height } = canvas.canvas;
  const pixels = blank(width, height);
  const raster = { width, height, pixels: new Uint32Array(pixels.data.buffer) };
  const ratio = globalThis.devicePixelRatio || 1;
  const half = Math.max(1, Math.round((lineWidth * ratio) / 2));
  const border = Math.max(1, Math.round(borderWidth * ratio));
  const across = (x: number) => Math.round(x * scale + left);
  const down = (y: number) => Math.round(y * scale + top);
  for (const { index, some } of byClass(shown)) {
    // A border on both sides of the line, and then the line.
    const frames = [
      [half, half + border, packed([...opposite(index), 255])],
      [-half - border, -half, packed([...opposite(index), 255])],
      [-half, half, packed([...rgb(index), 255])],
    ] as const;
    const boxes = some.map(({ box: [x0, y0, x1, y1] }) => {
      return [across(x0), down(y0), across(x1), down(y1)] as const;
    });
    for (const [inner, outer, one] of frames)
      for (const box of boxes) frame(raster, box, inner, outer, one);
  }
  if (!shown.some((one) => one.detection.mask)) {
    canvas.putImageData(pixels, 0, 0);
    return;
  }
  canvas.save();
  canvas.resetTransform();
  canvas.drawImage(surface(pixels), 0, 0);
  canvas.restore();
}

let last: ImageData | undefined;

/** Pixels that nothing is drawn on yet: those of the last call, where the size is the same. */
function blank(width: number, height: number): ImageData {
  if (last?.width === width && last.height === height) last.data.fill(0);
  else last = new ImageData(width, height);
  return last;
}

function drawLines(shown: readonly Shown[], { canvas, scale }: Drawing): void {
  const ratio = globalThis.devicePixelRatio || 1;
  canvas.lineJoin = "round";
  canvas.lineCap = "round";
  for (const { index, some } of byClass(shown)) {
    const path = new Path2D(outline(some));
    const points = new Path2D(dots(some));
    for (const [stroke, width] of [
      [oppositeColour(index), 2 * borderWidth],
      [colour(index), 0],
    ] as const) {
      canvas.strokeStyle = stroke;
      canvas.lineWidth = ((lineWidth + width) * ratio) / scale;
      canvas.stroke(path);
      canvas.lineWidth = ((2 * lineWidth + width) * ratio) / scale;
      canvas.stroke(points);
    }
  }
}
