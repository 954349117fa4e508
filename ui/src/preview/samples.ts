/** Filters and sorts the samples of a preview. */
import type { Outcome, SampleError } from "../generated/contract";
import type { PreviewSample } from "../lib/state";
import { confidence } from "../tasks";

export type Filter = "all" | "failed" | "low";
export type Sort = "added" | "name" | "score-up" | "score-down";

/** A result below this confidence counts as unsure. */
const lowConfidence = 0.5;

export function failed(outcome: Outcome | null): SampleError | null {
  return outcome && "error" in outcome ? outcome.error : null;
}

function matches(sample: PreviewSample, filter: Filter): boolean {
  if (filter === "failed") return failed(sample.outcome) !== null;
  if (filter === "low") return (confidence(sample.outcome) ?? 1) < lowConfidence;
  return true;
}

export function counts(samples: readonly PreviewSample[]): Record<Filter, number> {
  let failures = 0;
  let low = 0;
  for (const sample of samples) {
    if (matches(sample, "failed")) failures += 1;
    else if (matches(sample, "low")) low += 1;
  }
  return { all: samples.length, failed: failures, low };
}

const byName = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

export function filterAndSort(
  samples: readonly PreviewSample[],
  filter: Filter,
  sort: Sort,
): readonly PreviewSample[] {
  const filtered = filter === "all" ? samples : samples.filter((one) => matches(one, filter));
  if (sort === "added") return filtered;
  if (sort === "name") return [...filtered].sort((a, b) => byName.compare(a.name, b.name));
  const sign = sort === "score-up" ? 1 : -1;
  // Samples without a result come last.
  const key = (sample: PreviewSample) => sign * (confidence(sample.outcome) ?? sign * 2);
  return [...filtered].sort((a, b) => key(a) - key(b));
}
