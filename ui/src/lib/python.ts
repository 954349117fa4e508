/** The pipeline of the package as Python, with what is being typed. */
import type { Studio } from "./studio.svelte";

/** May throw a `Failure`, as commands do. */
export async function pythonOf(app: Studio): Promise<string> {
  await app.draft.flush();
  return app.host.python();
}

export async function copyPython(app: Studio): Promise<void> {
  const code = await app.run(() => pythonOf(app), "model");
  if (code !== undefined) await app.copy(code, "Program");
}
