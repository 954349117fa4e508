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

  test("names what format 2 adds, in the order in which it happens", () => {
    const pkg = fixtures.pkg();
    Object.assign(pkg.input[0] ?? {}, { width: null, height: null, stride: 32 });
    Object.assign(pkg.preprocess, {
      decode: "opencv",
      exif: false,
      jpeg_quality: 95,
      central_crop: 0.875,
      resize: "long-side",
      size: 1024,
      long_side: "half-up",
      crop: "none",
      channels: "grey",
      grey: "after",
      scale: "photo-maximum",
      mean: [114.495],
      std: [57.63],
    });
    expect(pipelineSteps(pkg).map((step) => step.text)).toEqual([
      "photo by OpenCV",
      "JPEG 95",
      "middle 87.5 %",
      "long side 1024",
      "multiple of 32",
      "grey",
      "maximum → 255",
      "(x − 114.495) / 57.63",
      "NCHW f32",
    ]);
    pkg.preprocess.grey = "before";
    expect(
      pipelineSteps(pkg)
        .map((step) => step.text)
        .slice(2, 5),
    ).toEqual(["middle 87.5 %", "grey", "long side 1024"]);
  });

  test.each([
    [{ resize: "short-side", size: 800, max_size: 1333 }, "short side 800 ≤ 1333"],
    [{ resize: "thumbnail" }, "thumbnail 224"],
    [{ resize: "letterbox" }, "fit into 224"],
    [{ resize: "letterbox", align: "top-left" }, "fit into 224, top left"],
    [{ resize: "stretch", size: null }, "stretch to 224"],
    [{ resize: "stretch", size: 256 }, "stretch to 256"],
    [{ pad_normalised: 0 }, "border 0"],
    [{ draft: true }, "draft"],
    [{ decode: "tensorflow", exif: false }, "photo by TensorFlow"],
    [{ decode: "opencv-grey" }, "upright grey photo by OpenCV"],
    [{ decode: "opencv-unchanged", exif: false }, "unchanged photo by OpenCV"],
  ])("%o is called %s", (fields, text) => {
    const pkg = fixtures.pkg();
    Object.assign(pkg.preprocess, fields);
    expect(pipelineSteps(pkg).map((step) => step.text)).toContain(text);
  });

  test("says which library resizes, and how", () => {
    const pkg = fixtures.pkg();
    Object.assign(pkg.preprocess, {
      filter: "torchvision-bicubic",
      antialias: false,
      resize_in: "unit",
    });
    const title = pipelineSteps(pkg).find((step) => step.field === "preprocess.resize")?.title;
    expect(title).toBe(
      "The shorter side is resized to 256 pixels, the other rounded down (torchvision bicubic, not antialiased, in floats of 0 to 1)",
    );
  });

  test("every step has a field of its own", () => {
    const pkg = fixtures.pkg();
    Object.assign(pkg.input[0] ?? {}, { stride: 32 });
    Object.assign(pkg.preprocess, {
      draft: true,
      jpeg_quality: 95,
      central_crop: 0.5,
      scale: "photo-maximum",
      pad_normalised: 0,
    });
    const fields = pipelineSteps(pkg).map((step) => step.field);
    expect(new Set(fields).size).toBe(fields.length);
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
