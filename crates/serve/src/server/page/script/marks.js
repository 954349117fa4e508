// What a prediction draws over its picture: boxes, skeletons and masks, a class a pixel, a matte.

const BOXES = 1000;
const BACKGROUND = /^_*(background|bg|n\/a|unlabell?ed)_*$/i;
/** How all is drawn: which classes are left out, how much masks cover, what stands behind a matte. */
const looks = { hidden: new Set(), opacity: 0.5, ground: "checks" };

const isMarked = (result) => Boolean(result?.detections || result?.segmentation || result?.matte);

/** Nothing is drawn for what is none of the other classes. */
function isBackground({ class: label, index }, classes) {
  return index === 0 && (BACKGROUND.test(label) || (label === "0" && classes.every((one) => one.index <= 1)));
}

/**
 * {elements, repaint(), light(place), at([x, y])}: a place is that of a box in its list, or the index of a
 * class; x and y are shares of the picture. Null where a prediction draws nothing.
 */
async function marks(result, size, roomy) {
  if (Array.isArray(result?.detections)) return boxMarks(result.detections, size, roomy);
  if (result?.segmentation) return classMarks(result.segmentation, roomy);
  if (result?.matte) return matteMarks(result.matte, roomy);
  return null;
}

/** A new element of a drawing. */
function draw(name, attributes = {}, ...inside) {
  // The namespace, of which the page may not hold the address.
  const element = document.createElementNS(document.querySelector("svg").namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
}

/** A line of the class's colour on a wider one that it stands out from. */
function strokes(index, path, points) {
  const line = (kind, d, stroke) => draw("path", { class: kind, d, stroke });
  const lines = [line("halo", path, opposite(index)), line("line", path, colour(index))];
  if (points) lines.push(line("halo dots", points, opposite(index)), line("line dots", points, colour(index)));
  return lines;
}

function boxMarks(list, size, roomy) {
  const masks = list.some((one) => one.mask) && make("canvas", "mask");
  const all = draw("g", { class: "all" });
  const strong = draw("g");
  const svg = draw("svg", { class: "marks", viewBox: `0 0 ${size[0]} ${size[1]}`, preserveAspectRatio: "none" }, all, strong);
  const tags = make("div", "tags");
  let [shown, lit] = [[], null];
  const relabel = () => roomy && tags.replaceChildren(...labels(shown, size, tags, lit));
  return {
    elements: [masks, svg, roomy && tags].filter(Boolean),
    repaint() {
      shown = list.slice(0, BOXES).map((one, place) => ({ one, place })).filter(({ one }) => !looks.hidden.has(one.index));
      const classes = new Map();
      // The best are drawn last.
      for (const { one } of [...shown].reverse()) classes.set(one.index, [...(classes.get(one.index) ?? []), one]);
      all.replaceChildren(...[...classes].flatMap(([index, some]) => strokes(index, some.map(outline).join(""), some.map(dots).join(""))));
      if (masks) paintMasks(masks, shown, reduced(size, roomy ? 1600 : 480));
      this.light(lit);
    },
    light(place) {
      lit = place;
      const found = shown.find((one) => one.place === place)?.one;
      svg.classList.toggle("dimmed", Boolean(found));
      strong.replaceChildren(...(found ? strokes(found.index, outline(found), dots(found)) : []));
      relabel();
    },
    at: ([x, y]) => hit(shown, [x * size[0], y * size[1]]),
    resized: relabel,
  };
}

function paintMasks(canvas, shown, [width, height]) {
  const picture = new ImageData(width, height);
  const words = new Uint32Array(picture.data.buffer);
  for (const { one } of [...shown].reverse()) if (one.mask) paintRuns(one.mask, picture, words, packed(...rgb(one.index), 255));
  put(canvas, picture);
  canvas.style.opacity = looks.opacity;
}

function put(canvas, picture) {
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

/** Names at the boxes, the best first: those that would cover another are left out, but for the lit one's. */
function labels(shown, [width, height], tags, lit) {
  const [wide, high] = [tags.clientWidth, tags.clientHeight];
  const taken = [];
  const first = shown.filter(({ place }) => place === lit);
  return [...first, ...shown.filter(({ place }) => place !== lit).slice(0, 200)].flatMap(({ one, place }) => {
    const text = `${one.class.length > 24 ? `${one.class.slice(0, 23)}…` : one.class} ${score(one.score, one.score >= 0 && one.score <= 1)}`;
    const [length, line] = [Math.min(wide, text.length * 6.4 + 12), 18];
    const left = Math.max(0, Math.min(wide - length, (one.box[0] / width) * wide));
    const edge = (one.box[1] / height) * high;
    const top = Math.max(0, Math.min(high - line, edge >= line ? edge - line : edge));
    const free = taken.every(([x, y, w]) => left >= x + w || x >= left + length || Math.abs(top - y) >= line);
    if (!free) return [];
    taken.push([left, top, length]);
    const tag = make("span", place === lit ? "tag lit" : "tag", text);
    Object.assign(tag.style, { left: `${left}px`, top: `${top}px`, background: colour(one.index), color: opposite(one.index) });
    return [tag];
  });
}

async function classMarks({ mask, classes }, roomy) {
  const decoded = await grey(mask, roomy ? 2048 : 480);
  const canvas = make("canvas", "mask sharp");
  let lit = null;
  return {
    elements: [canvas],
    repaint() {
      const words = new Map();
      for (const one of classes) {
        if (isBackground(one, classes) || looks.hidden.has(one.index)) continue;
        words.set(one.index, packed(...rgb(one.index), lit === null || lit === one.index ? 255 : 70));
      }
      const picture = new ImageData(decoded.width, decoded.height);
      const painted = new Uint32Array(picture.data.buffer);
      decoded.values.forEach((index, at) => (painted[at] = words.get(index) ?? 0));
      put(canvas, picture);
      canvas.style.opacity = looks.opacity;
    },
    light(index) {
      if (lit !== index) (lit = index), this.repaint();
    },
    at: ([x, y]) => decoded.values[Math.min(decoded.height - 1, Math.floor(y * decoded.height)) * decoded.width + Math.min(decoded.width - 1, Math.floor(x * decoded.width))],
  };
}

/** What hides the background of the photo: opaque where the matte is 0; or the matte itself. */
async function matteMarks(matte, roomy) {
  const { width, height, values, most } = await grey(matte, roomy ? 2048 : 480);
  const canvas = make("canvas", "mask");
  const square = Math.max(4, Math.round(Math.max(width, height) / 48));
  return {
    elements: [canvas],
    repaint() {
      const picture = new ImageData(width, height);
      values.forEach((value, at) => {
        const level = (value * 255) / most;
        const check = ((at % width) / square + Math.floor(Math.floor(at / width) / square)) & 1 ? 200 : 238;
        const shade = looks.ground === "matte" ? level : looks.ground === "grey" ? 128 : check;
        picture.data.fill(shade, 4 * at, 4 * at + 3);
        picture.data[4 * at + 3] = looks.ground === "matte" ? 255 : 255 - level;
      });
      put(canvas, picture);
    },
    light() {},
    at: () => null,
  };
}
