/** States of the page, by the name in the URL: `?state=publishing`. */
import type { Failure, Package, State } from "../../generated/contract";
import * as fixtures from "./fixtures";
import { asked, noSamples } from "./question";
import { recipeScenarios } from "./recipes";
import { taskScenarios } from "./taskScenarios";

type Scenario = (state: State) => void;

const python = `The file holds pickled Python objects, which can run code when they are loaded. Export it to ONNX where you trained it, then drop the .onnx file here.

import torch

model = torch.load("resnet50.pt", weights_only=False)
model.eval()
example = torch.randn(1, 3, 224, 224)
torch.onnx.export(
    model, example, "resnet50.onnx",
    input_names=["images"], output_names=["logits"],
    dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}},
)`;

function nothing(state: State): void {
  state.document = null;
  state.preview = {
    run: 0,
    status: "idle",
    failure: null,
    samples: [],
    done: 0,
    device: null,
    batch_size: 0,
    timing: null,
  };
  state.history = [];
}

function failedPreview(state: State, failure: Failure, kept: number): void {
  state.preview.status = "failed";
  state.preview.failure = failure;
  state.preview.done = kept;
  state.preview.samples = state.preview.samples.map((sample, i) =>
    i < kept ? sample : { ...sample, outcome: null, thumbnail: i < kept + 1 ? 1 : 0 },
  );
}

function failedJob(state: State, failure: Failure): void {
  state.jobs = [fixtures.job(1, { status: "failed", failure, result: null }, 0.4)];
}

function pictures(count: number): Scenario {
  return (state) => {
    state.preview.samples = fixtures.samples(count);
    state.preview.done = count;
    state.preview.timing = {
      load_ms: 34,
      decode_ms: 2310,
      preprocess_ms: 910,
      infer_ms: 4210,
      postprocess_ms: 190,
      wall_ms: 3884,
      images_per_second: 1284,
    };
  };
}

/** A package whose model takes pictures of any size. */
function anySize(change: (pkg: Package) => void): Scenario {
  return (state) => {
    if (!state.document) return;
    const { document } = state;
    document.preset = null;
    document.model.signature.inputs = [
      { name: "images", datatype: "FP32", shape: ["batch", 3, "height", "width"] },
    ];
    change(document.package);
  };
}

