import { describe, expect, test } from "vitest";
import { ending, pieces } from "./names";

describe("names", () => {
  test("a short name is not cut, a long one keeps its end", () => {
    expect(ending("cat.jpg")).toBe(0);
    const name = "a-very-long-export-from-a-camera-0042.jpg";
    expect(name.slice(-ending(name))).toBe("ra-0042.jpg");
  });

  test("a character of two halves stays whole", () => {
    const name = "x".repeat(20) + "🐈" + "0123456.jp";
    expect(ending(name)).toBe(12);
    expect(name.slice(-ending(name))).toBe("🐈0123456.jp");
  });

  test("a reference goes on in the next line after a slash", () => {
    expect(pieces("registry.example.com:5000/vision/cat:1@sha256:ab")).toEqual([
      "registry.example.com:5000/",
      "vision/",
      "cat:1@",
      "sha256:ab",
    ]);
    expect(pieces("no slash").join("")).toBe("no slash");
  });
});
