import { describe, expect, test } from "vitest";
import type { RunLengths } from "../../generated/contract";
import { area, eachPixel } from "./runLengths";

function grid(mask: RunLengths, width: number, height: number): string[] {
  const rows = Array.from({ length: height }, () => Array<string>(width).fill("."));
  eachPixel(mask, width, height, (x, y) => {
    const row = rows[y];
    if (row) row[x] = "#";
  });
  return rows.map((row) => row.join(""));
}

describe("run lengths", () => {
  // The second column, and the top of the third.
  const mask: RunLengths = { size: [3, 4], counts: [3, 4, 5] };

  test("go down the columns and begin with zeros", () => {
    expect(grid(mask, 4, 3)).toEqual([".##.", ".#..", ".#.."]);
    expect(area(mask)).toBe(4);
    expect(grid({ size: [2, 2], counts: [0, 1, 2, 1] }, 2, 2)).toEqual(["#.", ".#"]);
  });

  test("are sampled at the centres of the pixels", () => {
    expect(grid({ size: [4, 4], counts: [8, 8] }, 2, 2)).toEqual([".#", ".#"]);
    expect(grid({ size: [1, 2], counts: [1, 1] }, 4, 2)).toEqual(["..##", "..##"]);
  });

  test("agree with the mask pixel for pixel at any size", () => {
    const large: RunLengths = { size: [7, 5], counts: [2, 6, 3, 9, 1, 10, 4] };
    const whole = grid(large, 5, 7);
    for (const [width, height] of [
      [3, 4],
      [11, 9],
    ] as const)
      expect(grid(large, width, height)).toEqual(
        Array.from({ length: height }, (_, y) =>
          Array.from(
            { length: width },
            (_, x) =>
              whole[Math.floor(((y + 0.5) * 7) / height)]?.[Math.floor(((x + 0.5) * 5) / width)],
          ).join(""),
        ),
      );
  });

  test("past the end of the mask are left out", () => {
    const long: RunLengths = { size: [1, 2], counts: [1, 1_000_000_000] };
    expect(grid(long, 2, 1)).toEqual([".#"]);
    expect(area(long)).toBe(1);
  });
});
