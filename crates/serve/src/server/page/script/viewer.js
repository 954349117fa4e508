// One sample, large.

const MOST_ZOOM = 16;
/** Characters of JSON that are shown. */
const MOST_JSON = 300000;

let showing = null;
let original = null;
/** What is drawn over the picture, and the frame around both. */
let stageMarks = null;
let stageFrame = null;
let zoom = 1;
/** What the pointer or the keyboard is at: the place of a box, or the index of a class. */
let lit = null;
const resized = new ResizeObserver(() => requestAnimationFrame(() => stageMarks?.resized?.()));

async function view(item) {
  const moved = showing !== item;
  showing = item;
  const [place, viewer] = [items.indexOf(item), at("viewer")];
  at("viewer-name").textContent = at("viewer-name").title = item.title;
  at("viewer-place").textContent = `${count(place + 1)} of ${count(items.length)}`;
  at("viewer-back").disabled = place <= 0;
  at("viewer-next").disabled = place >= items.length - 1;
  const facts = [item.facts, item.size && bytes(item.file.size), item.ms > 0 && latency(item)];
  at("viewer-facts").textContent = facts.filter(Boolean).join(" · ");
  renew(item);
  at("viewer-controls").replaceChildren(...controls(item.result));
  unfold();
  at("viewer-copy").disabled = !item.result;
  if (moved) magnify(1);
  if (!viewer.open) viewer.showModal();
  if (moved || item.result || item.size) await stage(item);
}

/** The JSON, where it is asked for: a hundred thousand boxes are megabytes. */
function unfold() {
  const text = showing?.result && at("viewer-json").parentElement.open ? json(showing) : "";
  at("viewer-json").textContent = text.length > MOST_JSON ? `${text.slice(0, MOST_JSON)}\n… ${count(text.length - MOST_JSON)} more characters: copy it to have all` : text;
}

/** The result in words and rows. */
function renew(item) {
  lit = null;
  at("viewer-result").replaceChildren(item.result ? told(item.result, true, null, item) : make("p", "soft", "There is no answer yet."));
  const list = at("viewer-result").querySelector(".keyed");
  if (list) link(list);
  screen();
}

/** The picture as it was given: here its details count. */
async function stage(item) {
  if (original) URL.revokeObjectURL(original);
  original = item.size && URL.createObjectURL(item.file);
  at("viewer-zoom").hidden = !original;
  if (!original) {
    at("stage").className = "picture plain";
    return at("stage").replaceChildren(icon(server.takes === "tensor" ? "tensor" : "picture"));
  }
  const { whole, overlay } = await frame(original, item.size, item.result, true);
  if (showing !== item) return;
  [stageMarks, stageFrame] = [overlay, whole];
  at("stage").className = "picture whole";
  at("stage").replaceChildren(whole);
  resized.disconnect();
  resized.observe(whole);
  magnify(zoom);
}

/** Larger or smaller, around a point of the stage; the rest is reached by scrolling. */
function magnify(wanted, point) {
  const [box, before] = [at("stage"), zoom];
  const [x, y] = point ?? [box.clientWidth / 2, box.clientHeight / 2];
  const [left, top] = [box.scrollLeft + x, box.scrollTop + y];
  zoom = Math.max(1, Math.min(MOST_ZOOM, wanted));
  stageFrame?.style.setProperty("--zoom", String(zoom));
  box.classList.toggle("zoomed", zoom > 1);
  box.scrollTo((left * zoom) / before - x, (top * zoom) / before - y);
  at("zoom-fit").textContent = zoom === 1 ? "Fit" : `${count(zoom * 100)} %`;
  at("zoom-out").disabled = zoom <= 1;
  at("zoom-in").disabled = zoom >= MOST_ZOOM;
  // A button that can't be used any more loses the keyboard.
  if (document.activeElement?.disabled) at("stage").focus();
}

/** Links rows with what is drawn: by pointer from both sides, by keyboard from the list. */
function link(list) {
  const rows = [...list.children];
  list.tabIndex = 0;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", showing.result.detections ? "Boxes" : "Classes");
  rows.forEach((line, place) => {
    line.id = `row-${place}`;
    line.setAttribute("role", "option");
    line.setAttribute("aria-selected", "false");
    line.addEventListener("pointerenter", () => light(Number(line.dataset.place)));
  });
  list.addEventListener("pointerleave", () => light(null));
  list.addEventListener("blur", () => light(null));
  list.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const open = rows.filter((line) => !line.hidden);
    if (!by || open.length === 0) return;
    event.preventDefault();
    const now = open.findIndex((line) => Number(line.dataset.place) === lit);
    light(Number(open[now < 0 ? (by > 0 ? 0 : open.length - 1) : (now + by + open.length) % open.length].dataset.place), true);
  });
}

/** Marks a box or a class on the picture and in the list; `follow` scrolls the list to it. */
function light(place, follow = false) {
  if (place === lit) return;
  lit = place;
  stageMarks?.light(place);
  const list = at("viewer-result").querySelector("[role=listbox]");
  if (!list) return;
  list.removeAttribute("aria-activedescendant");
  for (const line of list.children) {
    const is = place !== null && Number(line.dataset.place) === place;
    if (line.getAttribute("aria-selected") !== String(is)) line.setAttribute("aria-selected", String(is));
    if (!is) continue;
    list.setAttribute("aria-activedescendant", line.id);
    if (follow) line.scrollIntoView({ block: "nearest" });
  }
}

