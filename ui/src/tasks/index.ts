/** The tasks that the page can show. A new task is a file in this folder and its line here. */
import type { Outcome, Package, Task } from "../generated/contract";
import type { PreviewSample } from "../lib/state";
import Classification, { classification } from "./classification.svelte";
import Detection, { detection, instances, pose, rotated } from "./detection.svelte";
import Embedding, { embedding } from "./embedding.svelte";
import Matte, { matte } from "./matte.svelte";
import Raw, { raw } from "./raw.svelte";
import Segmentation, { segmentation } from "./segmentation.svelte";
import Text, { text } from "./text.svelte";
import type { ResultContext, TaskView } from "./task";

/**
 * A task with the component of its file. The component is never shown, but the build leaves the styles
 * of a file out whose component nothing refers to.
 */
const styled = (view: TaskView, component: unknown): TaskView & { component: unknown } => ({
  ...view,
  component,
});

export const tasks: Record<Task, TaskView> = {
  classification: styled(classification, Classification),
  detection: styled(detection, Detection),
  "rotated-detection": styled(rotated, Detection),
  pose: styled(pose, Detection),
  "instance-segmentation": styled(instances, Detection),
  segmentation: styled(segmentation, Segmentation),
  matte: styled(matte, Matte),
  embedding: styled(embedding, Embedding),
  text: styled(text, Text),
  raw: styled(raw, Raw),
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
  return {
    postprocess: pkg?.postprocess ?? null,
    named: pkg?.labels != null,
    first: first?.outcome ?? null,
    samples,
  };
}
