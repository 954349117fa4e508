import { describe, expect, test } from "vitest";
import { fieldName, isWithin } from "./fields";

describe("fields", () => {
  test("indices of a problem's path lead to the page's control", () => {
    expect(fieldName("input.0.width")).toBe("input.width");
    expect(fieldName("input[0].width")).toBe("input.width");
    expect(isWithin("preprocess.std.1", "preprocess.std")).toBe(true);
    expect(isWithin("preprocess.standard", "preprocess.std")).toBe(false);
  });
});
