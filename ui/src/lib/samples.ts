/** What a package's samples are. */
import type { Package, TensorSpec } from "../generated/contract";

/** What one sample is called. */
export function sampleWord(pkg: Package | null): "picture" | "sample" {
  return pkg && !pkg.input.some((one) => one.kind === "image") ? "sample" : "picture";
}

/** A tensor's type and axes: `FP32 [2, N, 128]`; an axis of any length without a name is `?`. */
export function tensorText({ datatype, shape }: TensorSpec): string {
  if (shape === null) return `${datatype}, of any shape`;
  const axes = shape.map((axis) => (typeof axis === "number" ? String(axis) : axis || "?"));
  return axes.length === 0 ? `${datatype}, one number` : `${datatype} [${axes.join(", ")}]`;
}
