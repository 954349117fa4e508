/** Masks of a class a pixel and mattes: decoded once, and coloured. */
import type { Outcome, SegmentClass, Segmentation } from "../../generated/contract";
import type { Draw } from "../task";
import type { Ground } from "./look.svelte";
import { packed, rgb } from "./palette";
import { decodeGrey, type Grey } from "./png";
import { surface } from "./surface";

/** Sides of what is decoded for a card and for the viewer, in pixels. */
export const cardSide = 320;
export const viewerSide = 2048;
/** Masks that are kept decoded: more than the cards of a window. */
const kept = 96;

const decoded = new Map<string, Promise<Grey>>();

/** The decoded mask; those that were asked for last are kept. */
export function grey(base64: string, longest: number): Promise<Grey> {
  const key = `${longest} ${base64}`;
  const found = decoded.get(key) ?? decodeGrey(base64, longest);
  decoded.delete(key);
  decoded.set(key, found);
  const oldest = decoded.keys().next().value;
  if (decoded.size > kept && oldest !== undefined) decoded.delete(oldest);
  return found;
}

export function segmentation(outcome: Outcome): Segmentation | null {
  return "segmentation" in outcome ? outcome.segmentation : null;
}

/** Whether a class stands for what is none of the others: nothing is drawn for it. */
export function isBackground(one: SegmentClass, all: readonly SegmentClass[]): boolean {
  if (one.index !== 0) return false;
  const name = one.class.replace(/^_+|_+$/g, "").toLowerCase();
  if (["background", "bg", "n/a", "unlabeled", "unlabelled"].includes(name)) return true;
  return name === "0" && all.every(({ index }) => index <= 1);
}

/** The share of a class in the picture, 0 to 1. */
export function share(one: SegmentClass, { width, height }: Segmentation): number {
  return one.pixels / Math.max(1, width * height);
}

/** The classes by falling share, the background last. */
export function bySize({ classes }: Segmentation): SegmentClass[] {
  const last = (one: SegmentClass) => Number(isBackground(one, classes));
  return [...classes].sort((a, b) => last(a) - last(b) || b.pixels - a.pixels);
}

/** The mask in the colours of its classes; those of `hidden` are left out, but for `lit` the rest is dimmed. */
export function paintClasses(
  mask: Grey,
  classes: readonly SegmentClass[],
  hidden: ReadonlySet<number> = new Set(),
  lit: number | null = null,
): ImageData {
  const colours = new Map<number, number>();
  for (const one of classes) {
    if (isBackground(one, classes) || hidden.has(one.index)) continue;
    const alpha = lit === null || lit === one.index ? 255 : 70;
    colours.set(one.index, packed([...rgb(one.index), alpha]));
  }
  const picture = new ImageData(mask.width, mask.height);
  const pixels = new Uint32Array(picture.data.buffer);
  for (const [i, index] of mask.values.entries()) pixels[i] = colours.get(index) ?? 0;
  return picture;
}

/** Two greys of the checks, and their size in pixels of a matte of 1,024. */
const checks = [238, 200] as const;

/** What hides the background of the photo: opaque where the matte is 0; or the matte itself. */
export function paintMatte({ width, height, values }: Grey, ground: Ground): ImageData {
  const picture = new ImageData(width, height);
  const size = Math.max(4, Math.round(Math.max(width, height) / 64));
  for (const [i, value] of values.entries()) {
    const odd = (Math.floor((i % width) / size) + Math.floor(i / width / size)) % 2;
    const shade = ground === "mask" ? value : ground === "grey" ? 128 : (checks[odd] ?? 0);
    picture.data.fill(shade, 4 * i, 4 * i + 3);
    picture.data[4 * i + 3] = ground === "mask" ? 255 : 255 - value;
  }
  return picture;
}

/** The mean of a matte, 0 to 1. */
export function foreground({ values }: Grey): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / Math.max(1, values.length) / (values instanceof Uint16Array ? 65535 : 255);
}

/** Draws pixels over a card's whole picture. */
export function drawPixels(pixels: ImageData, opacity: number): Draw {
  const whole = surface(pixels);
  return ({ canvas, picture }) => {
    canvas.globalAlpha = opacity;
    canvas.drawImage(whole, 0, 0, ...picture);
    canvas.globalAlpha = 1;
  };
}
