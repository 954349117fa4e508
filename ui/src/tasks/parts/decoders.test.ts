import { expect, test } from "vitest";
import { decoders } from "../../host/fake/decoders";
import { pkg } from "../../host/fake/fixtures";
import { decodersOf, setTask } from "./decoders";

const namesOf = (task: Parameters<typeof decodersOf>[1]) =>
  decodersOf(decoders, task).map((one) => one.name);

test("a task of boxes has a decoder that can have what the boxes have", () => {
  const { postprocess } = pkg();
  setTask(postprocess, "detection", decoders);
  expect(postprocess.decoder).toBe("yolov8");
  postprocess.decoder = "detr";
  setTask(postprocess, "pose", decoders);
  expect(postprocess).toMatchObject({ task: "pose", decoder: "yolov8", keypoints: [17, 3] });
  expect(namesOf("pose")).not.toContain("detr");
  expect(namesOf("detection")).toContain("detr");
});

test("a task without boxes keeps the rest as it is", () => {
  const { postprocess } = pkg();
  const before = structuredClone(postprocess);
  setTask(postprocess, "matte", decoders);
  expect(postprocess).toEqual({ ...before, task: "matte" });
});
