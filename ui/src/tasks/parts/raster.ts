/**
 * Upright boxes as pixels. A canvas that no GPU draws takes 20 times as long to stroke them: 300 boxes
 * on each card in view are to follow a slider.
 */

/** Pixels row by row, each with its four colours in one number. */
export interface Raster {
  width: number;
  height: number;
  pixels: Uint32Array;
}

/** Fills the pixels from `left` and `top` up to `right` and `bottom`, as far as they are in the picture. */
function fill(
  { width, height, pixels }: Raster,
  left: number,
  top: number,
  right: number,
  bottom: number,
  colour: number,
): void {
  const from = Math.max(0, left);
  const to = Math.min(width, right);
  const last = Math.min(height, bottom);
  for (let y = Math.max(0, top); y < last; y += 1) {
    const row = y * width;
    // A call costs more than some pixels do.
    if (to - from > 24) pixels.fill(colour, row + from, row + to);
    else for (let at = row + from; at < row + to; at += 1) pixels[at] = colour;
  }
}

/**
 * Draws a frame around the outline of a box, from `inner` pixels off the outline to `outer`: into the
 * box where they are negative.
 */
export function frame(
  raster: Raster,
  [left, top, right, bottom]: readonly [number, number, number, number],
  inner: number,
  outer: number,
  colour: number,
): void {
  const [x0, y0, x1, y1] = [left - outer, top - outer, right + outer, bottom + outer];
  const topEnd = Math.min(y1, top - inner);
  const bottomStart = Math.max(topEnd, bottom + inner);
  const leftEnd = Math.min(x1, left - inner);
  fill(raster, x0, y0, x1, topEnd, colour);
  fill(raster, x0, bottomStart, x1, y1, colour);
  fill(raster, x0, topEnd, leftEnd, bottomStart, colour);
  fill(raster, Math.max(leftEnd, right + inner), topEnd, x1, bottomStart, colour);
}
