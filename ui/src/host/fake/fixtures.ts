/** Fixtures: the sample package, its predictions, a registry, jobs. */
import type {
  Account,
  Document,
  Failure,
  Job,
  JobItem,
  JobResult,
  Outcome,
  PictureDetails,
  Published,
  Report,
  Sample,
  Settings,
  State,
  TargetChoice,
} from "../../generated/contract";
import { pkg } from "./package";

export { pkg };
import { decoders } from "./decoders";
import { presets } from "./presets";
import reference from "../../../../samples/efficientnet-lite0/reference.json";

const photos = import.meta.glob<string>("../../../../samples/efficientnet-lite0/images/*.jpg", {
  eager: true,
  query: "?url",
  import: "default",
});

export const photoNames = [
  "coffee.jpg",
  "cat.jpg",
  "motorcycle.jpg",
  "flower.jpg",
  "rocket.jpg",
] as const;
const sizes: Record<string, [number, number]> = {
  "coffee.jpg": [600, 400],
  "cat.jpg": [451, 300],
  "motorcycle.jpg": [1026, 741],
  "flower.jpg": [640, 427],
  "rocket.jpg": [640, 427],
};

export function photo(name: string): string {
  const found = Object.entries(photos).find(([path]) => path.endsWith(`/${name}`));
  return found ? found[1] : "";
}

const jpeg: PictureDetails = {
  format: "JPEG",
  bits: 8,
  channels: 3,
  orientation: 1,
  turned: false,
  colour_profile: null,
};

export function sample(id: number, name: string, outcome: Outcome | null, source = name): Sample {
  return {
    id,
    name,
    outcome,
    thumbnail: outcome && "error" in outcome ? 0 : 1,
    picture: sizes[source] ?? [4032, 3024],
    details: outcome && "error" in outcome ? null : jpeg,
  };
}

export function outcomeOf(name: string): Outcome {
  const images = reference.images as Record<
    string,
    { classPredictions: { class: string; score: number }[] }
  >;
  return { classPredictions: images[name]?.classPredictions ?? [] };
}

export const broken: Outcome = {
  error: {
    code: "SampleUnreadable",
    message: "The JPEG ends after 6,818 of about 20,456 bytes. Export it again, or leave it out.",
  },
};
export const tooLarge: Outcome = {
  error: {
    code: "SampleUnreadable",
    message:
      "50,000 × 50,000 pixels are more than the limit of 100 million. Scale it down, or raise the limit in the settings.",
  },
};

export function samples(count: number, hostile = false): Sample[] {
  return Array.from({ length: count }, (_, i) => {
    const source = photoNames[i % photoNames.length] ?? "cat.jpg";
    if (count > 5 && i % 37 === 2) return sample(i + 1, `IMG_${2041 + i}.jpg`, broken);
    if (count > 5 && i % 53 === 7) return sample(i + 1, `scan-${i}.png`, tooLarge);
    const name = count <= 5 ? source : `holiday/${String(i).padStart(5, "0")}-${source}`;
    const outcome = outcomeOf(source);
    if (hostile && "classPredictions" in outcome) {
      const renamed = outcome.classPredictions.map((one, n) => ({
        ...one,
        class:
          n === 0
            ? `<img src=x onerror=alert(1)> ${one.class} with a name that goes on and on`
            : one.class,
      }));
      return sample(
        i + 1,
        `<script>alert(${i})</script>-${"a-very-long-file-name-".repeat(4)}.jpg`,
        { classPredictions: renamed },
        source,
      );
    }
    return sample(i + 1, name, outcome, source);
  });
}

/** The pipeline of `pkg` as Python. */
export const python = `from PIL import Image, ImageOps
import numpy as np


def preprocess(path):
    """A picture as the model takes it: float32, (1, 3, 224, 224)."""
    image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    image = image.resize((224, 224), Image.Resampling.BILINEAR)
    image = (np.asarray(image, np.float32) - 127) / 128
    return image.transpose(2, 0, 1)[None]
`;

