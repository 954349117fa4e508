import { describe, expect, test } from "vitest";
import { asSentence, splitHint, toFailure } from "./failures";

describe("failures", () => {
  test("a hint with a program is prose and code", () => {
    const { prose, code } = splitHint(
      "Export it where you trained it.\n\nimport torch\ntorch.onnx.export(\n    model,\n)\n",
    );
    expect(prose).toBe("Export it where you trained it.");
    expect(code).toBe("import torch\ntorch.onnx.export(\n    model,\n)");
  });

  test("a hint of prose alone stays prose", () => {
    expect(splitHint("Import the model anew.\nThen try again.")).toEqual({
      prose: "Import the model anew.\nThen try again.",
      code: null,
    });
  });

  test("a message is a sentence, but a file's name stays as it is", () => {
    expect(asSentence("the worker was killed")).toBe("The worker was killed");
    expect(asSentence("resnet50.pt is a checkpoint")).toBe("resnet50.pt is a checkpoint");
  });

  test("whatever is thrown becomes a failure", () => {
    expect(toFailure("boom").message).toBe("boom");
    expect(toFailure({ code: "DiskFull", message: "full" })).toMatchObject({
      code: "DiskFull",
      causes: [],
      hint: "",
    });
  });
});
