// A card for each sample, in the order in which they came.

/** {file, title, state: "waiting" | "sending" | "done" | "failed", result, ms, together, size, address, facts, overlay, card} */
let items = [];

function add(file, title) {
  const item = { file, title, state: "waiting", result: null, ms: 0, together: 1, size: null, address: null, facts: bytes(file.size), card: stamped("card") };
  items.push(item);
  const open = part(item, ".open");
  open.setAttribute("aria-label", `Look at ${title}`);
  open.addEventListener("click", () => view(item));
  part(item, ".caption .clip").textContent = title;
  part(item, ".caption").title = title;
  part(item, ".picture").classList.add("plain");
  part(item, ".picture").append(icon(server.takes === "tensor" ? "tensor" : "picture"));
  at("cards").append(item.card);
  redraw(item);
  develop(item);
}

const part = (item, selector) => item.card.querySelector(selector);

/** Looks into the file for what can be shown before there is an answer. */
async function develop(item) {
  const made = await thumbnail(item.file);
  if (!items.includes(item)) {
    if (made) URL.revokeObjectURL(made.address);
  } else if (made) {
    Object.assign(item, made, { facts: made.size.join(" × ") });
    await expose(item);
    redraw(item);
    // It may have been opened while its picture was not there yet.
    if (showing === item) view(item);
  } else {
    item.facts = (await header(item.file).catch(() => null)) ?? item.facts;
    redraw(item);
  }
}

/** The thumbnail, with marks once they are known. */
async function expose(item) {
  if (!item.address) return;
  const { whole, overlay } = await frame(item.address, item.size, item.result, false);
  item.overlay = overlay;
  const picture = part(item, ".picture");
  picture.classList.remove("plain");
  picture.classList.toggle("whole", isMarked(item.result));
  picture.querySelectorAll(":scope > .icon, :scope > .frame").forEach((old) => old.remove());
  picture.prepend(whole);
}

/** The text of a card. */
function redraw(item) {
  const { card, state, result } = item;
  card.dataset.state = state;
  const bottom = part(item, ".foot");
  part(item, ".facts").textContent = [item.facts, result && !result.error && latency(item)].filter(Boolean).join(" · ");
  const inside = part(item, ".result");
  if (!result) {
    const bones = make("div", "skeleton", make("span"), make("span"), make("span"));
    bones.append(make("span", "visually-hidden", state === "sending" ? "being predicted" : "waiting"));
    return inside.replaceChildren(bones);
  }
  inside.replaceChildren(told(result, false, () => view(item), item));
  if (item.again) inside.firstElementChild.append(button("small", { drawing: "again", word: "Try again" }, () => again(item)));
  if (!bottom.querySelector(".btn")) {
    const made = button("icon small quiet", {}, () => {});
    bottom.append(made);
    copier(made, { name: `Copy the result of ${item.title} as JSON` }, () => json(item));
  }
}

/** A round trip, and how many shared it. */
function latency({ ms, together }) {
  return `${milliseconds(ms)} ms${together > 1 ? ` for ${together}` : ""}`;
}

const json = (item) => JSON.stringify({ sample: item.title, ...item.result }, null, 2);

function answer(item, result, again = false) {
  item.state = result.error ? "failed" : "done";
  item.result = result;
  item.again = again;
  redraw(item);
  if (isMarked(result)) expose(item);
  if (result.embedding) relate();
  if (showing === item) view(item);
}

let relating = 0;

/** Names the neighbours anew, once for all answers that come together. */
function relate() {
  cancelAnimationFrame(relating);
  relating = requestAnimationFrame(() => {
    if (items.length <= RELATED) for (const item of items) if (item.result?.embedding) redraw(item);
    if (showing?.result?.embedding) renew(showing);
  });
}

function again(item) {
  Object.assign(item, { state: "waiting", result: null, again: false });
  redraw(item);
  part(item, ".open").focus();
  pump();
}

/** What is under way is forgotten, too. */
function clear() {
  for (const item of items) if (item.address) URL.revokeObjectURL(item.address);
  items = [];
  at("cards").replaceChildren();
  forget();
  summarise();
  say("Cleared");
  at("files").focus();
}

/** What stands above the cards. */
function summarise() {
  const [kind, states] = [server.takes, { waiting: 0, sending: 0, done: 0, failed: 0 }];
  for (const item of items) states[item.state] += 1;
  document.body.classList.toggle("empty", items.length === 0);
  at("bar").hidden = at("stats").hidden = items.length === 0;
  at("count").textContent = plural(items.length, kind);
  at("copy-all").disabled = states.done + states.failed === 0;
  at("progress").max = Math.max(1, items.length);
  at("progress").value = states.done + states.failed;
  const { rate, median } = speed();
  at("rate").textContent = rate === null ? "–" : rate >= 10 ? count(rate) : rate.toFixed(1);
  at("median").textContent = median === null ? "–" : milliseconds(median);
  at("unit").hidden = median === null;
  const left = states.waiting + states.sending;
  const sums = [`${count(states.done)} predicted`, states.failed > 0 && `${count(states.failed)} failed`, left > 0 && `${count(left)} to go`];
  at("sums").textContent = sums.filter(Boolean).join(" · ");
  return states;
}

const everything = () =>
  JSON.stringify({ model: { name: server.name, version: server.version }, results: items.filter((item) => item.result).map((item) => ({ sample: item.title, ...item.result })) }, null, 2);
