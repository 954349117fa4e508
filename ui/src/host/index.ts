/** Chooses the host: the desktop shell, or a fake in a plain browser. */
import type { Host } from "./host";

export async function connect(): Promise<Host> {
  if ("__TAURI_INTERNALS__" in window) return (await import("./tauri")).host;
  if (import.meta.env.DEV)
    return (await import("./fake")).fake(new URLSearchParams(location.search));
  throw new Error("This page is a part of Boxwright and can't run by itself.");
}

export type { Host } from "./host";
