/** Which fields of the image input and of `[preprocess]` mean something beside the others. */
import type {
  Decode,
  Document,
  Filter,
  Input,
  Package,
  Preprocess,
  Rounding,
} from "../generated/contract";

/** The image input with its pixels across and down that the model fixes; `null` for any. */
export interface Pictures {
  input: Input;
  pre: Preprocess;
  fixed: { width: number | null; height: number | null };
}

/** What such a package is about; `null` where it takes no pictures. */
export function pictures(pkg: Package, document: Document | null): Pictures | null {
  const input = pkg.input.find((one) => one.kind === "image");
  if (!input) return null;
  const spec = document?.model.signature.inputs.find((one) => one.name === input.name);
  const axis = (at: number) => {
    const length = spec?.shape?.length === 4 ? spec.shape[at] : null;
    return typeof length === "number" ? length : null;
  };
  const [row, column] = input.layout === "NCHW" ? [2, 3] : [1, 2];
  return { input, pre: pkg.preprocess, fixed: { width: axis(column), height: axis(row) } };
}

/** Whether the one input of a model has the axes of a batch of pictures. */
export function canTakePictures(document: Document | null): boolean {
  const inputs = document?.model.signature.inputs ?? [];
  const [spec] = inputs;
  return inputs.length === 1 && (spec?.shape === null || spec?.shape.length === 4);
}

const isOpenCv = (filter: Filter) => filter.startsWith("opencv-");
const isTorchvision = (filter: Filter) => filter.startsWith("torchvision-");

/** Pillow's filters have no library before their name. */
export const isPillow = (filter: Filter) => !filter.includes("-");

/** Whether a decoder leaves pictures as they are stored, whatever their EXIF orientation. */
export const neverTurns = (decode: Decode) =>
  decode === "opencv-unchanged" || decode === "tensorflow";

/** Whether a filter widens when shrinking by default; `null` where that is no choice. */
export function defaultAntialias(filter: Filter): boolean | null {
  if (filter === "torchvision-bilinear" || filter === "torchvision-bicubic") return true;
  const tensorflow = ["bilinear", "bicubic", "lanczos3", "lanczos5"];
  return tensorflow.some((name) => filter === `tensorflow-${name}`) ? false : null;
}

/** How a side is rounded where the package doesn't say. */
export const defaultRounding = (pre: Preprocess): Rounding =>
  pre.resize === "letterbox" ? "round" : "floor";

const keepsRatio = (pre: Preprocess) => pre.resize === "short-side" || pre.resize === "long-side";
const hasSize = ({ input, fixed }: Pictures) => (input.width ?? fixed.width ?? null) !== null;
const isFree = ({ fixed }: Pictures) => fixed.width === null && fixed.height === null;

/** Whether the size of the tensor can be the photo's own. */
export const canBeFree = (at: Pictures) =>
  isFree(at) && at.pre.resize !== "letterbox" && at.pre.resize !== "thumbnail";

function takesStride(at: Pictures): boolean {
  const { pre } = at;
  const exact = pre.resize === "stretch" && (hasSize(at) || pre.size !== null);
  return isFree(at) && pre.resize !== "none" && pre.resize !== "thumbnail" && !exact;
}

/** The fields that depend on others, by their path, and whether they mean something. */
const conditions = {
  "preprocess.exif": ({ pre }) => !neverTurns(pre.decode),
  "preprocess.draft": ({ pre }) => pre.decode === "pillow",
  "preprocess.size": (at) =>
    keepsRatio(at.pre) ||
    at.pre.resize === "letterbox" ||
    (at.pre.resize === "stretch" && (at.pre.crop !== "none" || !hasSize(at))),
  "preprocess.max_size": ({ pre }) => pre.resize === "short-side",
  "preprocess.long_side": ({ pre }) => keepsRatio(pre) || pre.resize === "letterbox",
  "preprocess.filter": ({ pre }) => pre.resize !== "none",
  "preprocess.antialias": ({ pre }) =>
    pre.resize !== "none" && defaultAntialias(pre.filter) !== null,
  "preprocess.resize_in": ({ pre }) =>
    pre.resize !== "none" && (isOpenCv(pre.filter) || isTorchvision(pre.filter)),
  "preprocess.pad": ({ pre }) => pre.resize === "letterbox" && pre.pad_normalised === null,
  "preprocess.pad_normalised": ({ pre }) => pre.resize === "letterbox",
  "preprocess.align": ({ pre }) => pre.resize === "letterbox",
  "preprocess.crop": (at) => at.pre.resize !== "letterbox" && hasSize(at),
  "preprocess.grey": ({ pre }) => pre.channels === "grey",
  "input.stride": takesStride,
  "input.stride_rounding": (at) =>
    takesStride(at) && at.input.stride != null && at.pre.resize !== "letterbox",
} satisfies Record<string, (at: Pictures) => boolean>;

export type Dependent = keyof typeof conditions;

/** Whether a field means something beside the present choices. */
export function applies(field: string, at: Pictures): boolean {
  const condition = conditions[field as Dependent] as ((at: Pictures) => boolean) | undefined;
  return condition?.(at) ?? true;
}

