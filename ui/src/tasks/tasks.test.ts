import { describe, expect, test } from "vitest";
import type { Outcome, Package } from "../generated/contract";
import * as fixtures from "../host/fake/fixtures";
import { confidence, resultContext, taskOf, tasks } from "./index";

const classes: Outcome = {
  classPredictions: [
    { class: "cat", score: 0.75 },
    { class: "dog", score: 0.25 },
  ],
};
const logits: Outcome = { classPredictions: [{ class: "cat", score: 12.5 }] };
const outputs: Outcome = {
  outputs: { logits: { shape: [3], datatype: "FP32", data: [1, 0.25, 3] } },
};

function context(pkg: Package, outcome: Outcome) {
  const samples = [
    fixtures.sample(1, "broken.jpg", fixtures.broken),
    fixtures.sample(2, "a.jpg", outcome),
  ];
  return resultContext(
    pkg,
    samples.map((sample) => ({ ...sample, run: 1 })),
  );
}

describe("tasks", () => {
  test("are told apart by the outcome, whatever the package says", () => {
    expect(taskOf(classes)).toBe(tasks.classification);
    expect(taskOf(outputs)).toBe(tasks.raw);
    expect(taskOf(fixtures.broken)).toBeNull();
    expect(taskOf(null)).toBeNull();
  });

  test("have a confidence where they have a score", () => {
    expect(confidence(classes)).toBe(0.75);
    expect(confidence(outputs)).toBeNull();
    expect(confidence(fixtures.broken)).toBeNull();
  });

  test("give a result as text", () => {
    const pkg = fixtures.pkg();
    expect(taskOf(classes)?.text(classes, context(pkg, classes))).toBe("cat\t75.0 %\ndog\t25.0 %");
    expect(taskOf(outputs)?.text(outputs, context(pkg, outputs))).toBe(
      '{"logits":{"shape":[3],"datatype":"FP32","data":[1,0.25,3]}}',
    );
  });

  test("show every output of a model that has several, the package's first", () => {
    const pkg = fixtures.pkg();
    pkg.postprocess.output = "gender";
    pkg.postprocess.heads = [{ output: "age", activation: "none", classes: [] }];
    const outcome: Outcome = {
      classPredictions: [{ class: "woman", score: 0.75 }],
      heads: { age: [{ class: "age", score: 31.5 }], gender: [{ class: "woman", score: 0.75 }] },
    };
    expect(taskOf(outcome)).toBe(tasks.classification);
    expect(confidence(outcome)).toBe(0.75);
    expect(tasks.classification.text(outcome, context(pkg, outcome))).toBe(
      "gender\twoman\t75.0 %\nage\tage\t31.50",
    );
  });

  test("without an activation, scores are percentages only if the model gives probabilities", () => {
    const pkg = fixtures.pkg();
    pkg.postprocess.activation = "none";
    expect(tasks.classification.text(classes, context(pkg, classes))).toContain("75.0 %");
    expect(tasks.classification.text(logits, context(pkg, logits))).toBe("cat\t12.50");
  });
});
