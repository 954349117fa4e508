import { describe, expect, test } from "vitest";
import type { RecipeFinding, RecipeSearch } from "../generated/contract";
import { pkg } from "../host/fake/fixtures";
import { difference, findingText, photosProblem, placement, verdictText } from "./recipe";

function finding(parts: Partial<RecipeFinding> = {}): RecipeFinding {
  return {
    verdict: "exact",
    recipe: null,
    max_difference: 0,
    mean_difference: 0,
    unit: "levels of 255",
    differing: 0,
    compared: 1000,
    changes: [{ field: "size", was: "256", found: "224" }],
    in_package: false,
    same: [[{ field: "exif", value: "false" }]],
    heat_map: false,
    elapsed_ms: 1,
    out_of_time: false,
    ...parts,
  };
}

const search = (rows: number, photos: number[]): RecipeSearch => ({
  id: 1,
  run: 1,
  files: ["cat.npy"],
  evidence: "tensors",
  rows,
  photos,
  status: "choosing",
  started: null,
  answer: null,
  failure: null,
});

describe("the answer of a search", () => {
  test("says how far off the nearest recipe is, and never that a difference is 0", () => {
    expect([0, 0.4123, 38, 0.0000071].map(difference)).toEqual(["0", "0.412", "38", "7.1e-6"]);
    const near = finding({
      verdict: "near",
      mean_difference: 0.4,
      max_difference: 38,
      differing: 20,
    });
    expect(verdictText(near, "tensors")).toBe(
      "The best recipe is off by 0.4 levels of 255 on average, 38 at most. 20 of 1,000 numbers differ.",
    );
  });

  test("is copied with what it changes and what it can't tell", () => {
    expect(findingText(finding(), "answers").split("\n")).toEqual([
      "Exact. With this recipe the model answers as in your notebook, but for the last digits.",
      "  size: 256 -> 224",
      "These photos can't tell it from:",
      "  exif = false",
    ]);
  });
});

describe("the photos of a search", () => {
  test("are as many as the files' rows, and at most five", () => {
    expect(photosProblem(search(1, [4]))).toBeNull();
    expect(photosProblem(search(0, [4]))).toBeNull();
    expect(photosProblem(search(3, [4, 2]))).toContain("choose 1 more");
    expect(photosProblem(search(1, [4, 2]))).toContain("choose 1 fewer");
    expect(photosProblem(search(32, []))).toContain("x[:5]");
    expect(photosProblem(search(2, []))).toContain("Choose the photos");
  });
});

describe("a photo under the differences", () => {
  const recipe = (parts: object) => ({
    preprocess: { ...pkg().preprocess, ...parts },
    layout: "NCHW" as const,
    dtype: "f32" as const,
    size: [224, 224] as [number, number],
    stride: null,
  });

  test("lies where the recipe takes it from", () => {
    expect(placement(recipe({ resize: "stretch" }), [600, 400]).fit).toBe("fill");
    expect(placement(recipe({ resize: "letterbox" }), [600, 400]).fit).toBe("contain");
    // The centre of 224 pixels out of 256.
    expect(placement(recipe({}), [600, 400])).toEqual({ fit: "cover", scale: 256 / 224 });
    expect(placement(null, null)).toEqual({ fit: "cover", scale: 1 });
  });
});
