import { describe, expect, test } from "vitest";
import type { Decode, Preprocess } from "../generated/contract";
import * as fixtures from "../host/fake/fixtures";
import { decodeCall, resizeCall } from "./calls";
import { filters, filtersFor } from "./choices";
import {
  applies,
  changedRareFields,
  pictures,
  setChannels,
  setDecode,
  setResize,
  settle,
  type Pictures,
} from "./preprocess";

/** The sample's package, whose model fixes 224 × 224, or takes any size. */
function setting(pre: Partial<Preprocess> = {}, free = false): Pictures {
  const document = fixtures.document();
  const [spec] = document.model.signature.inputs;
  if (free && spec) spec.shape = ["batch", 3, "height", "width"];
  const pkg = document.package;
  Object.assign(pkg.preprocess, pre);
  const at = pictures(pkg, document);
  if (!at) throw new Error("the sample takes pictures");
  return at;
}

describe("another way of resizing", () => {
  test("leaves nothing behind that only the last one knew", () => {
    const at = setting({ max_size: 1333, long_side: "detr" });
    setResize(at, "letterbox");
    expect(at.pre).toMatchObject({
      resize: "letterbox",
      size: null,
      max_size: null,
      long_side: null,
      crop: "none",
      pad: [114, 114, 114],
    });
    Object.assign(at.pre, { align: "top-left", pad_normalised: 0 });
    settle(at);
    expect(at.pre.pad, "the border has no colour once it is added after normalising").toBeNull();
    setResize(at, "stretch");
    expect(at.pre).toMatchObject({ pad: null, pad_normalised: null, align: "center" });
  });

  test("brings what it needs", () => {
    const at = setting({ resize: "stretch", size: null, crop: "none", filter: "opencv-area" });
    setResize(at, "short-side");
    expect(at.pre).toMatchObject({ size: 256, crop: "center", filter: "opencv-area" });
    setResize(at, "thumbnail");
    expect(at.pre.filter, "only Pillow has thumbnails").toBe("bicubic");
    const free = setting({ crop: "none" }, true);
    Object.assign(free.input, { width: null, height: null });
    setResize(free, "letterbox");
    expect(free.input).toMatchObject({ width: 640, height: 640 });
  });
});

describe("what follows from a choice", () => {
  test("the rounding of DETR goes with the longer side's limit", () => {
    const at = setting({ long_side: "detr", max_size: 1333 });
    settle(at);
    expect(at.pre.long_side).toBe("detr");
    at.pre.max_size = null;
    settle(at);
    expect(at.pre.long_side).toBeNull();
  });

  test.each(["opencv-unchanged", "tensorflow"] as Decode[])("%s turns no photo", (decode) => {
    const at = setting({ draft: true });
    setDecode(at, decode);
    expect(at.pre).toMatchObject({ exif: false, draft: false });
    expect(applies("preprocess.exif", at)).toBe(false);
    setDecode(at, "opencv");
    expect(at.pre.exif).toBe(true);
  });

  test("what a filter's library doesn't have is cleared with the filter", () => {
    const at = setting({ filter: "torchvision-bilinear", antialias: false, resize_in: "unit" });
    settle(at);
    expect(at.pre).toMatchObject({ antialias: false, resize_in: "unit" });
    at.pre.filter = "opencv-area";
    settle(at);
    expect(at.pre).toMatchObject({ antialias: null, resize_in: "unit" });
    at.pre.filter = "lanczos";
    settle(at);
    expect(at.pre.resize_in).toBe("u8");
  });

  test("a stride is for sides that nothing else gives", () => {
    const stride = (at: Pictures) => {
      at.input.stride = 32;
      settle(at);
      return at.input.stride;
    };
    expect(stride(setting())).toBeNull();
    expect(stride(setting({}, true))).toBe(32);
    expect(stride(setting({ resize: "stretch", crop: "none" }, true))).toBeNull();
    const own = setting({ resize: "stretch", crop: "none", size: null }, true);
    Object.assign(own.input, { width: null, height: null });
    expect(stride(own)).toBe(32);
    own.pre.resize = "none";
    expect(stride(own)).toBeNull();
  });

  test("without a size of the input nothing is cropped to it, but for the size that a model fixes", () => {
    const free = setting({}, true);
    Object.assign(free.input, { width: null, height: null });
    settle(free);
    expect(free.pre.crop).toBe("none");
    const fixed = setting();
    Object.assign(fixed.input, { width: null, height: null });
    settle(fixed);
    expect(fixed.pre.crop).toBe("center");
    expect(fixed.input).toMatchObject({ width: 224, height: 224 });
  });

  test("each channel keeps its numbers when their order changes", () => {
    const { pre } = setting({ mean: [1, 2, 3], std: [4, 5, 6], grey: "after" });
    setChannels(pre, "bgr");
    expect([pre.mean, pre.std]).toEqual([
      [3, 2, 1],
      [6, 5, 4],
    ]);
    setChannels(pre, "grey");
    expect(pre.mean).toEqual([3]);
    setChannels(pre, "rgb");
    expect(pre.mean).toEqual([3, 3, 3]);
  });
});

describe("rare fields", () => {
  test("count as set only where they change something", () => {
    expect(changedRareFields(setting())).toEqual([]);
    expect(changedRareFields(setting({ long_side: "floor" })), "the default, written").toEqual([]);
    const set = { long_side: "round", arithmetic: "torchvision", jpeg_quality: 90 } as const;
    expect(changedRareFields(setting(set)).sort()).toEqual([
      "preprocess.arithmetic",
      "preprocess.jpeg_quality",
      "preprocess.long_side",
    ]);
    expect(changedRareFields(setting({ align: "top-left" })), "no letterbox").toEqual([]);
  });
});

describe("the libraries' calls", () => {
  test("are those of the chosen decoder and filter", () => {
    const { pre, input } = setting();
    expect(decodeCall(pre)).toBe("ImageOps.exif_transpose(Image.open(f))");
    expect(resizeCall(pre, input)).toBe("T.Resize(256, BICUBIC)");
    const call = (fields: Partial<Preprocess>) => {
      const at = setting(fields);
      return resizeCall(at.pre, at.input);
    };
    const stretch = { resize: "stretch", size: null } as const;
    expect(call({ ...stretch, filter: "opencv-area" })).toBe(
      "cv2.resize(x, (224, 224), interpolation=cv2.INTER_AREA)",
    );
    expect(call({ filter: "torchvision-bilinear", max_size: 400, antialias: false })).toBe(
      "F.resize(x, [256], BILINEAR, max_size=400, antialias=False)",
    );
    expect(call({ ...stretch, filter: "tensorflow-lanczos3", antialias: true })).toBe(
      'tf.image.resize(x, (224, 224), "lanczos3", antialias=True)',
    );
    expect(call({ resize: "thumbnail" })).toBe("image.thumbnail((224, 224), BICUBIC)");
  });

  test("a filter that does not fit, or is of format 1, is listed as long as it is chosen", () => {
    expect(filtersFor("stretch", "box")).toBe(filters);
    const values = (groups: ReturnType<typeof filtersFor>) =>
      groups.flatMap((group) => group.options.map((one) => one.value));
    expect(values(filtersFor("stretch", "format1-opencv-area"))).toContain("format1-opencv-area");
    expect(values(filtersFor("thumbnail", "opencv-area"))).toContain("opencv-area");
    expect(values(filtersFor("thumbnail", "box"))).not.toContain("opencv-area");
  });
});
