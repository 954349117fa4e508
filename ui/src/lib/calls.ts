/** The calls of Python libraries that the choices stand for, as data scientists know them. */
import type { Arithmetic, Filter, Input, Preprocess, Rounding } from "../generated/contract";
import { defaultAntialias } from "./preprocess";

export function decodeCall({ decode, exif }: Preprocess): string {
  switch (decode) {
    case "pillow":
      return exif ? "ImageOps.exif_transpose(Image.open(f))" : 'Image.open(f).convert("RGB")';
    case "opencv":
      return exif ? "cv2.imread(f)" : "cv2.imread(f, cv2.IMREAD_IGNORE_ORIENTATION)";
    case "opencv-grey":
      return "cv2.imread(f, cv2.IMREAD_GRAYSCALE)";
    case "opencv-unchanged":
      return "cv2.imdecode(bytes, -1)";
    case "tensorflow":
      return "tf.io.decode_image(bytes, channels=3)";
  }
}

/** A filter as its library's constant: `INTER_AREA`, `BICUBIC`, `lanczos3`. */
export function filterConstant(filter: Filter): string {
  const name = filter.replace(/^(format1-opencv|opencv|torchvision|tensorflow)-/, "");
  const constant = name.replaceAll("-", "_").toUpperCase();
  if (filter.startsWith("tensorflow-")) return name;
  return filter.includes("opencv-") ? `INTER_${constant}` : constant;
}

/** A resize to the size that `pre` and the input give. */
export function resizeCall(pre: Preprocess, input: Input): string {
  const { filter, resize } = pre;
  const constant = filterConstant(filter);
  const box: [number | string, number | string] | null =
    resize === "stretch" && pre.size
      ? [pre.size, pre.size]
      : resize === "stretch" && input.width && input.height
        ? [input.width, input.height]
        : null;
  const columnsFirst = box ? `(${box[0]}, ${box[1]})` : "size";
  const rowsFirst = box ? `${box[1]}, ${box[0]}` : null;
  if (filter.startsWith("tensorflow-")) {
    const size = rowsFirst ? `(${rowsFirst})` : "size";
    const antialias = pre.antialias ? ", antialias=True" : "";
    if (resize === "letterbox" && pre.align === "tensorflow")
      return `tf.image.resize_with_pad(x, ${input.height}, ${input.width}, "${constant}"${antialias})`;
    return `tf.image.resize(x, ${size}, "${constant}"${antialias})`;
  }
  if (filter.startsWith("torchvision-")) {
    const side = resize === "short-side" ? `[${pre.size}]` : rowsFirst ? `[${rowsFirst}]` : "size";
    const most = pre.max_size ? `, max_size=${pre.max_size}` : "";
    const antialias = pre.antialias ?? defaultAntialias(filter);
    return `F.resize(x, ${side}, ${constant}${most}${antialias === false ? ", antialias=False" : ""})`;
  }
  if (filter.includes("opencv-"))
    return `cv2.resize(x, ${columnsFirst}, interpolation=cv2.${constant})`;
  if (resize === "thumbnail")
    return `image.thumbnail((${input.width}, ${input.height}), ${constant})`;
  if (resize === "short-side") {
    const most = pre.max_size ? `, max_size=${pre.max_size}` : "";
    return `T.Resize(${pre.size}, ${constant}${most})`;
  }
  if (resize === "letterbox" && pre.align === "center-round")
    return `ImageOps.pad(image, (${input.width}, ${input.height}), ${constant})`;
  return `image.resize(${columnsFirst}, ${constant})`;
}

export const roundingCalls: Record<Rounding, string> = {
  floor: "int(x): torchvision, timm, transformers",
  round: "round(x): Ultralytics, albumentations",
  "half-up": "int(x + 0.5): mmdetection",
  ceil: "math.ceil(x): PaddleOCR's recogniser",
  detr: "transformers' get_size_with_aspect_ratio",
};

export const arithmeticCalls: Record<Arithmetic, string> = {
  fused: "(x − mean) / std",
  torchvision: "T.ToTensor(), T.Normalize(mean, std)",
  keras: 'x / std − mean / std: preprocess_input(x, mode="tf")',
  reciprocal: "(x − mean) * (1 / std): A.Normalize",
  float64: "NumPy's float64, cast at the end",
};
