// A grey PNG, read exactly. The browser's own decoder has 8 bits a sample, and may change colours.

const MOST_SIDE = 1 << 16;

/** The parts of the file that count: size, bytes of a sample, compressed rows. */
function chunks(file) {
  const view = new DataView(file.buffer);
  const found = { columns: 0, lines: 0, step: 1, data: [] };
  for (let at = 8; at + 12 <= file.length; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...file.subarray(at + 4, at + 8));
    const body = file.subarray(at + 8, at + 8 + view.getUint32(at));
    if (name === "IHDR") {
      if (body[9] !== 0 || body[12] !== 0 || (body[8] !== 8 && body[8] !== 16)) throw new Error("no grey PNG");
      Object.assign(found, { columns: view.getUint32(at + 8), lines: view.getUint32(at + 12), step: body[8] / 8 });
    } else if (name === "IDAT") found.data.push(body);
  }
  if (!(Math.min(found.columns, found.lines) > 0 && Math.max(found.columns, found.lines) <= MOST_SIDE)) throw new Error("no size");
  return found;
}

function paeth(left, up, corner) {
  const guess = left + up - corner;
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}

/** Undoes a row's filter, in place. */
function unfilter(kind, row, before, step) {
  for (let i = 0; kind > 0 && i < row.length; i += 1) {
    const [left, up, corner] = [i < step ? 0 : row[i - step], before[i], i < step ? 0 : before[i - step]];
    row[i] += [0, left, up, (left + up) >> 1, paeth(left, up, corner)][kind] ?? 0;
  }
}

/** Pieces of `size` bytes; the next one overwrites the piece before the last. */
async function* pieces(stream, size) {
  const reader = stream.getReader();
  let [filled, row, spare] = [0, new Uint8Array(size), new Uint8Array(size)];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (let at = 0; at < value.length; ) {
      const part = value.subarray(at, at + size - filled);
      row.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < size) continue;
      yield row;
      [filled, row, spare] = [0, spare, row];
    }
  }
}

/** The values row by row, with no side longer than `longest`: of each pixel the one under its centre. */
async function grey(base64, longest) {
  const { columns, lines, step, data } = chunks(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  const [width, height] = reduced([columns, lines], longest);
  const values = step === 1 ? new Uint8Array(width * height) : new Uint16Array(width * height);
  const centre = (place, from, to) => Math.floor(((place + 0.5) * from) / to);
  const places = Array.from({ length: width }, (_, x) => centre(x, columns, width));
  const inflated = new Blob(data).stream().pipeThrough(new DecompressionStream("deflate"));
  let [before, line, y] = [new Uint8Array(columns * step), 0, 0];
  for await (const piece of pieces(inflated, 1 + columns * step)) {
    const row = piece.subarray(1);
    unfilter(piece[0], row, before, step);
    if (y < height && line === centre(y, lines, height)) {
      places.forEach((x, i) => (values[y * width + i] = step === 1 ? row[x] : (row[2 * x] << 8) | row[2 * x + 1]));
      y += 1;
    }
    before = row;
    line += 1;
    if (line === lines) break;
  }
  if (y < height) throw new Error("it ends too early");
  return { width, height, values, most: step === 1 ? 255 : 65535 };
}

/** A size of the same proportions with no side longer than `longest`. */
function reduced([width, height], longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}
