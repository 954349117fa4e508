import { describe, expect, test } from "vitest";
import * as fixtures from "../host/fake/fixtures";
import { progressBars, bytesSent, stageState } from "./progress";

describe("a job's progress bars", () => {
  test("are one a target and one for what targets share, with what is reused and what is sent in words", () => {
    const job = fixtures.job(1, { status: "running" }, 0.62);
    const [amd, arm, shared] = progressBars(job);
    expect(amd?.segments.map((one) => [one.label, one.reused])).toEqual([
      ["base", true],
      ["runtime", false],
    ]);
    expect(amd?.summary).toBe("13.6 of 14.6 MB · 4.3 MB reused");
    expect(arm?.done).toBe(false);
    expect(shared?.target).toBe("");
    expect(bytesSent(job).total).toBeGreaterThan(bytesSent(job).done);
  });

  test("keep the last stage's where the running one has none yet", () => {
    expect(
      progressBars({ ...fixtures.job(1, { status: "running" }), stage: "prove" }),
    ).toHaveLength(3);
  });

  test("of what is hashed and what is predicted at the same time are two", () => {
    const job = fixtures.job(1, { status: "running" });
    job.stage = "build";
    job.items = [
      {
        item: "model.onnx",
        label: "model",
        target: null,
        stage: "build",
        unit: "bytes",
        done: 5_000_000,
        total: 10_000_000,
        reused: false,
      },
      {
        item: "boxwright.toml",
        label: "preview",
        target: null,
        stage: "build",
        unit: "images",
        done: 2,
        total: 5,
        reused: false,
      },
    ];
    const [hashed, predicted] = progressBars(job);
    expect([hashed?.title, hashed?.summary]).toEqual(["model", "5.0 of 10.0 MB"]);
    expect([predicted?.title, predicted?.summary]).toEqual(["preview", "2 of 5 samples"]);
    expect(hashed?.key).not.toBe(predicted?.key);
  });

  test("stages before the running one are done", () => {
    const job = fixtures.job(1, { status: "running" });
    expect(job.stages.map((stage) => stageState(job, stage))).toEqual([
      "done",
      "done",
      "current",
      "pending",
      "pending",
    ]);
  });
});
