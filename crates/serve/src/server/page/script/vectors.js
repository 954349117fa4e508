// Embeddings: which samples are most like another, by the cosine of the angle between their vectors.

/** Cards name their neighbours up to so many samples: each is compared with all others. */
const RELATED = 400;
const NEIGHBOURS = { card: 3, roomy: 8 };

function cosine(one, other) {
  if (one.length !== other.length) return null;
  let [product, left, right] = [0, 0, 0];
  for (let i = 0; i < one.length; i += 1) {
    product += one[i] * other[i];
    left += one[i] * one[i];
    right += other[i] * other[i];
  }
  const likeness = product / Math.sqrt(left * right);
  return Number.isFinite(likeness) ? Math.max(-1, Math.min(1, likeness)) : null;
}

/** The samples that are most like this one, best first. */
function nearest(item, most) {
  const found = [];
  for (const other of items) {
    if (other === item || !other.result?.embedding) continue;
    const likeness = cosine(item.result.embedding.values, other.result.embedding.values);
    if (likeness !== null) found.push({ other, likeness });
  }
  return found.sort((a, b) => b.likeness - a.likeness).slice(0, most);
}

/** The vector as a row of bars, its length, and its neighbours. */
function vector({ values, norm }, roomy, item) {
  const facts = make("p", "tiny soft num", `${plural(values.length, "number")} · length ${Number(norm.toPrecision(5))}`);
  const near = make("div", "near");
  const around = make("div", "vector", bars(values), facts, near);
  if (!roomy && items.length > RELATED) return around;
  const found = nearest(item, roomy ? NEIGHBOURS.roomy : NEIGHBOURS.card);
  if (found.length === 0) {
    near.append(make("p", "soft small", roomy ? "Add more samples to see which are most like this one." : ""));
    return around;
  }
  near.append(make("h3", "tiny dim", "Most like it"), make("ol", "ranks neighbours", ...found.map(({ other, likeness }) => neighbour(other, likeness, roomy))));
  return around;
}

function neighbour(other, likeness, roomy) {
  const number = make("span", "num", likeness.toFixed(3));
  if (!roomy) return make("li", "", label(other.title), number);
  const picture = make("img");
  picture.alt = "";
  if (other.address) picture.src = other.address;
  const go = make("button", "neighbour", other.address ? picture : icon("tensor"), label(other.title), number);
  go.type = "button";
  go.addEventListener("click", () => view(other));
  return make("li", "", go);
}

function bars(values) {
  const canvas = make("canvas", "bars");
  const [columns, high] = [Math.min(values.length, 320), 36];
  const middle = high / 2;
  canvas.width = columns;
  canvas.height = high;
  const context = canvas.getContext("2d");
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-12);
  // Seen on light and on dark.
  context.fillStyle = "#808a97";
  for (let x = 0; x < columns; x += 1) {
    const value = values[Math.floor((x * values.length) / columns)] / largest;
    context.fillRect(x, middle - Math.max(0, value) * middle, 1, Math.max(1, Math.abs(value) * middle));
  }
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}