export function document(): Document {
  return {
    revision: 1,
    folder: "efficientnet-lite0",
    dirty: false,
    can_undo: false,
    can_redo: false,
    package: pkg(),
    preset: "efficientnet-lite",
    model: {
      file: "model.onnx",
      format: "ONNX",
      size_bytes: 9305126,
      opset: { "": 18 },
      ir_version: 8,
      producer: "pytorch 2.6.0",
      parameters: 4652008,
      signature: {
        inputs: [{ name: "images", datatype: "FP32", shape: ["batch", 3, 224, 224] }],
        outputs: [{ name: "logits", datatype: "FP32", shape: ["batch", 1000] }],
      },
      external_data: [],
    },
    guesses: [],
    labels: {
      source: "labels.txt",
      count: 1000,
      first: ["tench, Tinca tinca", "goldfish, Carassius auratus", "great white shark"],
    },
    problems: [],
  };
}

export const guesses = [
  {
    field: "preprocess.mean",
    reason: "The model's name contains “efficientnet-lite”, which was trained with 127 and 128.",
  },
  {
    field: "preprocess.std",
    reason: "The model's name contains “efficientnet-lite”, which was trained with 127 and 128.",
  },
  { field: "preprocess.resize", reason: "224 × 224 inputs are usually cropped from 256 pixels." },
  { field: "preprocess.filter", reason: "EfficientNet was trained with bicubic resizing." },
  { field: "postprocess.task", reason: "One output of [batch, 1000] is a score a class." },
  { field: "postprocess.activation", reason: "The output is called “logits”." },
  { field: "input.layout", reason: "The second axis is 3." },
];

export const targets: TargetChoice[] = [
  {
    target: "cpu",
    title: "CPU",
    platform: "linux/amd64",
    size: 33_400_000,
    unavailable: null,
    needs: null,
  },
  {
    target: "arm64",
    title: "ARM",
    platform: "linux/arm64",
    size: 31_100_000,
    unavailable: null,
    needs: null,
  },
  {
    target: "gpu",
    title: "GPU",
    platform: "linux/amd64",
    size: 0,
    unavailable:
      "gpu can't be built: it needs ONNX Runtime's CUDA build and the CUDA and cuDNN libraries for linux/amd64, and they are not installed",
    needs: "ONNX Runtime's CUDA build and the CUDA and cuDNN libraries",
  },
  {
    target: "arm64-gpu",
    title: "ARM + GPU",
    platform: "linux/arm64",
    size: 0,
    unavailable:
      "arm64-gpu can't be built: it needs ONNX Runtime's CUDA build and the CUDA and cuDNN libraries for ARM servers, and they are not installed",
    needs: "ONNX Runtime's CUDA build and the CUDA and cuDNN libraries",
  },
  {
    target: "jetson",
    title: "Jetson",
    platform: "linux/arm64",
    size: 0,
    unavailable:
      "jetson can't be built: it needs an ONNX Runtime built for JetPack and its CUDA libraries for Jetson boards, and they are not installed",
    needs: "an ONNX Runtime built for JetPack and its CUDA libraries",
  },
];

export const settings: Settings = {
  theme: "system",
  max_pixels: 100_000_000,
  batch_size: 0,
  targets: ["cpu", "arm64"],
  registry: "registry.example.com",
  namespace: "vision",
  prove: true,
  plain_http: [],
};
export const accounts: Account[] = [
  { registry: "registry.example.com", username: "ada", store: "keychain" },
  { registry: "localhost:5000", username: "ada", store: "docker-config" },
];

const hex = (seed: number) =>
  Array.from({ length: 64 }, (_, i) =>
    ((i * 7 + seed * 13 + ((i * i) % 11)) % 16).toString(16),
  ).join("");
export const digest = (seed: number) => `sha256:${hex(seed)}`;

export function report(
  proof: "proven" | "differs" | "mixed" = "proven",
  reference = "registry.example.com/vision/efficientnet-lite0:0.0.1",
): Report {
  const proven = {
    status: "proven" as const,
    by: "namespaces",
    samples: 5,
    max_difference: 0,
    reason: null,
  };
  const arm = {
    proven: {
      status: "proven" as const,
      by: "namespaces",
      samples: 5,
      max_difference: 4.1e-7,
      reason: null,
    },
    differs: {
      status: "differs" as const,
      by: "namespaces",
      samples: 5,
      max_difference: 0.31,
      reason: "cat.jpg: the preview says “tiger cat”, the image says “window screen”.",
    },
    mixed: {
      status: "not-run" as const,
      by: null,
      samples: 0,
      max_difference: null,
      reason: "This machine can't run arm64 programs: install qemu-user-static and binfmt-support.",
    },
  }[proof];
  return {
    images: [
      {
        reference,
        digest: digest(1),
        platforms: [
          {
            target: "cpu",
            platform: "linux/amd64",
            digest: digest(2),
            size: 42_700_000,
            verified: proven,
          },
          {
            target: "arm64",
            platform: "linux/arm64",
            digest: digest(3),
            size: 40_400_000,
            verified: arm,
          },
        ],
        published: !reference.endsWith(".tar"),
      },
    ],
    uploaded_bytes: 9_310_000,
    reused_bytes: 64_500_000,
    elapsed_ms: 2810,
  };
}

