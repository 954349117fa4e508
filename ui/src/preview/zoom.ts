/** How a picture lies in the viewer: how much larger than it fits, and how far it is moved. */

export type Size = readonly [number, number];

export interface Position {
  /** 1 where the whole picture fits. */
  zoom: number;
  /** From the middle of the box to the middle of the picture, in CSS pixels. */
  x: number;
  y: number;
}

export const fitted: Position = { zoom: 1, x: 0, y: 0 };
/** One step of the keyboard, the buttons and a double click. */
export const step = 1.5;
/** CSS pixels of a pixel of the picture at the most. */
const mostPerPixel = 16;

/** The size of the picture where it fits; small pictures are enlarged. */
export function fit([width, height]: Size, box: Size): Size {
  const scale = Math.min(box[0] / width, box[1] / height);
  return [Math.max(0, width * scale), Math.max(0, height * scale)];
}

/** Moves the picture back where there would be more empty room than needed. */
export function clamp({ zoom, x, y }: Position, picture: Size, box: Size): Position {
  const whole = fit(picture, box);
  const most = Math.max(2, (mostPerPixel * picture[0]) / Math.max(1, whole[0]));
  const next = Math.max(1, Math.min(most, zoom));
  const within = (offset: number, axis: 0 | 1) => {
    const room = Math.max(0, (whole[axis] * next - box[axis]) / 2);
    return Math.max(-room, Math.min(room, offset));
  };
  return { zoom: next, x: within(x, 0), y: within(y, 1) };
}

/** Zooms by a factor; the point of the picture at `at`, from the middle of the box, stays there. */
export function zoomAt(
  { zoom, x, y }: Position,
  factor: number,
  at: Size,
  picture: Size,
  box: Size,
): Position {
  const { zoom: next } = clamp({ zoom: zoom * factor, x: 0, y: 0 }, picture, box);
  const grown = next / zoom;
  const moved = (offset: number, point: number) => point - (point - offset) * grown;
  return clamp({ zoom: next, x: moved(x, at[0]), y: moved(y, at[1]) }, picture, box);
}
