/**
 * Upright boxes as pixels. A canvas that no GPU draws takes 20 times as long to stroke them: 300 boxes
 * on each card in view are to follow a slider.
 */

type Point = readonly [number, number];

/** Fills the pixels from `left` and `top` up to `right` and `bottom`, as far as they are in the picture. */
function fill(
  { width, height }: ImageData,
  pixels: Uint32Array,
  [left, top, right, bottom]: readonly [number, number, number, number],
  colour: number,
): void {
  const [from, to] = [Math.max(0, left), Math.min(width, right)];
  if (from >= to) return;
  const last = Math.min(height, bottom);
  for (let y = Math.max(0, top); y < last; y += 1) {
    const row = y * width;
    // A call costs more than a few pixels do.
    if (to - from > 16) pixels.fill(colour, row + from, row + to);
    else for (let x = from; x < to; x += 1) pixels[row + x] = colour;
  }
}

/** Draws the outline between two corners, which reaches `half` pixels into the box and out of it. */
export function frame(
  picture: ImageData,
  pixels: Uint32Array,
  corners: readonly [Point, Point],
  half: number,
  colour: number,
): void {
  const [[left, top], [right, bottom]] = corners;
  const [x0, y0, x1, y1] = [left - half, top - half, right + half, bottom + half];
  const [topEnd, bottomStart] = [Math.min(y1, top + half), Math.max(y0, bottom - half)];
  fill(picture, pixels, [x0, y0, x1, topEnd], colour);
  fill(picture, pixels, [x0, bottomStart, x1, y1], colour);
  fill(picture, pixels, [x0, topEnd, Math.min(x1, left + half), bottomStart], colour);
  fill(picture, pixels, [Math.max(x0, right - half), topEnd, x1, bottomStart], colour);
}
