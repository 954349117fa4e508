import { expect, test } from "vitest";
import { frame } from "./raster";

/** The rows of a picture with a box from 3, 2 to 8, 6 in it. */
function drawn(...box: [number, number, number, number]) {
  const [width, height] = [10, 8];
  const pixels = new Uint32Array(width * height);
  frame({ width, height, pixels }, box, -1, 1, 1);
  return Array.from({ length: height }, (_, y) =>
    [...pixels.subarray(y * width, (y + 1) * width)].map((one) => (one ? "#" : ".")).join(""),
  );
}

test("the outline of a box reaches as far in as out", () => {
  expect(drawn(3, 2, 8, 6)).toEqual([
    "..........",
    "..#######.",
    "..#######.",
    "..##...##.",
    "..##...##.",
    "..#######.",
    "..#######.",
    "..........",
  ]);
});

test("what lies outside the picture is left out, and a box without a size is a dot", () => {
  expect(drawn(-5, -5, 2, 20)[4]).toBe(".##.......");
  expect(drawn(5, 4, 5, 4).join("\n")).toBe(
    [
      "..........",
      "..........",
      "..........",
      "....##....",
      "....##....",
      "..........",
      "..........",
      "..........",
    ].join("\n"),
  );
});
