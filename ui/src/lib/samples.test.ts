import { expect, test } from "vitest";
import { pkg } from "../host/fake/fixtures";
import { sampleWord, tensorText } from "./samples";

test("a sample of tensors is no picture", () => {
  const one = pkg();
  expect(sampleWord(null)).toBe("picture");
  expect(sampleWord(one)).toBe("picture");
  for (const input of one.input) input.kind = "tensor";
  expect(sampleWord(one)).toBe("sample");
});

test("tensors are told by type and axes", () => {
  const spec = { name: "state", datatype: "FP32" } as const;
  expect(tensorText({ ...spec, shape: [2, "", 128] })).toBe("FP32 [2, ?, 128]");
  expect(tensorText({ ...spec, shape: [] })).toBe("FP32, one number");
  expect(tensorText({ ...spec, shape: null })).toBe("FP32, of any shape");
});
