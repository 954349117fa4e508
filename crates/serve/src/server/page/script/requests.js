// Samples go out in small requests, so that answers come early and no request is large.

const TOGETHER = 4;
const BYTES = 8e6;
const REQUESTS = 2;
const ATTEMPTS = 6;

let run = fresh();

function fresh() {
  return { busy: 0, since: null, under_way: 0, answered: 0, times: [], stop: new AbortController() };
}

/** Drops what is under way and what was measured. */
function forget() {
  run.stop.abort();
  run = fresh();
}

/** Pictures a second while anything was under way, and the median of the requests' times in ms. */
function speed() {
  const busy = run.busy + (run.since === null ? 0 : performance.now() - run.since);
  const sorted = [...run.times].sort((a, b) => a - b);
  return {
    rate: run.answered > 0 && busy > 0 ? (run.answered / busy) * 1000 : null,
    median: sorted.length > 0 ? sorted[Math.floor(sorted.length / 2)] : null,
  };
}

/** Sends what waits, as long as the server takes it. */
function pump() {
  while (server.state === "ready" && run.under_way < REQUESTS) {
    const group = waiting();
    if (group.length === 0) break;
    const mine = run;
    mine.since ??= performance.now();
    mine.under_way += 1;
    for (const item of group) (item.state = "sending"), redraw(item);
    send(group, mine).finally(() => {
      mine.under_way -= 1;
      if (mine.under_way === 0) (mine.busy += performance.now() - mine.since), (mine.since = null);
      if (mine === run) pump();
    });
  }
  const states = summarise();
  if (run.under_way === 0 && items.length > 0 && states.waiting === 0) {
    say(items.length === 1 ? `${items[0].title}: ${brief(items[0].result)}` : `${plural(states.done, server.takes)} predicted, ${count(states.failed)} failed`);
  }
}

function waiting() {
  const group = [];
  let size = 0;
  for (const item of items) {
    if (item.state !== "waiting") continue;
    if (group.length === TOGETHER || (group.length > 0 && size + item.file.size > BYTES)) break;
    group.push(item);
    size += item.file.size;
  }
  return group;
}

async function send(group, mine) {
  for (let attempt = 1; ; attempt += 1) {
    const begun = performance.now();
    const { status, body, wait } = await ask(group, mine.stop.signal);
    if (mine !== run) return;
    const retry = status === 429 && attempt < ATTEMPTS;
    if (retry) {
      await new Promise((done) => setTimeout(done, wait * 1000));
      if (mine !== run) return;
      continue;
    }
    if (status === 200) return answered(group, body.predictions, performance.now() - begun, mine);
    if (status === 503) return notReady(group);
    if (status === 413 && group.length > 1) {
      for (const item of group) await send([item], mine);
      return;
    }
    return refused(group, status, body, mine);
  }
}

/** One request. Status 0 where there was no answer. */
async function ask(group, signal) {
  const form = new FormData();
  for (const { file } of group) form.append(server.takes === "tensor" ? "sample" : "image", file, file.name);
  try {
    const response = await fetch("predict", { method: "POST", body: form, signal });
    const body = await response.json().catch(() => ({}));
    const fits = body.predictions?.length === group.length;
    return { status: response.ok && !fits ? -1 : response.status, body, wait: Math.min(10, Number(response.headers.get("retry-after")) || 1) };
  } catch {
    return { status: 0, body: {}, wait: 1 };
  }
}

function answered(group, predictions, ms, mine) {
  mine.times.push(ms);
  mine.answered += group.length;
  group.forEach((item, place) => {
    item.ms = ms;
    item.together = group.length;
    answer(item, predictions[place]);
  });
  summarise();
}

/** They wait until the server is ready again. */
function notReady(group) {
  for (const item of group) (item.state = "waiting"), redraw(item);
  server.state = "waiting";
  look();
}

async function refused(group, status, body, mine) {
  if (status === 0) {
    const lost = new Set();
    for (const item of group) {
      // A file that was moved, changed or is a folder fails like a server that is gone.
      await item.file.slice(0, 1).arrayBuffer().catch(() => lost.add(item));
      if (lost.has(item)) answer(item, { error: { code: "SampleUnreadable", message: "The browser can’t read this file any more: it was moved or changed, or is a folder. Choose it again." } });
    }
    const rest = group.filter((item) => !lost.has(item));
    if (lost.size > 0 && rest.length > 0) return send(rest, mine);
    group = rest;
  }
  const words = {
    [0]: "The server did not answer. Look whether the container still runs, then try again.",
    [-1]: "The answer does not fit the request: something between here and the server changes it.",
    413: `${capital(body.error ?? "too large")}. Send a smaller file, or start the container with a higher limit.`,
    429: "The server has too much to do. Try again in a moment.",
  };
  const message = words[status] ?? `${capital(body.error ?? `the server answers with status ${status}`)}.`;
  for (const item of group) answer(item, { error: { code: "NotPredicted", message } }, status !== 413);
  summarise();
}
