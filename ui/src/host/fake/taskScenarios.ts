/** States of the page that show a task. */
import type { Detection, State, Task } from "../../generated/contract";
import * as fixtures from "./fixtures";
import { longName, useTask } from "./tasks";

type Scenario = (state: State) => void;

const task =
  (name: Task, pictures = 5, boxes = 6): Scenario =>
  (state) => {
    state.preview.samples = fixtures.samples(pictures);
    state.preview.done = pictures;
    useTask(state, name, boxes);
  };

/** Changes the detections of every sample. */
function detections(change: (all: Detection[]) => Detection[]): Scenario {
  return (state) => {
    task("detection")(state);
    state.preview.samples = state.preview.samples.map((sample) =>
      sample.outcome && "detections" in sample.outcome
        ? { ...sample, outcome: { detections: change(sample.outcome.detections) } }
        : sample,
    );
  };
}

export const taskScenarios: Record<string, Scenario> = {
  detection: task("detection"),
  "detection-none": detections(() => []),
  "detection-names": detections((all) =>
    all.map((one) => ({ ...one, class: `<b>${longName}</b>` })),
  ),
  "detection-crowd": task("detection", 5, 300),
  "detection-many": task("detection", 2000, 40),
  "rotated-detection": task("rotated-detection"),
  pose: task("pose", 5, 3),
  "instance-segmentation": task("instance-segmentation"),
  segmentation: task("segmentation"),
  matte: task("matte"),
  embedding: task("embedding", 40),
  text: task("text"),
};
