/** Formats tensor types: `f32 [batch, 3, 224, 224]`. */
import type { DataType, Dimension } from "../generated/contract";

const shortNames: Record<DataType, string> = {
  BOOL: "bool",
  INT8: "i8",
  INT16: "i16",
  INT32: "i32",
  INT64: "i64",
  UINT8: "u8",
  UINT16: "u16",
  UINT32: "u32",
  UINT64: "u64",
  FP16: "f16",
  BF16: "bf16",
  FP32: "f32",
  FP64: "f64",
  BYTES: "string",
};

export function dtype(type: DataType): string {
  return shortNames[type] ?? String(type).toLowerCase();
}

export interface Axis {
  text: string;
  /** Whether the length may differ from call to call. */
  dynamic: boolean;
}

export function axes(shape: readonly Dimension[] | null): Axis[] | null {
  return (
    shape?.map((axis) =>
      typeof axis === "number"
        ? { text: String(axis), dynamic: false }
        : { text: axis || "any", dynamic: true },
    ) ?? null
  );
}
