import { expect, test } from "vitest";
import { withHead } from "./heads";

test("heads keep the order of the model's outputs, whichever is changed", () => {
  const head = (output: string) => ({ output, activation: "softmax" as const, classes: [] });
  const order = ["age", "gender", "colour"];
  const two = withHead([head("colour")], "gender", head("gender"), order);
  expect(two.map((one) => one.output)).toEqual(["gender", "colour"]);
  const changed = withHead(two, "gender", { ...head("gender"), classes: ["f", "m"] }, order);
  expect(changed[0]?.classes).toEqual(["f", "m"]);
  expect(withHead(changed, "gender", null, order).map((one) => one.output)).toEqual(["colour"]);
});
