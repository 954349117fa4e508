/** Which samples are shown, in which order, and what stands on a card. */
import type { ClassPrediction, Outcome, OutputTensor, SampleError } from "../generated/contract";
import type { PreviewSample } from "./state";

export type Filter = "all" | "failed" | "low";
export type Sort = "added" | "name" | "score-up" | "score-down";

/** A first class below this share is a doubtful one. */
export const lowConfidence = 0.5;

export function classes(outcome: Outcome | null): ClassPrediction[] | null {
  return outcome && "classPredictions" in outcome ? outcome.classPredictions : null;
}

export function outputs(outcome: Outcome | null): Record<string, OutputTensor> | null {
  return outcome && "outputs" in outcome ? outcome.outputs : null;
}

export function failed(outcome: Outcome | null): SampleError | null {
  return outcome && "error" in outcome ? outcome.error : null;
}

function best(sample: PreviewSample): number | null {
  return classes(sample.outcome)?.[0]?.score ?? null;
}

function matches(sample: PreviewSample, filter: Filter): boolean {
  if (filter === "failed") return failed(sample.outcome) !== null;
  if (filter === "low") return (best(sample) ?? 1) < lowConfidence;
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
  const kept = filter === "all" ? samples : samples.filter((sample) => matches(sample, filter));
  if (sort === "added") return kept;
  const sorted = [...kept];
  if (sort === "name") sorted.sort((a, b) => byName.compare(a.name, b.name));
  else {
    const sign = sort === "score-up" ? 1 : -1;
    sorted.sort((a, b) => sign * ((best(a) ?? sign * 2) - (best(b) ?? sign * 2)));
  }
  return sorted;
}

/** The first numbers of a tensor, as a card shows them. */
export function formatValues(tensor: OutputTensor, most = 6): string {
  const shown = tensor.data
    .slice(0, most)
    .map((value) => (Number.isInteger(value) ? String(value) : Number(value).toPrecision(4)));
  return tensor.data.length > most ? `${shown.join(", ")}, …` : shown.join(", ");
}
