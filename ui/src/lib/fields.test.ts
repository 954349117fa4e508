import { describe, expect, test } from "vitest";
import { fieldName, isWithin, problemSentence } from "./fields";

describe("fields", () => {
  test("indices of a problem's path lead to the page's control", () => {
    expect(fieldName("input.0.width")).toBe("input.width");
    expect(fieldName("input[0].width")).toBe("input.width");
    expect(isWithin("preprocess.std.1", "preprocess.std")).toBe(true);
    expect(isWithin("preprocess.standard", "preprocess.std")).toBe(false);
  });

  test("a problem has a subject, its own or the label", () => {
    expect(problemSentence("Std", "is divided by, so it can't be 0")).toBe(
      "Std is divided by, so it can't be 0",
    );
    expect(problemSentence("Stride", "the model's `x` has a fixed size: leave it out")).toBe(
      "The model's `x` has a fixed size: leave it out",
    );
    expect(problemSentence("Resize", "`letterbox` needs width and height of the input")).toBe(
      "`letterbox` needs width and height of the input",
    );
  });
});
