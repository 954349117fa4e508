// One sample, large.

let showing = null;
let original = null;

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
  at("viewer-result").replaceChildren(item.result ? told(item.result, true) : make("p", "soft", "There is no answer yet."));
  at("viewer-json").textContent = item.result ? json(item) : "";
  at("viewer-copy").disabled = !item.result;
  if (!viewer.open) viewer.showModal();
  if (moved || item.result || item.size) await stage(item);
}

/** The picture as it was given: here its details count. */
async function stage(item) {
  if (original) URL.revokeObjectURL(original);
  original = item.size && URL.createObjectURL(item.file);
  if (!original) {
    at("stage").className = "picture plain";
    return at("stage").replaceChildren(icon(server.takes === "tensor" ? "tensor" : "picture"));
  }
  const { whole } = await frame(original, item.size, item.result, true);
  if (showing !== item) return;
  at("stage").className = "picture whole";
  at("stage").replaceChildren(whole);
}

function step(by) {
  const next = items[items.indexOf(showing) + by];
  if (next) view(next);
}

function leave() {
  part(showing, ".open").focus();
  showing = null;
  if (original) URL.revokeObjectURL(original);
  original = null;
  at("stage").replaceChildren();
}
