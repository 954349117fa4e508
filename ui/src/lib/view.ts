/** What the page knows, and how each event of the studio changes it. */
import type { Event, Job, Preview, Sample, State } from "../generated/contract";

/** A sample with the run that its outcome is of. */
export interface Shown extends Sample {
  run: number;
}

export interface View extends Omit<State, "preview"> {
  preview: Omit<Preview, "samples">;
  /** Every sample that was heard of, by id. */
  known: ReadonlyMap<number, Shown>;
  order: readonly number[];
  /** `known` in `order`. */
  samples: readonly Shown[];
}

export function fromState(state: State): View {
  const { samples, ...preview } = state.preview;
  const shown = samples.map((sample) => ({ ...sample, run: preview.run }));
  return {
    ...state,
    preview,
    known: new Map(shown.map((sample) => [sample.id, sample])),
    order: shown.map((sample) => sample.id),
    samples: shown,
  };
}

export function apply(view: View, event: Event): View {
  switch (event.event) {
    case "document":
      return { ...view, document: event.value };
    case "preview": {
      const { order, ...preview } = event.value;
      return order ? inOrder({ ...view, preview }, view.known, order) : { ...view, preview };
    }
    case "samples":
      return inOrder(view, merge(view.known, event.value.samples, event.value.run), view.order);
    case "job":
      return { ...view, jobs: withJob(view.jobs, event.value) };
    case "history":
      return { ...view, history: event.value };
    case "recent":
      return { ...view, recent: event.value };
    case "accounts":
      return { ...view, accounts: event.value };
    case "settings":
      return { ...view, settings: event.value };
    default:
      return view;
  }
}

/**
 * An older outcome stays until the new run has one, so that an edit does not blank the grid; one of
 * an older run than the one known is dropped.
 */
function merge(
  known: ReadonlyMap<number, Shown>,
  samples: readonly Sample[],
  run: number,
): Map<number, Shown> {
  const next = new Map(known);
  for (const sample of samples) {
    const before = next.get(sample.id);
    if (before?.outcome && (!sample.outcome || before.run > run)) {
      next.set(sample.id, {
        ...sample,
        thumbnail: Math.max(sample.thumbnail, before.thumbnail),
        picture: sample.picture ?? before.picture,
        outcome: before.outcome,
        run: before.run,
      });
    } else {
      next.set(sample.id, { ...sample, run });
    }
  }
  return next;
}

function inOrder(view: View, known: ReadonlyMap<number, Shown>, order: readonly number[]): View {
  const kept =
    order === view.order ? known : new Map([...known].filter(([id]) => wanted(order, id)));
  const samples = order.flatMap((id) => kept.get(id) ?? []);
  return { ...view, known: kept, order, samples };
}

const sets = new WeakMap<readonly number[], Set<number>>();

function wanted(order: readonly number[], id: number): boolean {
  let set = sets.get(order);
  if (!set) sets.set(order, (set = new Set(order)));
  return set.has(id);
}

function withJob(jobs: readonly Job[], job: Job): Job[] {
  const at = jobs.findIndex((one) => one.id === job.id);
  return at < 0 ? [job, ...jobs] : jobs.with(at, job);
}

/** Whether an outcome is not of the package as it is now. */
export function isStale(sample: Shown, preview: View["preview"]): boolean {
  return sample.outcome !== null && sample.run !== preview.run;
}

export function isBusy(preview: View["preview"]): boolean {
  return preview.status === "loading" || preview.status === "running";
}
