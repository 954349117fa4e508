import { describe, expect, test } from "vitest";
import type { Job, Outcome, PreviewChange, Sample } from "../generated/contract";
import { document, state } from "../host/fake/fixtures";
import { reduce, toPageState, isStale } from "./state";

const outcome = (name: string): Outcome => ({ classPredictions: [{ class: name, score: 0.9 }] });
const sample = (id: number, made: Outcome | null): Sample => ({
  id,
  name: `${id}.jpg`,
  outcome: made,
  thumbnail: made ? 1 : 0,
  picture: null,
  details: null,
});
const change = (run: number, over: Partial<PreviewChange> = {}): PreviewChange => ({
  run,
  status: "running",
  failure: null,
  order: null,
  done: 0,
  device: null,
  batch_size: 8,
  timing: null,
  ...over,
});

function two() {
  const start = state();
  start.preview = {
    ...start.preview,
    run: 1,
    samples: [sample(1, outcome("cat")), sample(2, outcome("dog"))],
  };
  return toPageState(start);
}

describe("events", () => {
  test("outcomes replace those of their sample and keep the order", () => {
    const view = reduce(two(), {
      event: "samples",
      value: { run: 1, samples: [sample(2, outcome("wolf"))] },
    });
    expect(view.samples.map((one) => one.outcome)).toEqual([outcome("cat"), outcome("wolf")]);
  });

  test("a new run keeps the old outcome, marked as stale, until there is a new one", () => {
    let view = reduce(two(), { event: "preview", value: change(2) });
    view = reduce(view, {
      event: "samples",
      value: { run: 2, samples: [sample(1, null), sample(2, outcome("wolf"))] },
    });
    expect(view.samples.map((one) => one.outcome)).toEqual([outcome("cat"), outcome("wolf")]);
    expect(view.samples.map((one) => isStale(one, view.preview))).toEqual([true, false]);
  });

  test("an outcome of an older run that comes late is dropped", () => {
    let view = reduce(two(), {
      event: "samples",
      value: { run: 3, samples: [sample(1, outcome("new"))] },
    });
    view = reduce(view, {
      event: "samples",
      value: { run: 2, samples: [sample(1, outcome("late"))] },
    });
    expect(view.samples[0]?.outcome).toEqual(outcome("new"));
  });

  test("samples may come before or after the order that names them", () => {
    let view = reduce(two(), { event: "preview", value: change(1, { order: [2, 3, 1] }) });
    expect(view.samples.map((one) => one.id)).toEqual([2, 1]);
    view = reduce(view, { event: "samples", value: { run: 1, samples: [sample(3, null)] } });
    expect(view.samples.map((one) => one.id)).toEqual([2, 3, 1]);

    let other = reduce(two(), { event: "samples", value: { run: 1, samples: [sample(3, null)] } });
    expect(other.samples.map((one) => one.id)).toEqual([1, 2]);
    other = reduce(other, { event: "preview", value: change(1, { order: [1, 2, 3] }) });
    expect(other.samples.map((one) => one.id)).toEqual([1, 2, 3]);
  });

  test("removed samples are forgotten, and a late outcome does not bring one back", () => {
    let view = reduce(two(), { event: "preview", value: change(1, { order: [2] }) });
    view = reduce(view, {
      event: "samples",
      value: { run: 1, samples: [sample(1, outcome("ghost"))] },
    });
    expect(view.samples.map((one) => one.id)).toEqual([2]);
  });

  test("a job is replaced where it stands, a new one comes first", () => {
    const job = (id: number, elapsed_ms: number): Job => ({
      id,
      kind: "publish",
      title: "",
      stages: [],
      stage: "",
      items: [],
      log: [],
      status: { status: "running" },
      elapsed_ms,
      bytes_per_second: 0,
    });
    let view = reduce(two(), { event: "job", value: job(1, 0) });
    view = reduce(view, { event: "job", value: job(2, 0) });
    view = reduce(view, { event: "job", value: job(1, 5) });
    expect(view.jobs.map((one) => [one.id, one.elapsed_ms])).toEqual([
      [2, 0],
      [1, 5],
    ]);
  });

  test("the rest is replaced whole, and what says nothing about the state changes nothing", () => {
    const view = two();
    expect(reduce(view, { event: "document", value: null }).document).toBeNull();
    expect(reduce(view, { event: "document", value: document() }).document?.model.file).toBe(
      "model.onnx",
    );
    expect(reduce(view, { event: "recent", value: [] }).recent).toEqual([]);
    expect(reduce(view, { event: "accounts", value: [] }).accounts).toEqual([]);
    expect(reduce(view, { event: "history", value: [] }).history).toEqual([]);
    expect(
      reduce(view, { event: "settings", value: { ...view.settings, theme: "dark" } }).settings
        .theme,
    ).toBe("dark");
    expect(reduce(view, { event: "close-requested" })).toBe(view);
  });
});
