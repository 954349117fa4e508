/** The preprocessing pipeline as a list of short steps. */
import type { Package, Preprocess } from "../generated/contract";

export interface PipelineStep {
  /** A short label. */
  text: string;
  /** The full description, as a tooltip. */
  title: string;
  /** The field of the package file that the step comes from. */
  field: string;
}

export const filterNames: Record<string, string> = {
  nearest: "Nearest",
  box: "Box",
  bilinear: "Bilinear",
  bicubic: "Bicubic",
  lanczos: "Lanczos",
  "opencv-linear": "OpenCV linear",
  "opencv-area": "OpenCV area",
};

function round(value: number): string {
  return String(Math.round(value * 1000) / 1000);
}

function formatValues(values: readonly number[]): string {
  const first = values[0] ?? 0;
  return values.every((value) => value === first)
    ? round(first)
    : `[${values.map(round).join(", ")}]`;
}

/** `(x − 127) / 128`, without operations that change nothing; `null` if there are none. */
export function normalisation(mean: readonly number[], std: readonly number[]): string | null {
  const shift = mean.some((value) => value !== 0);
  const scale = std.some((value) => value !== 1);
  if (!shift && !scale) return null;
  const left = shift ? `x − ${formatValues(mean)}` : "x";
  if (!scale) return left;
  return shift ? `(${left}) / ${formatValues(std)}` : `${left} / ${formatValues(std)}`;
}

function resizeStep(
  pre: Preprocess,
  width?: number | null,
  height?: number | null,
): PipelineStep | null {
  const box = width && height ? (width === height ? String(width) : `${width} × ${height}`) : "?";
  const filter = filterNames[pre.filter] ?? pre.filter;
  switch (pre.resize) {
    case "short-side":
      return {
        text: `short side ${pre.size ?? "?"}`,
        title: `The shorter side is resized to ${pre.size ?? "?"} pixels (${filter})`,
        field: "preprocess.resize",
      };
    case "stretch":
      return {
        text: `stretch to ${box}`,
        title: `Resized to ${box} pixels, whatever the aspect ratio (${filter})`,
        field: "preprocess.resize",
      };
    case "letterbox":
      return {
        text: `fit into ${box}`,
        title: `Resized into ${box} pixels, padded around (${filter})`,
        field: "preprocess.resize",
      };
    default:
      return null;
  }
}

export function pipelineSteps(pkg: Package): PipelineStep[] {
  const input = pkg.input.find((one) => one.kind === "image");
  if (!input)
    return [
      { text: "tensor", title: "Samples are numbers: .npy, .npz or JSON", field: "input.kind" },
    ];
  const pre = pkg.preprocess;
  const steps: PipelineStep[] = [
    {
      text: pre.exif ? "upright photo" : "photo",
      title: pre.exif
        ? "Turned upright by its EXIF orientation"
        : "As stored, whatever its EXIF orientation",
      field: "preprocess.exif",
    },
  ];
  const resized = resizeStep(pre, input.width, input.height);
  if (resized) steps.push(resized);
  if (pre.crop === "center") {
    const box =
      input.width && input.height
        ? input.width === input.height
          ? String(input.width)
          : `${input.width} × ${input.height}`
        : "?";
    steps.push({ text: `crop ${box}`, title: "The centre is cut out", field: "preprocess.crop" });
  }
  const channels = pre.channels === "grey" ? "grey" : pre.channels.toUpperCase();
  steps.push({
    text: channels,
    title: "Order and number of colour channels",
    field: "preprocess.channels",
  });
  const normal = normalisation(pre.mean, pre.std);
  if (normal)
    steps.push({
      text: normal,
      title: "Each channel, with x in 0 to 255",
      field: "preprocess.mean",
    });
  steps.push({
    text: `${input.layout} ${input.dtype}`,
    title: "Order of the axes and element type of the tensor",
    field: "input.layout",
  });
  return steps;
}

/** Parses numbers separated by spaces, commas or semicolons; `null` if one is no number. */
export function parseNumbers(text: string): number[] | null {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const values = words.map(Number);
  return words.length > 0 && values.every(Number.isFinite) ? values : null;
}

export function formatNumbers(values: readonly number[]): string {
  return values.map((value) => String(Math.round(value * 1e5) / 1e5)).join("  ");
}
