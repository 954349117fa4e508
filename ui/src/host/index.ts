/** Chooses the host: the desktop shell, or a fake in a plain browser. */
import type { Host } from "./host";

export async function connect(): Promise<Host> {
  if ("__TAURI_INTERNALS__" in window) return (await import("./tauri")).host;
  // Tests build the page with the fake host in it.
  if (import.meta.env.DEV || import.meta.env.MODE === "fake")
    return (await import("./fake")).fake(new URLSearchParams(location.search));
  throw new Error("This page is a part of Boxwright and can't run by itself.");
}

export type { Host } from "./host";
