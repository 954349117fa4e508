import { describe, expect, test } from "vitest";
import * as data from "../host/fake/data";
import { asSentence, splitHint, toFailure } from "./failures";
import { plainField, within } from "./focus";
import { command } from "./keys";
import { bars, sent, stageState } from "./layers";
import { namespaceOf, reference, referenceProblem, repository } from "./reference";
import { arrange, counts, glimpse } from "./samples";
import { all, extend, keep, nothing, toggle } from "./selection";
import { normalisation, parseNumbers, printNumbers, sentence } from "./sentence";
import { axes, dtype } from "./signature";
import type { Shown } from "./view";

describe("the pipeline's sentence", () => {
  test("says what the package file says", () => {
    expect(sentence(data.pkg()).map((chip) => chip.text)).toEqual([
      "upright photo",
      "short side 256",
      "crop 224",
      "RGB",
      "(x − 127) / 128",
      "NCHW f32",
    ]);
  });

  test("leaves out what does nothing", () => {
    const pkg = data.pkg();
    Object.assign(pkg.preprocess, {
      resize: "none",
      crop: "none",
      mean: [0],
      std: [1],
      exif: false,
    });
    expect(sentence(pkg).map((chip) => chip.text)).toEqual(["photo", "RGB", "NCHW f32"]);
  });

  test("of a package without an image input is one word", () => {
    const pkg = data.pkg();
    pkg.input = [
      {
        name: "x",
        kind: "tensor",
        layout: "NCHW",
        dtype: "f32",
        width: null,
        height: null,
      } as never,
    ];
    expect(sentence(pkg)).toHaveLength(1);
  });

  test("normalisation is written per channel only where channels differ", () => {
    expect(normalisation([0, 0, 0], [255, 255, 255])).toBe("x / 255");
    expect(normalisation([1], [1])).toBe("x − 1");
    expect(normalisation([123.675, 116.28, 103.53], [58.395, 57.12, 57.375])).toBe(
      "(x − [123.675, 116.28, 103.53]) / [58.395, 57.12, 57.375]",
    );
    expect(normalisation([0], [1])).toBeNull();
  });

  test("numbers are read with any separator, and only numbers", () => {
    expect(parseNumbers("127, 127;127")).toEqual([127, 127, 127]);
    expect(parseNumbers("1e2 -3.5")).toEqual([100, -3.5]);
    expect(parseNumbers("12a")).toBeNull();
    expect(parseNumbers("  ")).toBeNull();
    expect(printNumbers([0.1 + 0.2, 5])).toBe("0.3  5");
  });
});

describe("signatures", () => {
  test("name dynamic axes, and say where even the rank is open", () => {
    expect(axes(["batch", 3, ""])).toEqual([
      { text: "batch", dynamic: true },
      { text: "3", dynamic: false },
      { text: "any", dynamic: true },
    ]);
    expect(axes(null)).toBeNull();
    expect(dtype("FP32")).toBe("f32");
  });
});

describe("failures", () => {
  test("a hint with a program is prose and code", () => {
    const { prose, code } = splitHint(
      "Export it where you trained it.\n\nimport torch\ntorch.onnx.export(\n    model,\n)\n",
    );
    expect(prose).toBe("Export it where you trained it.");
    expect(code).toBe("import torch\ntorch.onnx.export(\n    model,\n)");
  });

  test("a hint of prose alone stays prose", () => {
    expect(splitHint("Import the model anew.\nThen try again.")).toEqual({
      prose: "Import the model anew.\nThen try again.",
      code: null,
    });
  });

  test("a message is a sentence, but a file's name stays as it is", () => {
    expect(asSentence("the worker was killed")).toBe("The worker was killed");
    expect(asSentence("resnet50.pt is a checkpoint")).toBe("resnet50.pt is a checkpoint");
  });

  test("whatever is thrown becomes a failure", () => {
    expect(toFailure("boom").message).toBe("boom");
    expect(toFailure({ code: "DiskFull", message: "full" })).toMatchObject({
      code: "DiskFull",
      causes: [],
      hint: "",
    });
  });
});

describe("shortcuts", () => {
  const press = (key: string, over: Partial<KeyboardEvent> = {}) =>
    command({ key, ctrlKey: true, metaKey: false, shiftKey: false, altKey: false, ...over });

  test("are those of the table, with Ctrl or Command", () => {
    expect(press("z")).toBe("undo");
    expect(press("Z", { shiftKey: true })).toBe("redo");
    expect(press("y")).toBe("redo");
    expect(press("s", { ctrlKey: false, metaKey: true })).toBe("save");
    expect(press("O", { shiftKey: true })).toBe("add");
    expect(press("Enter")).toBe("publish");
    expect(press(",")).toBe("settings");
  });

  test("are nothing else", () => {
    expect(press("s", { ctrlKey: false })).toBeNull();
    expect(press("s", { altKey: true })).toBeNull();
    expect(press("q")).toBeNull();
  });
});

