/**
 * Reads a grey PNG in base64, exactly and at a smaller size if asked. The browser's own decoder would
 * want an address that the page's policy forbids, has 8 bits a sample, and may change colours.
 */

export interface Grey {
  width: number;
  height: number;
  /** Row by row, 8 or 16 bits each. */
  values: Uint8Array | Uint16Array;
}

/** Sides beyond this are no picture of ours. */
const mostSide = 1 << 16;
const signature = [137, 80, 78, 71, 13, 10, 26, 10];

interface Chunks {
  width: number;
  height: number;
  bytes: 1 | 2;
  data: Uint8Array<ArrayBuffer>[];
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function chunks(file: Uint8Array<ArrayBuffer>): Chunks {
  if (signature.some((byte, i) => file[i] !== byte)) throw new Error("The mask is no PNG.");
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const found: Chunks = { width: 0, height: 0, bytes: 1, data: [] };
  for (let at = 8; at + 12 <= file.length;) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const body = file.subarray(at + 8, at + 8 + length);
    if (name === "IHDR" && body.length === 13) {
      [found.width, found.height] = [view.getUint32(at + 8), view.getUint32(at + 12)];
      const [depth, type, , , interlace] = body.subarray(8);
      if ((depth !== 8 && depth !== 16) || type !== 0 || interlace !== 0)
        throw new Error("The mask is no grey PNG of 8 or 16 bits.");
      found.bytes = depth === 8 ? 1 : 2;
    } else if (name === "IDAT") found.data.push(body);
    at += 12 + length;
  }
  const sides = [found.width, found.height];
  if (sides.some((side) => side < 1 || side > mostSide)) throw new Error("The mask has no size.");
  return found;
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** Undoes a row's filter, in place. */
function unfilter(kind: number, row: Uint8Array, before: Uint8Array, step: number): void {
  if (kind === 0) return;
  for (let i = 0; i < row.length; i += 1) {
    const left = i >= step ? (row[i - step] ?? 0) : 0;
    const up = before[i] ?? 0;
    const corner = i >= step ? (before[i - step] ?? 0) : 0;
    const guess = [0, left, up, (left + up) >> 1, 0][kind] ?? 0;
    row[i] = (row[i] ?? 0) + (kind === 4 ? paeth(left, up, corner) : guess);
  }
}

/** Yields the bytes in pieces of `size`; the next one overwrites the piece before the last. */
async function* rows(stream: ReadableStream<Uint8Array>, size: number) {
  const reader = stream.getReader();
  let filled = 0;
  let row = new Uint8Array(size);
  let spare = new Uint8Array(size);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (let at = 0; at < value.length;) {
      const part = value.subarray(at, at + size - filled);
      row.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === size) {
        yield row;
        filled = 0;
        [row, spare] = [spare, row];
      }
    }
  }
}

/** The picture, with no side longer than `longest`: of each pixel the one under its centre. */
export async function decodeGrey(base64: string, longest = mostSide): Promise<Grey> {
  const { width: columns, height: lines, bytes, data } = chunks(fromBase64(base64));
  const scale = Math.min(1, longest / Math.max(columns, lines));
  const width = Math.max(1, Math.round(columns * scale));
  const height = Math.max(1, Math.round(lines * scale));
  const values = bytes === 1 ? new Uint8Array(width * height) : new Uint16Array(width * height);
  const centre = (place: number, from: number, to: number) =>
    Math.floor(((place + 0.5) * from) / to);
  const places = Array.from({ length: width }, (_, x) => centre(x, columns, width));
  const inflated = new Blob(data).stream().pipeThrough(new DecompressionStream("deflate"));
  let before = new Uint8Array(columns * bytes);
  let line = 0;
  let y = 0;
  for await (const piece of rows(inflated, 1 + columns * bytes)) {
    const row = piece.subarray(1);
    unfilter(piece[0] ?? 0, row, before, bytes);
    if (y < height && line === centre(y, lines, height)) {
      places.forEach((x, i) => {
        const value = bytes === 1 ? row[x] : ((row[2 * x] ?? 0) << 8) | (row[2 * x + 1] ?? 0);
        values[y * width + i] = value ?? 0;
      });
      y += 1;
    }
    before = row;
    line += 1;
    if (line === lines) break;
  }
  if (y < height) throw new Error("The mask ends too early.");
  return { width, height, values };
}
