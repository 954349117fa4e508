/** How a job ended, as the page shows it. */
import type { Failure, Job, Report } from "../generated/contract";

export function failureOf(job: Job | null): Failure | null {
  return job?.status.status === "failed" ? job.status.failure : null;
}

/** What was published; also where the proof then failed. */
export function reportOf(job: Job | null): Report | null {
  const status = job?.status;
  const result = status && "result" in status ? status.result : null;
  return result && "images" in result ? result : null;
}
