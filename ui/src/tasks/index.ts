/** The tasks that the page can show. A new task is a file in this folder and its line here. */
import type { Outcome, Package, Task } from "../generated/contract";
import type { PreviewSample } from "../lib/state";
import { classification } from "./classification.svelte";
import { detection, instances, pose, rotated } from "./detection.svelte";
import { embedding } from "./embedding.svelte";
import { matte } from "./matte.svelte";
import { raw } from "./raw.svelte";
import { segmentation } from "./segmentation.svelte";
import { text } from "./text.svelte";
import type { ResultContext, TaskView } from "./task";

export const tasks: Record<Task, TaskView> = {
  classification,
  detection,
  "rotated-detection": rotated,
  pose,
  "instance-segmentation": instances,
  segmentation,
  matte,
  embedding,
  text,
  raw,
};

const views = Object.values(tasks);

/**
 * The task that an outcome is a result of. It is not always the package's task: an outcome of the
 * run before stays until the new run has one.
 */
export function taskOf(outcome: Outcome | null): TaskView | null {
  return (outcome && views.find((view) => view.isResult(outcome))) ?? null;
}

/** How sure the model is of a result; `null` where there is no result, or its task has no score. */
export function confidence(outcome: Outcome | null): number | null {
  return (outcome && taskOf(outcome)?.confidence?.(outcome)) ?? null;
}

export function resultContext(
  pkg: Package | null,
  samples: readonly PreviewSample[],
): ResultContext {
  const first = samples.find((sample) => taskOf(sample.outcome) !== null);
  return { postprocess: pkg?.postprocess ?? null, first: first?.outcome ?? null, samples };
}
