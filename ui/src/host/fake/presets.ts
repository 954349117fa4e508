/** Presets of the fake host: their titles, and enough of their fields to be told apart. */
import type { Package, Preprocess, PresetChoice } from "../../generated/contract";

const imagenet = { mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375] };
const one = (mean: number, std: number) => ({ mean: [mean, mean, mean], std: [std, std, std] });
const stretched = { resize: "stretch", size: null, crop: "none", filter: "bilinear" } as const;
const cropped = { resize: "short-side", size: 256, crop: "center" } as const;
const plain = { decode: "pillow", channels: "rgb", arithmetic: "fused" } as const;

const fields: Record<string, Partial<Preprocess>> = {
  imagenet: { ...plain, ...cropped, ...imagenet, filter: "bilinear", arithmetic: "torchvision" },
  tf: { ...plain, ...stretched, ...one(127.5, 127.5), arithmetic: "keras" },
  "efficientnet-lite": { ...plain, ...cropped, ...one(127, 128), filter: "bicubic" },
  unit: { ...plain, ...stretched, ...one(0, 255) },
  raw: { ...plain, ...stretched, ...one(0, 1) },
  "opencv-imagenet": {
    ...stretched,
    ...imagenet,
    decode: "opencv-unchanged",
    exif: false,
    filter: "opencv-linear",
    channels: "bgr",
    arithmetic: "torchvision",
  },
};

export const presets: PresetChoice[] = [
  { name: "imagenet", title: "ImageNet (torchvision)" },
  { name: "tf", title: "TensorFlow (−1 to 1)" },
  { name: "efficientnet-lite", title: "EfficientNet-Lite" },
  { name: "unit", title: "Unit (0 to 1)" },
  { name: "raw", title: "Raw (0 to 255)" },
  { name: "opencv-imagenet", title: "OpenCV ImageNet (Chassis)" },
];

export function withPreset(pkg: Package, name: string): Package {
  const preprocess = { ...pkg.preprocess, ...fields[name] };
  const chassis = { activation: "softmax", top_k: 5, score_digits: 3 } as const;
  const answer = name === "opencv-imagenet" ? chassis : {};
  return { ...pkg, preprocess, postprocess: { ...pkg.postprocess, ...answer } };
}

export function presetOf(pkg: Package): string | null {
  const same = (name: string) => JSON.stringify(withPreset(pkg, name)) === JSON.stringify(pkg);
  return presets.find((one) => same(one.name))?.name ?? null;
}