export const scenarios: Record<string, Scenario> = {
  filled: () => {},
  ...recipeScenarios,
  empty: (state) => {
    nothing(state);
    state.recent = [];
  },
  recent: nothing,
  "no-pictures": (state) => {
    state.preview = {
      run: 0,
      status: "idle",
      failure: null,
      samples: [],
      done: 0,
      device: null,
      batch_size: 8,
      timing: null,
    };
  },
  loading: (state) => {
    state.preview.status = "loading";
    state.preview.timing = null;
    state.preview.done = 0;
    state.preview.samples = state.preview.samples.map((sample) => ({
      ...sample,
      outcome: null,
      thumbnail: 0,
    }));
  },
  running: (state) => {
    pictures(214)(state);
    state.preview.status = "running";
    state.preview.done = 9;
    state.preview.samples = state.preview.samples.map((sample, i) =>
      i < 9 ? sample : { ...sample, outcome: null, thumbnail: 0 },
    );
  },
  many: pictures(500),
  thousands: pictures(10_000),
  mixed: pictures(40),
  guesses: (state) => {
    if (!state.document) return;
    state.document.guesses = fixtures.guesses;
    state.document.dirty = true;
    state.document.can_undo = true;
  },
  problems: (state) => {
    if (!state.document) return;
    state.document.dirty = true;
    state.document.can_undo = true;
    state.document.package.package.name = "EfficientNet Lite";
    state.document.package.preprocess.std = [0, 128, 128];
    state.document.problems = [
      {
        field: "package.name",
        message:
          "A name is lower-case letters and digits with . _ - between them: efficientnet-lite",
      },
      { field: "preprocess.std", message: "A standard deviation of 0 would divide by zero." },
      {
        field: "labels",
        message: "labels.txt has 1,000 labels, the output “logits” has 1,001 classes.",
      },
    ];
  },
  letterbox: anySize(({ input: [input], preprocess }) => {
    if (input) [input.width, input.height, input.stride] = [640, 640, 32];
    Object.assign(preprocess, {
      resize: "letterbox",
      size: null,
      crop: "none",
      filter: "opencv-linear",
      pad: [114, 114, 114],
      mean: [0, 0, 0],
      std: [255, 255, 255],
    });
  }),
  "long-side": anySize(({ input: [input], preprocess }) => {
    if (input) Object.assign(input, { width: null, height: null, stride: 32 });
    Object.assign(preprocess, {
      decode: "opencv",
      jpeg_quality: 95,
      resize: "long-side",
      size: 1024,
      long_side: "half-up",
      crop: "none",
      filter: "torchvision-bicubic",
      antialias: false,
      resize_in: "unit",
      channels: "grey",
      grey: "after",
      scale: "photo-maximum",
      mean: [114.495],
      std: [57.63],
      arithmetic: "float64",
    });
  }),
  stride: (state) => {
    if (!state.document) return;
    const { document } = state;
    if (document.package.input[0]) document.package.input[0].stride = 32;
    document.problems = [
      { field: "input.0.stride", message: "the model's `images` has a fixed size: leave it out" },
    ];
  },
  tensors: (state) => {
    const [input] = state.document?.package.input ?? [];
    if (input) input.kind = "tensor";
  },
  question: asked,
  "no-samples": noSamples,
  details: (state) => {
    state.preview.samples = state.preview.samples.map((sample) => ({
      ...sample,
      details: {
        format: "JPEG",
        bits: 8,
        channels: 3,
        orientation: 6,
        turned: true,
        colour_profile: "Display P3, of a camera that a vendor gave quite a long name (2026)",
      },
    }));
  },
  "rounded-scores": (state) => {
    if (state.document) state.document.package.postprocess.score_digits = 2;
  },
  "no-python": (state) => {
    if (state.document)
      state.document.problems = [
        { field: "preprocess.std", message: "is divided by, so it can't be 0" },
      ];
  },
  hostile: (state) => {
    state.preview.samples = fixtures.samples(5, true);
    if (!state.document) return;
    state.document.package.package.name =
      "a-package-with-quite-a-long-name-that-somebody-chose-on-a-friday";
    state.document.package.package.version = "2026.11.21-rc.1_linux";
    state.document.model.file =
      "<b>model</b>-with-a-very-long-file-name-from-an-export-script-2026-11-21.onnx";
    state.document.model.signature.outputs = [
      {
        name: "StatefulPartitionedCall/sequential/dense_1/Softmax:0",
        datatype: "FP32",
        shape: ["unk__614", 1000],
      },
      { name: "<script>", datatype: "INT64", shape: null },
    ];
  },
  raw: (state) => {
    if (state.document)
      state.document.package.postprocess = {
        ...state.document.package.postprocess,
        task: "raw",
        output: null,
      };
    const logits = Array.from({ length: 1000 }, (_, i) => Math.sin(i * 1.7) * 3.1);
    state.preview.samples = state.preview.samples.map((sample) => ({
      ...sample,
      outcome: {
        outputs: {
          logits: { shape: [1000], datatype: "FP32", data: logits },
          features: { shape: [7, 7, 320], datatype: "FP32", data: logits },
        },
      },
    }));
  },
  ...taskScenarios,
  "worker-lost": (state) =>
    failedPreview(
      state,
      fixtures.failure(
        "WorkerLost",
        "The worker was killed by signal 9 (SIGKILL) after 2 of 5 pictures.",
        "Predict again: a new worker is started. If it is killed again, close other programs or lower the batch size: it may need more memory than there is.",
        ["worker: end of stream"],
        true,
      ),
      2,
    ),
  shape: (state) =>
    failedPreview(
      state,
      fixtures.failure(
        "ShapeMismatch",
        "The model takes “images” as [batch, 3, 224, 224], the pipeline makes [8, 1, 224, 224].",
        "Set channels to RGB or BGR.",
        [],
        false,
      ),
      0,
    ),
  unsupported: (state) => {
    nothing(state);
    queue(
      fixtures.failure(
        "ModelUnsupported",
        "resnet50.pt is a PyTorch checkpoint (pickle in a ZIP archive).",
        python,
      ),
    );
  },
  "unsupported-open": () =>
    queue(
      fixtures.failure(
        "ModelUnsupported",
        "resnet50.pt is a PyTorch checkpoint (pickle in a ZIP archive).",
        python,
      ),
    ),
  unreadable: () =>
    queue(
      fixtures.failure(
        "ModelUnreadable",
        "broken.onnx can't be read as a model: the graph ends after 1,204 of 9,305,126 bytes.",
        "Copy the file again; it looks like an interrupted download.",
        ["protobuf: length 9303922 past the end"],
      ),
    ),
  "disk-full": () =>
    queue(
      fixtures.failure(
        "DiskFull",
        "boxwright.toml can't be written: no space left on device.",
        "Free some space in ~/models, then save again.",
        [],
        true,
      ),
    ),
  "no-registry": (state) => {
    state.settings = { ...state.settings, registry: "", namespace: "" };
    state.accounts = [];
    state.history = [];
  },
  "signed-out": (state) => {
    state.accounts = [];
    failedJob(
      state,
      fixtures.failure(
        "RegistryUnauthorized",
        "registry.example.com wants a sign-in to push to vision/efficientnet-lite0.",
        "Sign in, then publish again.",
        [],
        true,
      ),
    );
  },
  failure: (state) =>
    failedJob(
      state,
      fixtures.failure(
        "RegistryUnreachable",
        "registry.example.com can't be reached: connection refused.",
        "Check that the registry runs and that its name and port are right.",
        ["tcp connect to 192.0.2.7:443", "Connection refused (os error 111)"],
        true,
      ),
    ),
  denied: (state) =>
    failedJob(
      state,
      fixtures.failure(
        "RegistryDenied",
        "registry.example.com does not let ada push to vision/efficientnet-lite0.",
        "Ask for push rights, or choose another repository.",
        [
          '403: {"errors":[{"code":"DENIED","message":"<b>requested access</b> to the resource is denied"}]}',
        ],
      ),
    ),
  "tag-exists": (state) =>
    failedJob(state, {
      ...fixtures.failure(
        "TagExists",
        "registry.example.com/vision/efficientnet-lite0:0.0.1 is already there and is another image",
        "Publish it as 0.0.3, or replace what is there.",
        ["it names sha256:77a0…19fe, this one is sha256:d4f1…08ab"],
      ),
      free_version: "0.0.3",
    }),
  publishing: (state) => {
    state.jobs = [fixtures.job(1, { status: "running" })];
  },
  proving: (state) => {
    const job = fixtures.job(1, { status: "running" }, 1);
    job.stage = "prove";
    job.bytes_per_second = 0;
    job.items = [
      {
        item: "cpu",
        label: "predict",
        target: "cpu",
        stage: "prove",
        unit: "images",
        done: 5,
        total: 5,
        reused: false,
      },
      {
        item: "arm64",
        label: "predict",
        target: "arm64",
        stage: "prove",
        unit: "images",
        done: 2,
        total: 5,
        reused: false,
      },
    ];
    state.jobs = [job];
  },
  published: (state) => {
    state.jobs = [
      {
        ...fixtures.job(1, { status: "finished", result: fixtures.published() }, 1),
        stage: "prove",
        elapsed_ms: 2810,
      },
    ];
  },
  "proof-differs": (state) => {
    const failure = fixtures.failure(
      "ProofDiffers",
      "The published image predicts something else than the preview on linux/arm64.",
      "Don't use it. Publish again; if it stays, report it with both predictions.",
      ["cat.jpg: the preview says “tiger cat”, the image says “window screen”"],
    );
    const status = { status: "failed" as const, failure, result: fixtures.published("differs") };
    state.jobs = [{ ...fixtures.job(1, status, 1), stage: "prove" }];
  },
  "proof-not-run": (state) => {
    state.jobs = [
      {
        ...fixtures.job(1, { status: "finished", result: fixtures.published("mixed") }, 1),
        stage: "prove",
      },
    ];
  },
  cancelled: (state) => {
    pictures(40)(state);
    state.preview.status = "cancelled";
    state.preview.done = 12;
    state.preview.samples = state.preview.samples.map((sample, i) =>
      i < 12 ? sample : { ...sample, outcome: null },
    );
    state.jobs = [fixtures.job(1, { status: "cancelled" }, 0.4)];
  },
  jobs: (state) => {
    const failure = fixtures.failure(
      "RegistryUnreachable",
      "registry.example.com can't be reached: connection refused.",
      "Check that the registry runs.",
      [],
      true,
    );
    state.jobs = [
      fixtures.job(3, { status: "running" }),
      fixtures.job(
        2,
        { status: "failed", failure, result: null },
        0.4,
        "registry.example.com/a-team-with-a-long-name/vision/efficientnet-lite0-quantised-for-phones:0.0.1",
      ),
      {
        ...fixtures.job(1, { status: "finished", result: fixtures.published() }, 1),
        stage: "prove",
      },
    ];
  },
  archive: (state) => {
    state.settings = { ...state.settings, registry: "" };
    const report = fixtures.report("proven", "efficientnet-lite0-0.0.1.tar");
    for (const image of report.images) for (const one of image.platforms) one.verified = null;
    state.jobs = [
      {
        ...fixtures.job(
          1,
          { status: "finished", result: { kind: "build", ...report } },
          1,
          "efficientnet-lite0-0.0.1.tar",
        ),
        kind: "build",
        stages: ["plan", "build", "write"],
        stage: "write",
      },
    ];
  },
};

let waiting: Failure[] = [];

function queue(failure: Failure): void {
  waiting.push(failure);
}

/** Failures that arrive right after the start. */
export function queued(): Failure[] {
  const now = waiting;
  waiting = [];
  return now;
}

export function scenario(name: string): State {
  const state = fixtures.state();
  (scenarios[name] ?? scenarios["filled"])?.(state);
  return state;
}
