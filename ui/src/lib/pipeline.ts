/** The preprocessing pipeline as a list of short steps. */
import type { Input, Package, Preprocess, Rounding } from "../generated/contract";
import { arithmeticCalls, decodeCall } from "./calls";
import { filterName } from "./choices";
import { defaultRounding } from "./preprocess";

export interface PipelineStep {
  /** A short label. */
  text: string;
  /** The full description, as a tooltip. */
  title: string;
  /** The field of the package file that the step comes from. */
  field: string;
}

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

const side = (width: number | null | undefined, height: number | null | undefined): string =>
  width && height ? (width === height ? String(width) : `${width} × ${height}`) : "?";

/** What the decoder makes of the file, and what is done to that before it is resized. */
function readingSteps(pre: Preprocess): PipelineStep[] {
  const library =
    { pillow: "", tensorflow: " by TensorFlow" }[pre.decode as string] ?? " by OpenCV";
  const kind = { "opencv-grey": "grey photo", "opencv-unchanged": "unchanged photo" };
  const photo = kind[pre.decode as keyof typeof kind] ?? "photo";
  const steps = [
    {
      text: `${pre.exif ? "upright " : ""}${photo}${library}`,
      title: `${decodeCall(pre)}: ${
        pre.exif
          ? "turned upright by its EXIF orientation"
          : "as stored, whatever its EXIF orientation"
      }`,
      field: "preprocess.decode",
    },
  ];
  if (pre.draft)
    steps.push({
      text: "draft",
      title: "Image.draft: large JPEGs are decoded at a half, a quarter or an eighth",
      field: "preprocess.draft",
    });
  if (pre.jpeg_quality !== null)
    steps.push({
      text: `JPEG ${pre.jpeg_quality}`,
      title: `Made into a JPEG of quality ${pre.jpeg_quality} and read again`,
      field: "preprocess.jpeg_quality",
    });
  if (pre.central_crop !== null)
    steps.push({
      text: `middle ${round(pre.central_crop * 100)} %`,
      title: `tf.image.central_crop: ${round(pre.central_crop)} of both sides is kept`,
      field: "preprocess.central_crop",
    });
  return steps;
}

const roundingNames: Record<Rounding, string> = {
  floor: "rounded down",
  round: "rounded to nearest",
  "half-up": "rounded to nearest, half up",
  ceil: "rounded up",
  detr: "rounded as DETR's",
};

/** The words of a way of resizing, and what it does; `null` where the photo keeps its size. */
function resizing(pre: Preprocess, input: Input): [text: string, title: string] | null {
  const rounded = `the other ${roundingNames[pre.long_side ?? defaultRounding(pre)]}`;
  const box = side(input.width, input.height);
  switch (pre.resize) {
    case "short-side": {
      const most = pre.max_size === null ? "" : ` ≤ ${pre.max_size}`;
      return [
        `short side ${pre.size ?? "?"}${most}`,
        `The shorter side is resized to ${pre.size ?? "?"} pixels, ${rounded}${
          most && `; the longer one has at most ${pre.max_size}`
        }`,
      ];
    }
    case "long-side":
      return [
        `long side ${pre.size ?? "?"}`,
        `The longer side is resized to ${pre.size ?? "?"} pixels, ${rounded}`,
      ];
    case "stretch": {
      const wanted = pre.size === null ? box : String(pre.size);
      if (wanted === "?") return null;
      return [`stretch to ${wanted}`, `Resized to ${wanted} pixels, whatever the aspect ratio`];
    }
    case "letterbox": {
      const place = pre.align === "top-left" ? ", top left" : "";
      return [
        `fit into ${box}${place}`,
        `Resized into ${box} pixels, the sides ${
          roundingNames[pre.long_side ?? defaultRounding(pre)]
        }, with a border around${place}`,
      ];
    }
    case "thumbnail":
      return [`thumbnail ${box}`, `Image.thumbnail: into ${box} pixels, never enlarged`];
    case "none":
      return null;
  }
}

const strideNames = { up: "next", nearest: "nearest", down: "last" };

function resizeSteps(pre: Preprocess, input: Input): PipelineStep[] {
  const steps: PipelineStep[] = [];
  const resized = resizing(pre, input);
  const library = filterName(pre.filter);
  const antialias =
    pre.antialias === null ? "" : pre.antialias ? ", antialiased" : ", not antialiased";
  const depth = { u8: "", f32: ", in floats", unit: ", in floats of 0 to 1", rounded: ", rounded" };
  const how = `${library}${antialias}${depth[pre.resize_in]}`;
  if (resized)
    steps.push({ text: resized[0], title: `${resized[1]} (${how})`, field: "preprocess.resize" });
  if (input.stride != null) {
    const which = pre.resize === "letterbox" ? "next" : strideNames[input.stride_rounding];
    steps.push({
      text: `multiple of ${input.stride}`,
      title: `Both sides become the ${which} multiple of ${input.stride}`,
      field: "input.stride",
    });
  }
  if (pre.crop !== "none")
    steps.push({
      text: `crop ${side(input.width, input.height)}`,
      title:
        pre.crop === "center"
          ? "The centre is cut out, half a pixel to the even offset (T.CenterCrop)"
          : "The centre is cut out, half a pixel rounded down (A.CenterCrop)",
      field: "preprocess.crop",
    });
  return steps;
}

function numberSteps(pre: Preprocess, input: Input): PipelineStep[] {
  const steps: PipelineStep[] = [];
  if (pre.scale === "photo-maximum")
    steps.push({
      text: "maximum → 255",
      title: "Scaled so that the largest value of each photo counts as 255",
      field: "preprocess.scale",
    });
  const normal = normalisation(pre.mean, pre.std);
  if (normal)
    steps.push({
      text: normal,
      title: `Each channel, with x in 0 to 255, as ${arithmeticCalls[pre.arithmetic]}`,
      field: "preprocess.mean",
    });
  if (pre.pad_normalised !== null)
    steps.push({
      text: `border ${round(pre.pad_normalised)}`,
      title: `The border holds ${pre.pad_normalised}, after normalising`,
      field: "preprocess.pad_normalised",
    });
  steps.push({
    text: `${input.layout} ${input.dtype}`,
    title: "Order of the axes and element type of the tensor",
    field: "input.layout",
  });
  return steps;
}

export function pipelineSteps(pkg: Package): PipelineStep[] {
  const input = pkg.input.find((one) => one.kind === "image");
  if (!input)
    return [
      { text: "tensor", title: "Samples are numbers: .npy, .npz or JSON", field: "input.kind" },
    ];
  const pre = pkg.preprocess;
  const channels = {
    text: pre.channels === "grey" ? "grey" : pre.channels.toUpperCase(),
    title: pre.channels === "grey" ? "Made grey, one channel" : "Order of the colour channels",
    field: "preprocess.channels",
  };
  const greyFirst = pre.channels === "grey" && pre.grey === "before";
  return [
    ...readingSteps(pre),
    ...(greyFirst ? [channels] : []),
    ...resizeSteps(pre, input),
    ...(greyFirst ? [] : [channels]),
    ...numberSteps(pre, input),
  ];
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
