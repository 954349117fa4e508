/** How a failure is shown: its place, its heading, and the parts of its hint. */
import type { Code, Failure } from "../generated/contract";

export type Place = "model" | "preview" | "publish" | "window";

const table: Record<Code, { title: string; place: Place }> = {
  ModelUnreadable: { title: "The model can't be read", place: "model" },
  ModelUnsupported: { title: "Export it to ONNX first", place: "model" },
  PackageInvalid: { title: "The package can't be used", place: "model" },
  SampleUnreadable: { title: "No picture can be read", place: "preview" },
  ShapeMismatch: { title: "Model and pipeline don't fit", place: "preview" },
  DeviceUnavailable: { title: "The device can't be used", place: "preview" },
  WorkerLost: { title: "The worker was lost", place: "preview" },
  ReferenceInvalid: { title: "That is no image reference", place: "publish" },
  RegistryUnauthorized: { title: "The registry wants a sign-in", place: "publish" },
  RegistryDenied: { title: "The registry said no", place: "publish" },
  RegistryUnreachable: { title: "The registry can't be reached", place: "publish" },
  RegistryFailed: { title: "The registry failed", place: "publish" },
  TagExists: { title: "This tag is taken", place: "publish" },
  BuildFailed: { title: "The image could not be built", place: "publish" },
  EngineUnavailable: { title: "Docker Engine is not available", place: "publish" },
  ProofDiffers: { title: "The image predicts something else", place: "publish" },
  DiskFull: { title: "The disk is full", place: "window" },
  FileChanged: { title: "A file has changed", place: "window" },
  Internal: { title: "Something went wrong in Boxwright", place: "window" },
};

export function failureTitle(code: string): string {
  return table[code as Code]?.title ?? "Something went wrong";
}

export function placeOf(failure: Failure): Place {
  return table[failure.code]?.place ?? "window";
}

/** Splits a hint into its prose and the Python code after it, if any. */
export function splitHint(hint: string): { prose: string; code: string | null } {
  const lines = hint.split("\n");
  const start = lines.findIndex((line) => /^\s*(import|from|pip|python3?)\s/.test(line));
  if (start < 0 || (lines.length === 1 && !hint.startsWith("import ")))
    return { prose: hint.trim(), code: null };
  return {
    prose: lines.slice(0, start).join("\n").trim(),
    code: lines.slice(start).join("\n").replace(/\s+$/, ""),
  };
}

/** Capitalises a message that starts like a sentence, but not one that starts with a name. */
export function asSentence(message: string): string {
  return /^(the|a|an|no|this|nothing|it|one)\s/.test(message)
    ? message.charAt(0).toUpperCase() + message.slice(1)
    : message;
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "code" in value && "message" in value;
}

/** Converts anything that a command threw into a failure. */
export function toFailure(value: unknown): Failure {
  if (isFailure(value)) return { ...value, hint: value.hint ?? "", causes: value.causes ?? [] };
  const message = value instanceof Error ? value.message : String(value);
  return {
    code: "Internal",
    message,
    hint: "Try it again; if it stays, start Boxwright anew.",
    causes: [],
    retryable: true,
  };
}
