import { expect, test } from "vitest";
import type { SegmentClass } from "../../generated/contract";
import { bySize, foreground, isBackground, share } from "./pixels";

const one = (index: number, name: string, pixels: number): SegmentClass => ({
  class: name,
  index,
  pixels,
});

test("class 0 is the background if it is called so, or is one of two without names", () => {
  const named = [one(0, "__background__", 9), one(1, "cat", 1)];
  expect(named.map((each) => isBackground(each, named))).toEqual([true, false]);
  const two = [one(0, "0", 9), one(1, "1", 1)];
  expect(isBackground(one(0, "0", 9), two)).toBe(true);
  const many = [...two, one(7, "7", 4)];
  expect(isBackground(one(0, "0", 9), many)).toBe(false);
  expect(isBackground(one(0, "wall", 9), many)).toBe(false);
});

test("classes come by their share of the picture, the background last", () => {
  const classes = [one(0, "background", 60), one(3, "sky", 10), one(5, "tree", 30)];
  const result = { width: 10, height: 10, classes, mask: "" };
  expect(bySize(result).map((each) => each.class)).toEqual(["tree", "sky", "background"]);
  expect(share(one(5, "tree", 30), result)).toBe(0.3);
});

test("the foreground of a matte is its mean", () => {
  expect(foreground({ width: 2, height: 1, values: Uint8Array.of(0, 255) })).toBe(0.5);
});
