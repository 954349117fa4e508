/** Where the names of boxes are written, so that none covers another. */
import type { Point, Shown } from "./detections";
import { corners } from "./detections";

export interface Label {
  place: number;
  text: string;
  index: number;
  /** Of its left upper corner, in pixels of the shown picture. */
  left: number;
  top: number;
}

export const labelHeight = 18;
const perLetter = 6.6;
const mostLetters = 28;
/** How much of the picture labels may cover. */
const mostCovered = 0.1;

interface Extent {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

const overlap = (a: Extent, b: Extent) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/**
 * Labels at the upper left of their boxes, the better box first; one that would cover another is left
 * out until the picture is larger, and so is what would cover too much of it. The label of `first` is always there.
 */
export function placeLabels(
  shown: readonly Shown[],
  picture: Point,
  size: Point,
  first: number | null,
  text: (shown: Shown) => string,
): Label[] {
  const taken: Extent[] = [];
  let free = size[0] * size[1] * mostCovered;
  const ahead = shown.filter((one) => one.place === first);
  const rest = shown.filter((one) => one.place !== first);
  const [x, y] = [size[0] / picture[0], size[1] / picture[1]];
  return [...ahead, ...rest].flatMap((one) => {
    const points = corners(one.detection);
    const written = text(one);
    const width = Math.min(written.length, mostLetters) * perLetter + 10;
    const edge = Math.min(...points.map((point) => point[0])) * x;
    const upper = Math.min(...points.map((point) => point[1])) * y;
    const left = Math.max(0, Math.min(edge, size[0] - width));
    const top = upper >= labelHeight ? upper - labelHeight : Math.max(0, upper);
    const extent = { left, top, right: left + width, bottom: top + labelHeight };
    const room = one.place === first || free > 0;
    if (!room || taken.some((other) => overlap(extent, other))) return [];
    taken.push(extent);
    free -= width * labelHeight;
    return [{ place: one.place, text: written, index: one.detection.index, left, top }];
  });
}