describe("fields", () => {
  test("indices of a problem's path lead to the page's control", () => {
    expect(plainField("input.0.width")).toBe("input.width");
    expect(plainField("input[0].width")).toBe("input.width");
    expect(within("preprocess.std.1", "preprocess.std")).toBe(true);
    expect(within("preprocess.standard", "preprocess.std")).toBe(false);
  });
});

describe("references", () => {
  test("are put together and taken apart", () => {
    expect(reference("localhost:5000", "vision/cat", "1")).toBe("localhost:5000/vision/cat:1");
    expect(repository("", "cat")).toBe("cat");
    expect(repository("a/b/", "cat")).toBe("a/b/cat");
    expect(namespaceOf("a/b/cat")).toBe("a/b");
  });

  test("are checked by the distribution grammar", () => {
    expect(referenceProblem("vision/cat__dog-1", "0.0.1")).toBeNull();
    for (const bad of ["Vision/cat", "vision//cat", "/cat", "cat/", "c at", "cat..dog", ""])
      expect(referenceProblem(bad, "1")).not.toBeNull();
    expect(referenceProblem("cat", ".1")).not.toBeNull();
    expect(referenceProblem("cat", "x".repeat(129))).not.toBeNull();
  });
});

describe("samples", () => {
  const shown: Shown[] = data.samples(40).map((sample) => ({ ...sample, run: 1 }));

  test("are counted and filtered alike", () => {
    const totals = counts(shown);
    expect(totals.all).toBe(40);
    for (const filter of ["failed", "low"] as const)
      expect(arrange(shown, filter, "added")).toHaveLength(totals[filter]);
    expect(totals.failed).toBeGreaterThan(0);
  });

  test("sort by name with numbers as numbers, by score with failures last", () => {
    const names = [10, 9, 1].map((n) => ({ ...(shown[0] as Shown), id: n, name: `p${n}.jpg` }));
    expect(arrange(names, "all", "name").map((one) => one.id)).toEqual([1, 9, 10]);
    for (const sort of ["score-up", "score-down"] as const)
      expect(arrange(shown, "all", sort).at(-1)?.outcome).toHaveProperty("error");
  });

  test("a tensor is glimpsed, not printed", () => {
    expect(glimpse({ shape: [3], datatype: "FP32", data: [1, 0.123456, 3] }, 2)).toBe(
      "1, 0.1235, …",
    );
  });
});

describe("selection", () => {
  const order = [5, 3, 9, 1];

  test("toggles, extends from the anchor in the order shown, and takes all", () => {
    const one = toggle(nothing, 3);
    expect([...extend(one, order, 1).ids]).toEqual([3, 9, 1]);
    expect([...extend(one, order, 5).ids]).toEqual([5, 3]);
    expect(toggle(one, 3).ids.size).toBe(0);
    expect(all(order, one).ids.size).toBe(4);
  });

  test("forgets what is gone, and is the same where nothing is", () => {
    const two = toggle(toggle(nothing, 3), 9);
    expect(keep(two, order)).toBe(two);
    expect([...keep(two, [3]).ids]).toEqual([3]);
    expect(keep(two, [3]).active).toBeNull();
  });
});

describe("a job's bars", () => {
  test("are one a target and one for what targets share, with what is reused and what is sent in words", () => {
    const job = data.job(1, { status: "running" }, 0.62);
    const [amd, arm, shared] = bars(job);
    expect(amd?.segments.map((one) => [one.label, one.reused])).toEqual([
      ["base", true],
      ["runtime", false],
    ]);
    expect(amd?.words).toBe("13.6 of 14.6 MB · 4.3 MB reused");
    expect(arm?.done).toBe(false);
    expect(shared?.target).toBe("");
    expect(sent(job).total).toBeGreaterThan(sent(job).done);
  });

  test("keep the last stage's where the running one has none yet", () => {
    expect(bars({ ...data.job(1, { status: "running" }), stage: "prove" })).toHaveLength(3);
  });

  test("of what is hashed and what is predicted at the same time are two", () => {
    const job = data.job(1, { status: "running" });
    job.stage = "build";
    job.items = [
      {
        item: "model.onnx",
        label: "model",
        target: null,
        stage: "build",
        unit: "bytes",
        done: 5_000_000,
        total: 10_000_000,
        reused: false,
      },
      {
        item: "boxwright.toml",
        label: "preview",
        target: null,
        stage: "build",
        unit: "images",
        done: 2,
        total: 5,
        reused: false,
      },
    ];
    const [hashed, predicted] = bars(job);
    expect([hashed?.title, hashed?.words]).toEqual(["model", "5.0 of 10.0 MB"]);
    expect([predicted?.title, predicted?.words]).toEqual(["preview", "2 of 5 pictures"]);
    expect(hashed?.key).not.toBe(predicted?.key);
  });

  test("stages before the running one are done", () => {
    const job = data.job(1, { status: "running" });
    expect(job.stages.map((stage) => stageState(job, stage))).toEqual([
      "done",
      "done",
      "now",
      "later",
      "later",
    ]);
  });
});
