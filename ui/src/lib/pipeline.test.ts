import { describe, expect, test } from "vitest";
import * as fixtures from "../host/fake/fixtures";
import { normalisation, parseNumbers, formatNumbers, pipelineSteps } from "./pipeline";

describe("the pipeline's steps", () => {
  test("says what the package file says", () => {
    expect(pipelineSteps(fixtures.pkg()).map((step) => step.text)).toEqual([
      "upright photo",
      "short side 256",
      "crop 224",
      "RGB",
      "(x − 127) / 128",
      "NCHW f32",
    ]);
  });

  test("leaves out what does nothing", () => {
    const pkg = fixtures.pkg();
    Object.assign(pkg.preprocess, {
      resize: "none",
      crop: "none",
      mean: [0],
      std: [1],
      exif: false,
    });
    expect(pipelineSteps(pkg).map((step) => step.text)).toEqual(["photo", "RGB", "NCHW f32"]);
  });

  test("of a package without an image input is one word", () => {
    const pkg = fixtures.pkg();
    pkg.input = [
      {
        name: "x",
        kind: "tensor",
        layout: "NCHW",
        dtype: "f32",
        width: null,
        height: null,
      } as never,
    ];
    expect(pipelineSteps(pkg)).toHaveLength(1);
  });

  test("normalisation is written per channel only where channels differ", () => {
    expect(normalisation([0, 0, 0], [255, 255, 255])).toBe("x / 255");
    expect(normalisation([1], [1])).toBe("x − 1");
    expect(normalisation([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])).toBe(
      "(x − [123.675, 116.28, 103.53]) / [58.395, 57.12, 57.375]",
    );
    expect(normalisation([0], [1])).toBeNull();
  });

  test("numbers are read with any separator, and only numbers", () => {
    expect(parseNumbers("127, 127;127")).toEqual([127, 127, 127]);
    expect(parseNumbers("1e2 -3.5")).toEqual([100, -3.5]);
    expect(parseNumbers("12a")).toBeNull();
    expect(parseNumbers("  ")).toBeNull();
    expect(formatNumbers([0.1 + 0.2, 5])).toBe("0.3  5");
  });
});
