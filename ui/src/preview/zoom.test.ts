import { describe, expect, test } from "vitest";
import { clamp, fit, fitted, zoomAt } from "./zoom";

const picture = [400, 200] as const;
const box = [800, 600] as const;

describe("zooming", () => {
  test("starts where the whole picture fits", () => {
    expect(fit(picture, box)).toEqual([800, 400]);
    expect(fit([100, 400], box)).toEqual([150, 600]);
    expect(zoomAt(fitted, 0.5, [100, 50], picture, box)).toEqual(fitted);
  });

  test("keeps the point under the pointer", () => {
    const at = [200, 100] as const;
    const zoomed = zoomAt(fitted, 4, at, picture, box);
    expect(zoomed.zoom).toBe(4);
    // The point's place in the picture, from its middle, at a zoom of 1.
    const place = (position: typeof zoomed) => [
      (at[0] - position.x) / position.zoom,
      (at[1] - position.y) / position.zoom,
    ];
    expect(place(zoomed)).toEqual(place(fitted));
  });

  test("ends where a pixel of the picture is large", () => {
    expect(zoomAt(fitted, 1000, [0, 0], picture, box).zoom).toBe(8);
    expect(zoomAt(fitted, 1000, [0, 0], [8000, 4000], box).zoom).toBe(160);
  });

  test("leaves no more empty room than needed", () => {
    // 1,600 × 800 in 800 × 600.
    expect(clamp({ zoom: 2, x: 5000, y: -5000 }, picture, box)).toEqual({
      zoom: 2,
      x: 400,
      y: -100,
    });
    expect(clamp({ zoom: 1, x: 50, y: 50 }, picture, box)).toEqual(fitted);
  });
});
