import { expect, test } from "vitest";
import type { Shown } from "./detections";
import { labelHeight, placeLabels } from "./labels";

const at = (place: number, left: number, top: number): Shown => ({
  place,
  detection: {
    class: "dog",
    index: 1,
    score: 0.9 - place / 10,
    box: [left, top, left + 50, top + 50],
  },
});
const places = (shown: Shown[], scale: number, first: number | null = null) =>
  placeLabels(shown, [400, 300], [400 * scale, 300 * scale], first, (one) => one.detection.class);

test("labels that would cover a better one appear when the picture is larger", () => {
  const shown = [at(0, 100, 100), at(1, 110, 104), at(2, 300, 200)];
  expect(places(shown, 1).map((one) => one.place)).toEqual([0, 2]);
  expect(places(shown, 8).map((one) => one.place)).toEqual([0, 1, 2]);
  expect(places(shown, 1, 1).map((one) => one.place)).toEqual([1, 2]);
});

test("labels lie above their boxes, and never outside of the picture", () => {
  const [above, below, right] = places([at(0, 100, 100), at(1, 0, 4), at(2, 395, 200)], 1);
  expect(above?.top).toBe(100 - labelHeight);
  expect(below?.top).toBe(4);
  expect(right?.left).toBeLessThan(380);
});

test("labels of a crowd leave the picture to be seen", () => {
  const crowd = Array.from({ length: 300 }, (_, i) =>
    at(i, (i % 20) * 19, 20 + Math.floor(i / 20) * 18),
  );
  const covered = places(crowd, 2).length * labelHeight * 30;
  expect(covered).toBeGreaterThan(0.05 * 800 * 600);
  expect(covered).toBeLessThan(0.12 * 800 * 600);
});
