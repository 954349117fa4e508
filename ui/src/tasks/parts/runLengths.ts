/** Masks as COCO's run lengths: runs of zeros and ones in turn, down the columns, zeros first. */
import type { RunLengths } from "../../generated/contract";

/** The pixels of a mask, whatever the runs hold past its end. */
export function area(mask: RunLengths): number {
  const [height, width] = mask.size;
  let at = 0;
  let pixels = 0;
  mask.counts.forEach((run, i) => {
    const end = Math.min(at + run, height * width);
    if (i % 2 === 1) pixels += end - at;
    at = end;
  });
  return pixels;
}

/**
 * Calls `paint` with each pixel of a mask that is brought to `width` × `height`, each of which takes
 * the pixel of the mask under its centre. The work grows with the runs and with the pixels painted.
 */
export function eachPixel(
  mask: RunLengths,
  width: number,
  height: number,
  paint: (x: number, y: number) => void,
): void {
  const [rows, columns] = mask.size;
  if (rows <= 0 || columns <= 0) return;
  const target = (place: number, from: number, to: number) =>
    Math.max(0, Math.ceil((place * to) / from - 0.5));
  const total = rows * columns;
  let at = 0;
  for (const [i, run] of mask.counts.entries()) {
    const end = Math.min(at + run, total);
    while (i % 2 === 1 && at < end) {
      const column = Math.floor(at / rows);
      const stop = Math.min(end, (column + 1) * rows);
      const [top, bottom] = [at - column * rows, stop - column * rows];
      const lastX = target(column + 1, columns, width);
      const firstY = target(top, rows, height);
      const lastY = Math.min(height, target(bottom, rows, height));
      for (let x = target(column, columns, width); x < lastX && x < width; x += 1)
        for (let y = firstY; y < lastY; y += 1) paint(x, y);
      at = stop;
    }
    at = end;
  }
}
