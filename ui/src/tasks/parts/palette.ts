/**
 * The colour of a class, the same everywhere. The hues are those of Okabe and Ito, which colour-blind
 * people can tell apart; from the eighth class on they come again, lighter and then darker.
 */

export type Rgb = readonly [number, number, number];

const hues: readonly Rgb[] = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
];
/** What is mixed into the hues in each round, and its share. */
const tones: readonly (readonly [number, number])[] = [
  [0, 0],
  [255, 0.5],
  [0, 0.42],
];

export const colours: readonly Rgb[] = tones.flatMap(([towards, share]) =>
  hues.map((hue) => hue.map((one) => Math.round(one + (towards - one) * share)) as unknown as Rgb),
);

export function rgb(index: number): Rgb {
  return colours[Math.abs(Math.trunc(index)) % colours.length] ?? [230, 159, 0];
}

export function colour(index: number): string {
  return `rgb(${rgb(index).join(" ")})`;
}

/** Relative luminance, as the Web Content Accessibility Guidelines define it. */
export function luminance(value: Rgb): number {
  const [red, green, blue] = value.map((one) => {
    const share = one / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}

export function contrast(one: Rgb, other: Rgb): number {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return ((light ?? 0) + 0.05) / ((dark ?? 0) + 0.05);
}

export const black: Rgb = [0, 0, 0];
export const white: Rgb = [255, 255, 255];

/** Black or white: what stands out from the colour, for text on it and for the stroke around it. */
export function opposite(index: number): Rgb {
  const value = rgb(index);
  return contrast(value, black) >= contrast(value, white) ? black : white;
}

export function oppositeColour(index: number): string {
  return opposite(index) === black ? "rgb(0 0 0)" : "rgb(255 255 255)";
}

/** Red, green, blue and alpha as one number in the order of the machine's memory. */
export function packed(colour: readonly number[]): number {
  return new Uint32Array(Uint8Array.from(colour).buffer)[0] ?? 0;
}
