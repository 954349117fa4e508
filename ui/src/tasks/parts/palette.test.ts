import { describe, expect, test } from "vitest";
import { black, colour, colours, contrast, opposite, rgb, white, type Rgb } from "./palette";

/** How dichromats see linear colours: Machado, Oliveira and Fernandes (2009), severity 1. */
const sights: Record<string, number[][]> = {
  everyone: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
};

function seen(value: Rgb, matrix: number[][]): number[] {
  const linear = value.map((one) => {
    const share = one / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const times = (rows: number[][], vector: number[]) =>
    rows.map((row) => row.reduce((sum, one, i) => sum + one * (vector[i] ?? 0), 0));
  const cones = times(
    [
      [0.4122214708, 0.5363325363, 0.0514459929],
      [0.2119034982, 0.6806995451, 0.1073969566],
      [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    times(matrix, linear).map((one) => Math.max(0, Math.min(1, one))),
  ).map(Math.cbrt);
  return times(
    [
      [0.2104542553, 0.793617785, -0.0040720468],
      [1.9779984951, -2.428592205, 0.4505937099],
      [0.0259040371, 0.7827717662, -0.808675766],
    ],
    cones,
  );
}

describe("the palette", () => {
  test("gives a class its colour by its index, whatever the picture holds", () => {
    expect(rgb(0)).toEqual([230, 159, 0]);
    expect(colour(2)).toBe("rgb(0 158 115)");
    expect(new Set(colours.map(String)).size).toBe(colours.length);
    expect(rgb(colours.length + 3)).toEqual(rgb(3));
  });

  test.each(Object.keys(sights))("is told apart in its first round: %s", (sight) => {
    const points = colours.slice(0, 7).map((one) => seen(one, sights[sight] ?? []));
    // 0.02 in Oklab is a difference that is just noticed.
    for (const [i, one] of points.entries())
      for (const other of points.slice(i + 1))
        expect(Math.hypot(...one.map((value, n) => value - (other[n] ?? 0)))).toBeGreaterThan(0.06);
  });

  test("stands out from its stroke, so that it does on light and on dark photos", () => {
    for (let index = 0; index < colours.length; index += 1) {
      expect(contrast(rgb(index), opposite(index))).toBeGreaterThan(4.5);
      const worst = Math.min(
        ...[black, white].map((photo) =>
          Math.max(contrast(rgb(index), photo), contrast(opposite(index), photo)),
        ),
      );
      expect(worst).toBeGreaterThan(4.5);
    }
  });
});
