import { describe, expect, test } from "vitest";
import * as fixtures from "../host/fake/fixtures";
import type { PreviewSample } from "../lib/state";
import { counts, filterAndSort } from "./samples";

describe("samples", () => {
  const shown: PreviewSample[] = fixtures.samples(40).map((sample) => ({ ...sample, run: 1 }));

  test("are counted and filtered alike", () => {
    const totals = counts(shown);
    expect(totals.all).toBe(40);
    for (const filter of ["failed", "low"] as const)
      expect(filterAndSort(shown, filter, "added")).toHaveLength(totals[filter]);
    expect(totals.failed).toBeGreaterThan(0);
  });

  test("sort by name with numbers as numbers, by score with failures last", () => {
    const names = [10, 9, 1].map((n) => ({
      ...(shown[0] as PreviewSample),
      id: n,
      name: `p${n}.jpg`,
    }));
    expect(filterAndSort(names, "all", "name").map((one) => one.id)).toEqual([1, 9, 10]);
    for (const sort of ["score-up", "score-down"] as const)
      expect(filterAndSort(shown, "all", sort).at(-1)?.outcome).toHaveProperty("error");
  });
});