/** Hides the rows of classes that are left out. */
function screen() {
  const { detections } = showing.result ?? {};
  for (const line of at("viewer-result").querySelectorAll("li[data-place]")) line.hidden = Boolean(detections) && looks.hidden.has(detections[line.dataset.place].index);
}

/** Everything as it is to look now, here and on the cards. */
function repaint() {
  stageMarks?.repaint();
  screen();
  for (const item of items) item.overlay?.repaint();
}

/** Which classes are drawn, how much masks cover, and what is behind a matte. */
function controls(result) {
  const made = [];
  const classes = new Map();
  for (const { class: label, index } of result?.detections ?? []) classes.set(index, { label, count: (classes.get(index)?.count ?? 0) + 1 });
  for (const one of result?.segmentation?.classes ?? []) if (!isBackground(one, result.segmentation.classes)) classes.set(one.index, { label: one.class, count: null });
  if (classes.size > 1) made.push(choices("Show", [...classes].map(([index, one]) => classChoice(index, one))));
  if (result?.segmentation || result?.detections?.some((one) => one.mask)) made.push(opacity());
  if (result?.matte) made.push(choices("Behind it", ["checks", "grey", "matte"].map(groundChoice)));
  return made;
}

function choices(title, inside) {
  return make("fieldset", "choices", make("legend", "tiny dim", title), ...inside);
}

function choice(kind, checked, inside, act) {
  const field = make("input");
  Object.assign(field, { type: kind, checked });
  field.addEventListener("change", () => act(field));
  return make("label", "choice", field, ...inside);
}

function classChoice(index, { label: name, count: number }) {
  const inside = [swatch(index), label(name), ...(number === null ? [] : [make("span", "num soft", count(number))])];
  return choice("checkbox", !looks.hidden.has(index), inside, ({ checked }) => {
    looks.hidden[checked ? "delete" : "add"](index);
    repaint();
  });
}

function groundChoice(name) {
  const made = choice("radio", looks.ground === name, [make("span", "", { checks: "Checks", grey: "Grey", matte: "The matte itself" }[name])], () => {
    looks.ground = name;
    repaint();
  });
  made.firstElementChild.name = "ground";
  return made;
}

function opacity() {
  const field = make("input");
  Object.assign(field, { type: "range", min: 0, max: 1, step: 0.05, value: looks.opacity });
  field.addEventListener("input", () => {
    looks.opacity = Number(field.value);
    for (const canvas of document.querySelectorAll("canvas.mask")) canvas.style.opacity = looks.opacity;
  });
  return make("label", "slider", make("span", "tiny dim", "Opacity of masks"), field);
}

function step(by) {
  const next = items[items.indexOf(showing) + by];
  if (next) view(next);
}

function leave() {
  part(showing, ".open").focus();
  showing = null;
  if (original) URL.revokeObjectURL(original);
  [original, stageMarks, stageFrame, lit] = [null, null, null, null];
  resized.disconnect();
  at("stage").replaceChildren();
}

/** Where the pointer is, in shares of the picture. */
function share({ clientX, clientY }) {
  const box = stageFrame.getBoundingClientRect();
  return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
}

/** The pointer finds boxes, drags what is larger than the stage, and its wheel zooms. */
function listenToStage() {
  const box = at("stage");
  let grip = null;
  box.addEventListener("pointerdown", (event) => {
    if (zoom === 1 || event.pointerType === "touch" || event.button !== 0) return;
    grip = [event.clientX + box.scrollLeft, event.clientY + box.scrollTop];
    box.setPointerCapture(event.pointerId);
  });
  box.addEventListener("pointermove", (event) => {
    if (grip) return box.scrollTo(grip[0] - event.clientX, grip[1] - event.clientY);
    if (!stageMarks || !stageFrame) return;
    const [x, y] = share(event);
    light(x >= 0 && y >= 0 && x < 1 && y < 1 ? (stageMarks.at([x, y]) ?? null) : null, true);
  });
  for (const end of ["pointerup", "pointercancel"]) box.addEventListener(end, () => (grip = null));
  box.addEventListener("pointerleave", () => light(null));
  const wheel = (event) => {
    if (!stageFrame) return;
    event.preventDefault();
    const outer = box.getBoundingClientRect();
    magnify(zoom * Math.exp(-event.deltaY * 0.002), [event.clientX - outer.left, event.clientY - outer.top]);
  };
  box.addEventListener("wheel", wheel, { passive: false });
  box.addEventListener("dblclick", () => magnify(zoom === 1 ? 3 : 1));
}

/** Keys of the viewer that no field of its own has a use for. */
function press({ key, target }) {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[key];
  const taken = target === at("viewer-json") || target.type === "range" || target.type === "radio" || (target === at("stage") && zoom > 1);
  if (by && !taken) step(by);
  if (key === "+" || key === "=") magnify(zoom * 1.5);
  if (key === "-") magnify(zoom / 1.5);
  if (key === "0") magnify(1);
}
