import { describe, expect, test } from "vitest";
import type { Detection, Outcome } from "../../generated/contract";
import * as fixtures from "../../host/fake/fixtures";
import { above, bones, classCounts, dots, hit, outline, type Shown } from "./detections";

const box = (index: number, score: number, place: Detection["box"]): Detection => ({
  class: `class ${index}`,
  index,
  score,
  box: place,
});
const large = box(1, 0.9, [0, 0, 100, 100]);
const small = box(2, 0.8, [20, 20, 40, 40]);
const weak = box(2, 0.3, [60, 60, 70, 90]);
const outcome: Outcome = { detections: [large, small, weak] };
const shown: Shown[] = [large, small, weak].map((detection, place) => ({ place, detection }));

describe("detections", () => {
  test("are shown above the threshold as it is now, by the places of the result", () => {
    const postprocess = fixtures.pkg().postprocess;
    expect(above(outcome, postprocess)).toHaveLength(3);
    postprocess.score_threshold = 0.3;
    expect(above(outcome, postprocess).map((one) => one.place)).toEqual([0, 1]);
    expect(above(outcome, null)).toHaveLength(3);
  });

  test("are counted by class", () => {
    expect(classCounts(shown)).toEqual([
      { name: "class 2", index: 2, count: 2 },
      { name: "class 1", index: 1, count: 1 },
    ]);
  });

  test("are found under a point, the smallest of those that hold it", () => {
    expect(hit(shown, [30, 30])).toBe(1);
    expect(hit(shown, [50, 10])).toBe(0);
    expect(hit(shown, [150, 10])).toBeNull();
  });

  test("that are turned are found within their corners, not within their bounds", () => {
    const turned: Detection = {
      ...box(0, 0.9, [0, 0, 100, 100]),
      polygon: [
        [50, 0],
        [100, 50],
        [50, 100],
        [0, 50],
      ],
    };
    expect(hit([{ place: 4, detection: turned }], [50, 50])).toBe(4);
    expect(hit([{ place: 4, detection: turned }], [10, 10])).toBeNull();
    expect(outline([turned])).toBe("M50 0L100 50L50 100L0 50Z");
  });

  test("of a person have a skeleton, without the keypoints that the model is not sure of", () => {
    const keypoints = Array.from({ length: 17 }, (_, i): [number, number, number] => [i, i, 0.9]);
    expect(bones({ ...large, keypoints })).toHaveLength(19);
    keypoints[0] = [0, 0, 0.1];
    expect(bones({ ...large, keypoints })).toHaveLength(17);
    expect(bones({ ...large, keypoints: keypoints.slice(0, 5) })).toEqual([]);
    expect(dots([{ ...large, keypoints: keypoints.slice(0, 2) }])).toBe("M1 1h0");
  });
});
