import { describe, expect, test } from "vitest";
import { axes, dtype } from "./signature";

describe("signatures", () => {
  test("name dynamic axes, and say where even the rank is open", () => {
    expect(axes(["batch", 3, ""])).toEqual([
      { text: "batch", dynamic: true },
      { text: "3", dynamic: false },
      { text: "any", dynamic: true },
    ]);
    expect(axes(null)).toBeNull();
    expect(dtype("FP32")).toBe("f32");
  });
});
