import { describe, expect, test } from "vitest";
import { namespaceOf, reference, referenceProblem, repository } from "./reference";

describe("references", () => {
  test("are put together and taken apart", () => {
    expect(reference("localhost:5000", "vision/cat", "1")).toBe("localhost:5000/vision/cat:1");
    expect(repository("", "cat")).toBe("cat");
    expect(repository("a/b/", "cat")).toBe("a/b/cat");
    expect(namespaceOf("a/b/cat")).toBe("a/b");
  });

  test("are checked by the distribution grammar", () => {
    expect(referenceProblem("vision/cat__dog-1", "0.0.1")).toBeNull();
    for (const bad of ["Vision/cat", "vision//cat", "/cat", "cat/", "c at", "cat..dog", ""])
      expect(referenceProblem(bad, "1")).not.toBeNull();
    expect(referenceProblem("cat", ".1")).not.toBeNull();
    expect(referenceProblem("cat", "x".repeat(129))).not.toBeNull();
  });
});
