import { expect, test } from "vitest";
import { pkg } from "../../host/fake/fixtures";
import { decodersOf, setTask } from "./decoders";

test("a task of boxes has a decoder that can have what the boxes have", () => {
  const { postprocess } = pkg();
  setTask(postprocess, "detection");
  expect(postprocess.decoder).toBe("yolov8");
  postprocess.decoder = "detr";
  setTask(postprocess, "pose");
  expect(postprocess).toMatchObject({ task: "pose", decoder: "yolov8", keypoints: [17, 3] });
  expect(decodersOf("pose")).not.toContain("detr");
  expect(decodersOf("detection")).toContain("detr");
});

test("a task without boxes keeps the rest as it is", () => {
  const { postprocess } = pkg();
  const before = structuredClone(postprocess);
  setTask(postprocess, "matte");
  expect(postprocess).toEqual({ ...before, task: "matte" });
});
