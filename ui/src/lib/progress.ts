/** A job's items as progress bars: one for each target and unit, one segment for each layer. */
import type { Job, JobItem } from "../generated/contract";
import { bytes, bytesOf, plural } from "./format";

export interface Segment {
  key: string;
  label: string;
  /** Relative width. */
  weight: number;
  /** Progress, from 0 to 1. */
  share: number;
  reused: boolean;
}

export interface ProgressBar {
  key: string;
  target: string;
  /** The label of a bar that belongs to no target. */
  title: string;
  segments: Segment[];
  done: boolean;
  summary: string;
}

/** The smallest share of a bar's width that is visible. */
const minimumShare = 0.02;

function segment(item: JobItem, sum: number): Segment {
  const total = item.total ?? item.done;
  return {
    key: item.item,
    label: item.label,
    weight: Math.max(total, sum * minimumShare, 1),
    share: item.reused ? 1 : total > 0 ? Math.min(1, item.done / total) : 0,
    reused: item.reused,
  };
}

function summary(items: readonly JobItem[]): string {
  const sum = (list: readonly JobItem[], of: (item: JobItem) => number) =>
    list.reduce((all, item) => all + of(item), 0);
  if (items.every((item) => item.unit === "images")) {
    const total = sum(items, (item) => item.total ?? item.done);
    return `${sum(items, (item) => item.done)} of ${plural(total, "sample")}`;
  }
  const sent = items.filter((item) => !item.reused);
  const reused = sum(items, (item) => (item.reused ? (item.total ?? 0) : 0));
  const total = sum(sent, (item) => item.total ?? item.done);
  const done = sum(sent, (item) => item.done);
  const parts = sent.length === 0 ? [] : [done >= total ? bytes(total) : bytesOf(done, total)];
  if (reused > 0) parts.push(`${bytes(reused)} reused`);
  return parts.join(" · ");
}

/** The bars of the current stage; if it has none yet, those of the last stage that has some. */
export function progressBars(job: Job): ProgressBar[] {
  const at = job.stages.indexOf(job.stage);
  const stages = [job.stage, ...job.stages.slice(0, Math.max(0, at)).reverse(), ...job.stages];
  const stage = stages.find((name) => job.items.some((item) => item.stage === name));
  const rows = new Map<string, JobItem[]>();
  for (const item of job.items) {
    if (item.stage !== stage) continue;
    // Bytes and images can't be added.
    const key = `${item.unit} ${item.target ?? ""}`;
    rows.set(key, [...(rows.get(key) ?? []), item]);
  }
  return [...rows].map(([key, items]) => {
    const sum = items.reduce((all, item) => all + (item.total ?? item.done), 0);
    const segments = items.map((item) => segment(item, sum));
    const [first, ...others] = items;
    const title = (others.length === 0 && first?.label) || "shared";
    return {
      key,
      target: first?.target ?? "",
      title,
      segments,
      done: segments.every((one) => one.share >= 1),
      summary: summary(items),
    };
  });
}

/** Bytes sent, and bytes to send, in the current stage. */
export function bytesSent(job: Job): { done: number; total: number } {
  const items = job.items.filter(
    (item) => item.unit === "bytes" && !item.reused && item.stage === job.stage,
  );
  return {
    done: items.reduce((all, item) => all + item.done, 0),
    total: items.reduce((all, item) => all + (item.total ?? item.done), 0),
  };
}

export type StageState = "done" | "current" | "pending";

export function stageState(job: Job, stage: string): StageState {
  if (job.status.status === "finished") return "done";
  const at = job.stages.indexOf(stage);
  const now = job.stages.indexOf(job.stage);
  return at < now ? "done" : at === now ? "current" : "pending";
}
