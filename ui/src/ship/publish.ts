/** Starting to publish: what stands in the way, in words, and the request. */
import type { Studio } from "../lib/studio.svelte";
import { bytes, plural } from "../lib/format";
import type { Destination } from "./destination.svelte";

/** Why publishing is not possible now; `null` where it is. */
export function obstacle(app: Studio, to: Destination): string | null {
  const document = app.document;
  if (!document) return "Open a model first.";
  if (document.problems.length > 0)
    return `${plural(document.problems.length, "thing")} in the package ${document.problems.length === 1 ? "has" : "have"} to be mended first.`;
  if (ticked(app).length === 0) return "Tick at least one box above.";
  if (to.kind === "registry" && to.registry === "")
    return "Sign in to a registry, or choose an archive file.";
  if (to.problem) return to.problem;
  if (app.shipping?.status.status === "running") return "One is under way.";
  return null;
}

export function ticked(app: Studio): string[] {
  return app.view.targets
    .filter((one) => one.unavailable === null && app.settings.targets.includes(one.target))
    .map((one) => one.target);
}

/** How much there is, before anything is built. */
export function summary(app: Studio, to: Destination): string {
  const model = app.document?.model.size_bytes ?? 0;
  const chosen = app.view.targets.filter(
    (one) => one.unavailable === null && app.settings.targets.includes(one.target),
  );
  const all = chosen.reduce((sum, one) => sum + one.size, model);
  const size = `${plural(chosen.length, "platform")} · ${bytes(all)}`;
  return to.kind === "archive"
    ? `${size} in one file`
    : `${size} at most; what is already there is not sent again`;
}

export async function publish(app: Studio, to: Destination, replace = false): Promise<void> {
  if (obstacle(app, to)) return;
  await app.draft.flush();
  app.clear("ship");
  to.remember();
  const ended = app.shipping;
  if (ended && ended.status.status !== "running") await app.dismiss(ended);
  await app.run(
    (host) =>
      host.publish({
        targets: ticked(app),
        to: to.request(),
        prove: app.settings.prove && to.kind === "registry" && app.samples.length > 0,
        replace,
      }),
    "ship",
  );
}

/** Goes on with a version that is free where the tag is taken. */
export async function publishAs(app: Studio, to: Destination, version: string): Promise<void> {
  app.draft.edit((pkg) => (pkg.package.version = version));
  await publish(app, to);
}