/** The result of a publication. */
export const published = (...options: Parameters<typeof report>): JobResult => ({
  kind: "publish",
  ...report(...options),
});

export const history: Published[] = [
  { at: "2026-11-20T16:21:09Z", name: "efficientnet-lite0", version: "0.0.1", report: report() },
  {
    at: "2026-11-18T09:02:44Z",
    name: "resnet50-v2",
    version: "1.4.0",
    report: report("mixed", "ghcr.io/example/resnet50-v2:1.4.0"),
  },
  {
    at: "2026-10-02T13:40:00Z",
    name: "plant-disease",
    version: "0.3.0",
    report: report("proven", "plant-disease-0.3.0.tar"),
  },
];

export function failure(
  code: Failure["code"],
  message: string,
  hint: string,
  causes: string[] = [],
  retryable = false,
): Failure {
  return { code, message, hint, causes, retryable };
}

/** The layers of both targets, `share` (0 to 1) of the way through the push. */
export function pushItems(share: number): JobItem[] {
  const one = (
    target: string | null,
    label: string,
    total: number,
    reused: boolean,
    seed: number,
    done = Math.round(total * Math.min(1, share)),
  ): JobItem => ({
    item: digest(seed),
    label,
    target,
    stage: "push",
    unit: "bytes",
    done: reused ? 0 : done,
    total,
    reused,
  });
  return [
    one("cpu", "base", 4_300_000, true, 11),
    one("cpu", "runtime", 14_600_000, false, 12, Math.round(14_600_000 * Math.min(1, share * 1.5))),
    one("arm64", "base", 4_100_000, true, 15),
    one("arm64", "runtime", 13_200_000, false, 16),
    one(null, "model", 9_305_126, false, 13, Math.round(9_305_126 * Math.min(1, share * 0.9))),
    one(null, "package", 8_200, false, 14, share > 0.2 ? 8_200 : 0),
  ];
}

export function job(
  id: number,
  status: Job["status"],
  share = 0.62,
  reference = "registry.example.com/vision/efficientnet-lite0:0.0.1",
): Job {
  return {
    id,
    kind: "publish",
    title: reference,
    stages: ["plan", "build", "push", "pull", "prove"],
    stage: "push",
    items: pushItems(share),
    log: [
      { level: "info", text: "Hashed 9.3 MB of model in 21 ms" },
      { level: "info", text: "Built 2 images, index sha256:8f21…c04e" },
      {
        level: "warn",
        text: "The registry allows no mount from another repository; layers are sent",
      },
    ],
    status,
    elapsed_ms: 1840,
    bytes_per_second: 41_200_000,
  };
}

export function state(): State {
  return {
    document: document(),
    preview: {
      run: 1,
      status: "done",
      failure: null,
      samples: samples(5),
      done: 5,
      device: {
        kind: "cpu",
        name: "AMD Ryzen 7 7840U",
        reason: "No CUDA runtime is installed; WebGPU is not built in.",
      },
      batch_size: 8,
      timing: {
        load_ms: 34,
        decode_ms: 14.2,
        preprocess_ms: 5.1,
        infer_ms: 41.7,
        postprocess_ms: 0.9,
        wall_ms: 39.4,
        images_per_second: 126.9,
      },
    },
    question: null,
    recipe: null,
    jobs: [],
    history,
    recent: [
      { id: 1, name: "efficientnet-lite0", folder: "~/models/efficientnet-lite0" },
      { id: 2, name: "resnet50-v2", folder: "~/work/vision/resnet50" },
      { id: 3, name: "plant-disease", folder: "/data/exports/plant-disease-2026-10" },
    ],
    accounts,
    targets,
    presets,
    decoders,
    settings: { ...settings },
    version: "0.1.0",
  };
}
