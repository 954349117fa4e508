/** The page's copy of the studio's state, and the reducer of its events. */
import type { Event, Job, Preview, Sample, State } from "../generated/contract";

/** A sample, and the run that its outcome belongs to. */
export interface PreviewSample extends Sample {
  run: number;
}

export interface PageState extends Omit<State, "preview"> {
  preview: Omit<Preview, "samples">;
  /** All known samples. */
  byId: ReadonlyMap<number, PreviewSample>;
  order: readonly number[];
  /** The samples of `byId`, in `order`. */
  samples: readonly PreviewSample[];
}

export function toPageState(state: State): PageState {
  const { samples, ...preview } = state.preview;
  const shown = samples.map((sample) => ({ ...sample, run: preview.run }));
  return {
    ...state,
    preview,
    byId: new Map(shown.map((sample) => [sample.id, sample])),
    order: shown.map((sample) => sample.id),
    samples: shown,
  };
}

export function reduce(page: PageState, event: Event): PageState {
  switch (event.event) {
    case "document":
      return { ...page, document: event.value };
    case "preview": {
      const { order, ...preview } = event.value;
      return order ? withOrder({ ...page, preview }, page.byId, order) : { ...page, preview };
    }
    case "samples":
      return withOrder(page, merge(page.byId, event.value.samples, event.value.run), page.order);
    case "question":
      return { ...page, question: event.value };
    case "recipe":
      return { ...page, recipe: event.value };
    case "job":
      return { ...page, jobs: withJob(page.jobs, event.value) };
    case "history":
      return { ...page, history: event.value };
    case "recent":
      return { ...page, recent: event.value };
    case "accounts":
      return { ...page, accounts: event.value };
    case "settings":
      return { ...page, settings: event.value };
    default:
      return page;
  }
}

/**
 * An older outcome stays until the new run has one, so that an edit does not blank the grid; an
 * outcome that is older than the present one is dropped.
 */
function merge(
  byId: ReadonlyMap<number, PreviewSample>,
  samples: readonly Sample[],
  run: number,
): Map<number, PreviewSample> {
  const next = new Map(byId);
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

function withOrder(
  page: PageState,
  byId: ReadonlyMap<number, PreviewSample>,
  order: readonly number[],
): PageState {
  const kept = order === page.order ? byId : new Map([...byId].filter(([id]) => isIn(order, id)));
  const samples = order.flatMap((id) => kept.get(id) ?? []);
  return { ...page, byId: kept, order, samples };
}

const sets = new WeakMap<readonly number[], Set<number>>();

function isIn(order: readonly number[], id: number): boolean {
  let set = sets.get(order);
  if (!set) sets.set(order, (set = new Set(order)));
  return set.has(id);
}

function withJob(jobs: readonly Job[], job: Job): Job[] {
  const at = jobs.findIndex((one) => one.id === job.id);
  return at < 0 ? [job, ...jobs] : jobs.with(at, job);
}

/** Whether the outcome is of an older run, made before the package was changed. */
export function isStale(sample: PreviewSample, preview: PageState["preview"]): boolean {
  return sample.outcome !== null && sample.run !== preview.run;
}

export function isBusy(preview: PageState["preview"]): boolean {
  return preview.status === "loading" || preview.status === "running";
}
