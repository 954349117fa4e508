import { describe, expect, test } from "vitest";
import { tailLength, wrapSegments } from "./overflow";

describe("names", () => {
  test("a short name is not cut, a long one keeps its end", () => {
    expect(tailLength("cat.jpg")).toBe(0);
    const name = "a-very-long-export-from-a-camera-0042.jpg";
    expect(name.slice(-tailLength(name))).toBe("ra-0042.jpg");
  });

  test("a character of two halves stays whole", () => {
    const name = "x".repeat(20) + "🐈" + "0123456.jp";
    expect(tailLength(name)).toBe(12);
    expect(name.slice(-tailLength(name))).toBe("🐈0123456.jp");
  });

  test("a reference goes on in the next line after a slash", () => {
    expect(wrapSegments("registry.example.com:5000/vision/cat:1@sha256:ab")).toEqual([
      "registry.example.com:5000/",
      "vision/",
      "cat:1@",
      "sha256:ab",
    ]);
    expect(wrapSegments("no slash").join("")).toBe("no slash");
  });
});
