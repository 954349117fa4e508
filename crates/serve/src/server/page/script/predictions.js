// One prediction as elements: `roomy` where all of it is shown, else the first few lines.

const LINES = 5;

/** What a prediction says, below the picture of `item`. `open` leads to all of it. */
function told(result, roomy, open, item) {
  if (result.error) return failure(result.error);
  const most = roomy ? BOXES : LINES;
  if (result.heads) return heads(result.heads, roomy, open);
  if (Array.isArray(result.classPredictions)) return ranks(result.classPredictions, most, open);
  if (Array.isArray(result.detections)) return found(result.detections, most, open);
  if (result.segmentation) return legend(result.segmentation, most, open);
  if (result.matte) return make("p", "soft small", "A matte: what belongs to the foreground stays.");
  if (result.embedding) return vector(result.embedding, roomy, item);
  if (result.text) return line(result.text);
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
  if (result.matte) return "a matte";
  if (result.embedding) return plural(result.embedding.values.length, "number");
  if (result.text) return result.text.value || "no text";
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

/** The classes of each output, under its name. */
function heads(all, roomy, open) {
  const list = Object.entries(all).map(([name, classes]) =>
    make("section", "", make("h3", "soft small", name), ranks(classes, roomy ? Infinity : 2, open)),
  );
  return make("div", "heads", ...list);
}

function found(list, most, open) {
  if (list.length === 0) return make("p", "soft small", "Nothing was found in it.");
  const share = isShare(list);
  return lines("ranks keyed", list, most, open, (one, place) =>
    row(place, swatch(one.index), label(one.class), make("span", "num", score(one.score, share))),
  );
}

/** A line that is linked with what is drawn: a box by its place in the list, a class by its index. */
function row(place, ...inside) {
  const made = make("li", "", ...inside);
  made.dataset.place = place;
  return made;
}

function legend({ width, height, classes }, most, open) {
  const last = (one) => Number(isBackground(one, classes));
  const shown = classes.filter((one) => one.pixels > 0).sort((a, b) => last(a) - last(b) || b.pixels - a.pixels);
  return lines("ranks keyed", shown, most, open, (one) =>
    row(one.index, swatch(isBackground(one, classes) ? null : one.index), label(one.class), make("span", "num", percent(one.pixels / (width * height)))),
  );
}

function line({ value, score: mean }) {
  if (!value) return make("p", "soft small", "No text was read.");
  return make("div", "line", make("p", "value", value), make("p", "tiny soft num", `score ${score(mean, mean >= 0 && mean <= 1)}`));
}

function lines(kind, list, most, open, line) {
  const rows = make("ol", kind, ...list.slice(0, most).map(line));
  const more = list.length - rows.childElementCount;
  if (more <= 0) return rows;
  if (!open) return make("div", "", rows, make("p", "soft small", `${count(more)} more are in the JSON.`));
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
