/** The outcome of a job. */
import type { Failure, Job, Report } from "../generated/contract";

export function failureOf(job: Job | null): Failure | null {
  return job?.status.status === "failed" ? job.status.failure : null;
}

/** The report of a finished job, or of one whose proof failed. */
export function reportOf(job: Job | null): Report | null {
  const status = job?.status;
  const result = status && "result" in status ? status.result : null;
  return result && "images" in result ? result : null;
}
