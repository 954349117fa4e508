// One prediction as elements: `roomy` where all of it is shown, else the first few lines.

const LINES = 5;
const BOXES = 500;

/** What a prediction says, below the picture. `open` leads to all of it. */
function told(result, roomy, open) {
  if (result.error) return failure(result.error);
  const most = roomy ? Infinity : LINES;
  if (Array.isArray(result.classPredictions)) return ranks(result.classPredictions, most, open);
  if (Array.isArray(result.detections)) return found(result.detections, most, open);
  if (result.segmentation) return legend(result.segmentation, most, open);
  if (result.outputs) return tensors(result.outputs, roomy ? 256 : 24);
  return make("pre", "code", JSON.stringify(result, null, 1).slice(0, 4000));
}

/** The same in one line. */
function brief(result) {
  if (result.error) return result.error.message;
  const first = result.classPredictions?.[0];
  if (first) return `${first.class}, ${score(first.score, isShare(result.classPredictions))}`;
  if (result.detections) return `${plural(result.detections.length, "object")} found`;
  if (result.segmentation) return plural(result.segmentation.classes.length, "class", "classes");
  return plural(Object.keys(result.outputs ?? {}).length, "output");
}

function failure({ code, message }) {
  const title = code === "SampleUnreadable" ? "Can’t be read" : "Can’t be predicted";
  return make("div", "failed", make("strong", "", title), make("p", "", message));
}

const isShare = (list) => list.every((one) => one.score >= 0 && one.score <= 1);

function ranks(list, most, open) {
  const share = isShare(list);
  const top = Math.max(1e-9, ...list.map((one) => one.score));
  return lines("ranks", list, most, open, (one, place) => {
    const fill = make("span", "fill");
    fill.style.width = `${Math.max(0, Math.min(1, share ? one.score : one.score / top)) * 100}%`;
    const row = make("li", place === 0 ? "first" : "", label(one.class), make("span", "num", score(one.score, share)));
    const track = make("span", "track", fill);
    track.setAttribute("aria-hidden", "true");
    row.append(track);
    return row;
  });
}

function found(list, most, open) {
  if (list.length === 0) return make("p", "soft small", "Nothing was found in it.");
  const share = isShare(list);
  return lines("ranks keyed", list, most, open, (one) =>
    make("li", "", swatch(one.class), label(one.class), make("span", "num", score(one.score, share))),
  );
}

function legend({ width, height, classes }, most, open) {
  const shown = classes.filter((one) => one.pixels > 0).sort((a, b) => b.pixels - a.pixels);
  return lines("ranks keyed", shown, most, open, (one) =>
    make("li", "", swatch(one.class), label(one.class), make("span", "num", percent(one.pixels / (width * height)))),
  );
}

function lines(kind, list, most, open, line) {
  const rows = make("ol", kind, ...list.slice(0, most).map(line));
  const more = list.length - rows.childElementCount;
  if (more <= 0) return rows;
  const rest = make("button", "more", `${count(more)} more`);
  rest.type = "button";
  rest.addEventListener("click", open);
  return make("div", "", rows, rest);
}

function label(text) {
  const name = make("span", "clip", text);
  name.title = text;
  return name;
}

function tensors(outputs, most) {
  const list = make("div", "tensors");
  for (const [title, { shape: axes, datatype, data }] of Object.entries(outputs)) {
    const values = data.slice(0, most).map((value) => (typeof value !== "number" || Number.isInteger(value) ? value : Number(value.toPrecision(6))));
    const ends = data.length > most ? `, … ${count(data.length - most)} more` : "";
    const all = make("div", "values mono soft", values.join(", ") + ends);
    all.tabIndex = 0;
    all.setAttribute("role", "group");
    all.setAttribute("aria-label", `First values of ${title}`);
    const start = make("div", "values mono soft clip", values.slice(0, 6).join(", "));
    const details = make("details", "", make("summary", "", make("span", "", title), make("span", "soft", `${datatype} `, shape(axes))), all);
    details.addEventListener("toggle", () => (start.hidden = details.open));
    list.append(make("div", "", details, start));
  }
  return list;
}

const BACKGROUND = /^_*(background|unlabell?ed|void)_*$/i;
// A class keeps its colour for as long as the page is open.
const hues = new Map();

function hue(label) {
  if (BACKGROUND.test(label)) return "transparent";
  if (!hues.has(label)) hues.set(label, (hues.size * 137.508 + 28) % 360);
  return `oklch(0.76 0.16 ${hues.get(label).toFixed(1)})`;
}

function swatch(label) {
  const key = make("span", "swatch");
  key.style.setProperty("--mark", hue(label));
  key.setAttribute("aria-hidden", "true");
  return key;
}

/** What a prediction draws over the picture; nothing where it draws nothing. */
async function marks(result, [width, height], roomy) {
  if (Array.isArray(result.detections)) return result.detections.slice(0, BOXES).map((one) => box(one, width, height, roomy));
  if (result.segmentation) return [await mask(result.segmentation, roomy ? 1600 : 640)];
  return [];
}

function box({ class: label, score: value, box: corners }, width, height, roomy) {
  const [x0, y0, x1, y1] = corners.map(Number);
  const drawn = make("span", "box");
  const place = { left: x0 / width, top: y0 / height, width: (x1 - x0) / width, height: (y1 - y0) / height };
  for (const [side, share] of Object.entries(place)) drawn.style[side] = `${share * 100}%`;
  drawn.style.setProperty("--mark", hue(label));
  if (roomy) drawn.append(make("span", "", `${label} ${score(value, value >= 0 && value <= 1)}`));
  return drawn;
}

/** The mask in its classes' colours, at most `side` pixels wide or high. */
async function mask({ classes, mask: encoded }, side) {
  const png = Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  // The pixels are class indexes: no colour management may touch them.
  const exact = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
  const bitmap = await createImageBitmap(new Blob([png], { type: "image/png" }), exact);
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = make("canvas", "mask");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const colours = palette(classes);
  const indexes = new Uint8Array(pixels.data.buffer);
  const painted = new Uint32Array(pixels.data.buffer);
  for (let at = 0; at < painted.length; at += 1) painted[at] = colours[indexes[at * 4]];
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** The colour of each class index as one word of pixel data. */
function palette(classes) {
  const row = make("canvas");
  row.width = 256;
  row.height = 1;
  const context = row.getContext("2d", { willReadFrequently: true });
  classes.slice(0, 256).forEach(({ class: label }, index) => {
    context.fillStyle = hue(label);
    context.fillRect(index, 0, 1, 1);
  });
  return new Uint32Array(context.getImageData(0, 0, 256, 1).data.buffer);
}
