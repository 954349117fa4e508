import { expect, test } from "vitest";
import type { PictureDetails } from "../generated/contract";
import { detailLines } from "./details";

const jpeg: PictureDetails = {
  format: "JPEG",
  bits: 8,
  channels: 3,
  orientation: 1,
  turned: false,
  colour_profile: null,
};

test("a picture's file is named with its bits and colours", () => {
  expect(detailLines(jpeg)).toEqual(["JPEG, 8 bits, RGB"]);
  expect(detailLines({ ...jpeg, channels: 4 })).toEqual(["JPEG, 8 bits, CMYK"]);
  expect(detailLines({ ...jpeg, format: "PNG", bits: 16, channels: 4 })).toEqual([
    "PNG, 16 bits, RGBA",
  ]);
  expect(detailLines({ ...jpeg, format: "GIF", channels: 1 })).toEqual(["GIF, 8 bits, palette"]);
  expect(detailLines({ ...jpeg, format: "TIFF", bits: 1, channels: 1 })).toEqual([
    "TIFF, 1 bit, grey or palette",
  ]);
});

test("an orientation is named with what was made of it", () => {
  expect(detailLines({ ...jpeg, orientation: 6, turned: true })[0]).toBe(
    "JPEG, 8 bits, RGB · EXIF orientation 6, turned upright",
  );
  expect(detailLines({ ...jpeg, orientation: 6 })[0]).toBe(
    "JPEG, 8 bits, RGB · EXIF orientation 6, left as stored",
  );
});

test("a colour profile has a line that says that it is left alone", () => {
  const lines = detailLines({ ...jpeg, colour_profile: "<b>Display P3</b>" });
  expect(lines[1]).toBe("Colour profile <b>Display P3</b> embedded: left alone, as notebooks do");
});