/** The fields under "More", and whether each is as a package that doesn't name it. */
const defaults = {
  "preprocess.draft": ({ pre }) => !pre.draft,
  "preprocess.jpeg_quality": ({ pre }) => pre.jpeg_quality === null,
  "preprocess.central_crop": ({ pre }) => pre.central_crop === null,
  "preprocess.max_size": ({ pre }) => pre.max_size === null,
  "preprocess.long_side": ({ pre }) =>
    (pre.long_side ?? defaultRounding(pre)) === defaultRounding(pre),
  "preprocess.antialias": ({ pre }) =>
    (pre.antialias ?? defaultAntialias(pre.filter)) === defaultAntialias(pre.filter),
  "preprocess.resize_in": ({ pre }) => pre.resize_in === "u8",
  "preprocess.pad_normalised": ({ pre }) => pre.pad_normalised === null,
  "preprocess.align": ({ pre }) => pre.align === "center",
  "input.stride": ({ input }) => input.stride == null,
  "input.stride_rounding": ({ input }) => input.stride_rounding === "up",
  "preprocess.grey": ({ pre }) => pre.grey === "before",
  "preprocess.scale": ({ pre }) => pre.scale === "fixed",
  "preprocess.arithmetic": ({ pre }) => pre.arithmetic === "fused",
} satisfies Record<string, (at: Pictures) => boolean>;

export const rareFields = Object.keys(defaults);

/** The fields under "More" that mean something and are not at their default. */
export function changedRareFields(at: Pictures): string[] {
  return Object.entries(defaults).flatMap(([field, isDefault]) =>
    applies(field, at) && !isDefault(at) ? [field] : [],
  );
}

/** Whether nothing but a crop brings the resized photo to the input's size. */
export const needsCrop = (at: Pictures) => keepsRatio(at.pre) && hasSize(at);

/** The size that a letterbox starts from where model and package leave it open, in pixels. */
const usualSide = 640;

/**
 * Clears the fields that mean nothing beside the others, and fills in those that the others need,
 * so that a choice of one field leaves a package that can be used.
 */
export function settle(at: Pictures): void {
  const { input, pre, fixed } = at;
  if (pre.resize === "letterbox" || pre.resize === "thumbnail") {
    input.width ??= fixed.width ?? usualSide;
    input.height ??= fixed.height ?? usualSide;
  } else if (pre.crop !== "none") {
    input.width ??= fixed.width;
    input.height ??= fixed.height;
  }
  if (pre.resize === "thumbnail" && !isPillow(pre.filter)) pre.filter = "bicubic";
  const not = (field: Dependent) => !applies(field, at);
  if (not("preprocess.exif")) pre.exif = false;
  if (not("preprocess.draft")) pre.draft = false;
  if (not("preprocess.crop")) pre.crop = "none";
  if (not("preprocess.size")) pre.size = null;
  if (not("preprocess.max_size")) pre.max_size = null;
  if (not("preprocess.long_side")) pre.long_side = null;
  if (pre.long_side === "detr" && pre.max_size === null) pre.long_side = null;
  if (not("preprocess.antialias")) pre.antialias = null;
  if (not("preprocess.resize_in")) pre.resize_in = "u8";
  if (not("preprocess.pad_normalised")) pre.pad_normalised = null;
  if (not("preprocess.pad")) pre.pad = null;
  else pre.pad ??= [114, 114, 114];
  if (not("preprocess.align")) pre.align = "center";
  if (not("preprocess.grey")) pre.grey = "before";
  if (not("input.stride")) input.stride = null;
  if (not("input.stride_rounding")) input.stride_rounding = "up";
}

/** Another way of resizing, with what it needs. */
export function setResize(at: Pictures, resize: Preprocess["resize"]): void {
  const { input, pre, fixed } = at;
  const width = input.width ?? fixed.width;
  const height = input.height ?? fixed.height;
  if ((pre.resize === "letterbox") !== (resize === "letterbox")) pre.long_side = null;
  pre.resize = resize;
  if (keepsRatio(pre)) {
    // 256 for 224, as torchvision has it.
    pre.size ??= Math.round((Math.min(width ?? 224, height ?? 224) * 8) / 7);
    if (needsCrop(at) && pre.crop === "none") pre.crop = "center";
  } else {
    pre.size = null;
    if (resize === "stretch") pre.crop = "none";
  }
  settle(at);
}

/** Another decoder; one that can turn pictures upright does so, as long as nobody says otherwise. */
export function setDecode(at: Pictures, decode: Decode): void {
  if (neverTurns(at.pre.decode)) at.pre.exif = true;
  at.pre.decode = decode;
  settle(at);
}

/** Another order or number of channels, with the numbers of each in the same order. */
export function setChannels(pre: Preprocess, channels: Preprocess["channels"]): void {
  const fit = (numbers: number[]) => {
    if (channels === "grey") return numbers.slice(0, 1);
    if (numbers.length === 1) return [0, 1, 2].map(() => numbers[0] ?? 0);
    const same = channels === pre.channels || pre.channels === "grey";
    return same ? numbers : [...numbers].reverse();
  };
  pre.mean = fit(pre.mean);
  pre.std = fit(pre.std);
  pre.channels = channels;
}
