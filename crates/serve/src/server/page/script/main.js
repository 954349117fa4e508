// The server's state, and what the user does.

const server = { state: "asking", name: "", version: "", takes: "picture", result: {} };
const WORDS = { asking: "connecting", ready: "ready", waiting: "not ready", lost: "no answer" };
let next = 0;

/** Asks whether the server is ready, and asks again: soon while it is not. */
async function look() {
  clearTimeout(next);
  const before = server.state;
  let why = "";
  try {
    const response = await fetch("v2/health/ready", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    const health = await response.json();
    server.state = health.ready ? "ready" : "waiting";
    why = health.error ?? "";
    if (!server.name || (health.ready && before !== "ready")) await describe();
  } catch {
    server.state = "lost";
  }
  if (server.state !== before || why !== server.why) hinder((server.why = why));
  if (server.state === "ready" && before !== "ready") pump();
  next = setTimeout(look, server.state === "ready" ? 5000 : 1000);
}

function hinder(why) {
  const { state } = server;
  at("state").dataset.state = state;
  at("state-word").textContent = WORDS[state];
  at("hindrance").dataset.state = state;
  at("hindrance-title").textContent = state === "lost" ? "The server does not answer" : "Not ready";
  at("hindrance-why").textContent =
    state === "lost" ? "Look whether the container still runs, and what its log says. What you add waits here until it answers." : `${capital(why || "the server does not say why")}. What you add waits here, and is sent once the model is ready.`;
  at("hindrance").hidden = state === "ready";
}

const read = async (path) => {
  const response = await fetch(path);
  return response.ok ? response.json() : null;
};

/** The model's names, version, description and tensors, as far as they are known yet. */
async function describe() {
  const { models = [] } = (await read("v1/models")) ?? {};
  if (models.length === 0) return;
  [server.name] = models;
  at("name").textContent = at("name").title = document.title = server.name;
  const path = `v2/models/${encodeURIComponent(server.name)}`;
  const [pipeline, tensors, config, openapi] = await Promise.all([path, `${path}-tensor`, `${path}/config`, "openapi.json"].map(read));
  server.result = openapi?.components?.schemas?.Prediction?.oneOf?.[0]?.properties ?? {};
  if (pipeline) {
    server.version = pipeline.versions?.[0] ?? "";
    server.takes = pipeline.inputs[0]?.name === "sample" ? "tensor" : "picture";
    at("version").textContent = server.version;
    at("version").hidden = !server.version;
    signature([pipeline, tensors].filter(Boolean));
  }
  const description = config?.parameters?.description?.string_value ?? "";
  at("description").textContent = description;
  at("description").hidden = !description;
  invite();
  snippets(tensors);
}

/** Words and pictures for what the model takes. */
function invite() {
  const tensors = server.takes === "tensor";
  const noun = tensors ? "tensor" : "picture";
  at("files").accept = tensors ? ".npy,.npz,.json" : "image/*";
  at("drop-title").textContent = `Drop ${noun}s here`;
  at("drop-hint").textContent = tensors ? ".npy, .npz or a V2 request in JSON; many at once" : "or paste them; many at once, whole folders too";
  at("drop-icon").replaceChildren(icon(noun));
  for (const place of document.querySelectorAll(".noun")) place.textContent = `${noun}s`;
  at("add").lastElementChild.textContent = `Add ${noun}s`;
}

function take(files) {
  for (const { file, title } of files) add(file, title);
  pump();
}

const named = (files) => [...files].map((file) => ({ file, title: file.name }));
const isSample = (file) => (server.takes === "tensor" ? TENSOR : PICTURE).test(file.name);

function listen() {
  furnished(at("add"), { drawing: "plus", word: "Add pictures" }, () => at("files").click());
  copier(at("copy-all"), { word: "Copy JSON" }, everything);
  copier(at("viewer-copy"), { word: "Copy JSON" }, () => json(showing));
  at("clear").addEventListener("click", clear);
  at("files").addEventListener("change", ({ target }) => {
    take(named(target.files));
    target.value = "";
  });
  document.addEventListener("paste", ({ clipboardData }) => take(named(clipboardData.files)));
  let gone = 0;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.toggle("dragging", event.dataTransfer.types.includes("Files"));
    // There is no event for a drag that ends outside the window.
    clearTimeout(gone);
    gone = setTimeout(() => document.body.classList.remove("dragging"), 200);
  });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    for await (const one of dropped(event.dataTransfer, isSample)) add(one.file, one.title);
    pump();
  });
  for (const [id, drawing, act] of [["viewer-back", "back", () => step(-1)], ["viewer-next", "next", () => step(1)], ["viewer-close", "close", () => at("viewer").close()], ["zoom-out", "minus", () => magnify(zoom / 1.5)], ["zoom-in", "plus", () => magnify(zoom * 1.5)]]) furnished(at(id), { drawing }, act);
  at("zoom-fit").addEventListener("click", () => magnify(1));
  listenToStage();
  at("viewer").addEventListener("close", leave);
  at("viewer").addEventListener("click", ({ target }) => target === at("viewer") && target.close());
  at("viewer").addEventListener("keydown", press);
  at("viewer-json").parentElement.addEventListener("toggle", unfold);
}

listen();
invite();
snippets();
summarise();
look();
