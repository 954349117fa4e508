// The colour of a class, the same as in the studio: the hues of Okabe and Ito, which colour-blind people
// can tell apart; from the eighth class on they come again, lighter and then darker.

const HUES = [
  [230, 159, 0],
  [86, 180, 233],
  [0, 158, 115],
  [240, 228, 66],
  [0, 114, 178],
  [213, 94, 0],
  [204, 121, 167],
];
/** What is mixed into the hues in each round, and its share. */
const TONES = [
  [0, 0],
  [255, 0.5],
  [0, 0.42],
];
const COLOURS = TONES.flatMap(([towards, share]) => HUES.map((hue) => hue.map((one) => Math.round(one + (towards - one) * share))));

const rgb = (index) => COLOURS[Math.abs(Math.trunc(index)) % COLOURS.length] ?? COLOURS[0];
const colour = (index) => `rgb(${rgb(index).join(" ")})`;

/** Black or white: what stands out from the colour. */
function opposite(index) {
  const [red, green, blue] = rgb(index).map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
  // Where contrast with black and with white is the same.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue >= 0.1791 ? "#000" : "#fff";
}

/** Red, green, blue and alpha as one word of pixel data. */
const packed = (...bytes) => new Uint32Array(Uint8Array.from(bytes).buffer)[0];

function swatch(index) {
  const key = make("span", "swatch");
  key.style.setProperty("--mark", index === null ? "transparent" : colour(index));
  key.setAttribute("aria-hidden", "true");
  return key;
}
