"use strict";
// Whatever a server, a package or a file calls itself is text here: nodes are made, HTML is never read.

const at = (id) => document.getElementById(id);

/** A new element with class names, and nodes or texts inside. */
function make(name, kind, ...inside) {
  const element = document.createElement(name);
  if (kind) element.className = kind;
  element.append(...inside);
  return element;
}

/** A copy of what a template holds. */
const stamped = (id) => at(id).content.firstElementChild.cloneNode(true);

/** One of the page's own drawings. */
function icon(name) {
  const drawing = stamped("icon");
  drawing.firstElementChild.setAttribute("href", `#i-${name}`);
  return drawing;
}

/** A button with a drawing, a word, or both; `name` is what it is called where it shows no word. */
function button(kind, { drawing, word, name }, act) {
  const made = make("button", `btn ${kind}`);
  made.type = "button";
  return furnished(made, { drawing, word, name }, act);
}

function furnished(made, { drawing, word, name }, act) {
  if (drawing) made.append(icon(drawing));
  if (word) made.append(make("span", "", word));
  if (name) made.setAttribute("aria-label", name), (made.title = name);
  made.addEventListener("click", act);
  return made;
}

/** A button that copies the text which `text()` gives when it is pressed. */
function copier(made, { word, name }, text) {
  return furnished(made, { drawing: "copy", word, name }, async () => {
    const copied = await copy(text(), made.closest("dialog") ?? document.body);
    say(copied ? "Copied" : "The browser refuses to copy: select the text instead");
    if (!copied) return;
    made.dataset.copied = "";
    made.querySelector(".icon").replaceWith(icon("check"));
    setTimeout(() => {
      delete made.dataset.copied;
      made.querySelector(".icon").replaceWith(icon("copy"));
    }, 1600);
  });
}

/** Copies, also where a page over plain HTTP has no clipboard of its own. */
async function copy(text, parent) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", "visually-hidden");
    const before = document.activeElement;
    field.value = text;
    parent.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    before?.focus();
    return copied;
  }
}

/** Tells those who can't see the page what has changed in it. */
function say(text) {
  at("said").textContent = text;
}

/** Runs at most `width` pieces of work at once; what fails gives null. */
function lanes(width) {
  const waiting = [];
  let busy = 0;
  const next = () => {
    while (busy < width && waiting.length > 0) {
      busy += 1;
      waiting.shift()().finally(() => ((busy -= 1), next()));
    }
  };
  return (work) =>
    new Promise((done) => {
      waiting.push(() => work().then(done, () => done(null)));
      next();
    });
}
