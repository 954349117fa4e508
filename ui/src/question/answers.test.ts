import { expect, test } from "vitest";
import { sample } from "../host/fake/fixtures";
import { question } from "../host/fake/question";
import { reduce, toPageState } from "../lib/state";
import { scenario } from "../host/fake/scenarios";
import { answered } from "./answers";

test("each answer is a result of its own on the same photo", () => {
  const photo = { ...sample(1, "cat.jpg", null), run: 3 };
  const all = answered(question(), photo, true);
  expect(all.length).toBeGreaterThan(2);
  for (const one of all) {
    expect(one.sample).toMatchObject({ id: 1, name: "cat.jpg", outcome: one.outcome });
    expect(one.context.first).toBe(one.outcome);
  }
});

test("a question comes and goes with its events", () => {
  const page = toPageState(scenario("filled"));
  const asked = reduce(page, { event: "question", value: question() });
  expect(asked.question?.title).toBe(question().title);
  expect(reduce(asked, { event: "question", value: null }).question).toBeNull();
});
