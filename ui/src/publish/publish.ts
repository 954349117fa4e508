/** Starts publishing, and says why that is not possible. */
import type { Studio } from "../lib/studio.svelte";
import { bytes, plural } from "../lib/format";
import type { Destination } from "./destination.svelte";

/** Why publishing is not possible now; `null` if it is. */
export function blockedReason(app: Studio, destination: Destination): string | null {
  const document = app.document;
  if (!document) return "Open a model first.";
  const problems = document.problems.length;
  if (problems > 0) {
    const have = problems === 1 ? "has" : "have";
    return `${plural(problems, "thing")} in the package ${have} to be mended first.`;
  }
  if (selectedTargets(app).length === 0) return "Tick at least one box above.";
  if (destination.kind === "registry" && destination.registry === "")
    return "Sign in to a registry, or choose an archive file.";
  if (destination.problem) return destination.problem;
  if (app.publishJob?.status.status === "running") return "One is under way.";
  return null;
}

export function selectedTargets(app: Studio): string[] {
  return app.state.targets
    .filter((one) => one.unavailable === null && app.settings.targets.includes(one.target))
    .map((one) => one.target);
}

/** The estimated size, before anything is built. */
export function sizeSummary(app: Studio, destination: Destination): string {
  const model = app.document?.model.size_bytes ?? 0;
  const chosen = app.state.targets.filter(
    (one) => one.unavailable === null && app.settings.targets.includes(one.target),
  );
  const all = chosen.reduce((sum, one) => sum + one.size, model);
  const size = `${plural(chosen.length, "platform")} · ${bytes(all)}`;
  return destination.kind === "archive"
    ? `${size} in one file`
    : `${size} at most; what is already there is not sent again`;
}

export async function publish(
  app: Studio,
  destination: Destination,
  replace = false,
): Promise<void> {
  if (blockedReason(app, destination)) return;
  await app.draft.flush();
  app.clearFailure("publish");
  destination.remember();
  const ended = app.publishJob;
  if (ended && ended.status.status !== "running") await app.dismiss(ended);
  await app.run(
    (host) =>
      host.publish({
        targets: selectedTargets(app),
        to: destination.request(),
        prove: app.settings.prove && destination.kind === "registry" && app.samples.length > 0,
        replace,
      }),
    "publish",
  );
}

/** Publishes under another version, after the tag turned out to be taken. */
export async function publishAs(
  app: Studio,
  destination: Destination,
  version: string,
): Promise<void> {
  app.draft.edit((pkg) => (pkg.package.version = version));
  await publish(app, destination);
}
