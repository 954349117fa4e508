// Chromium on the server's page, watched: nothing but the server is asked, the page's policy is never
// broken, and no script fails.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// The studio's page has the driver and axe among its development dependencies.
const ui = createRequire(new URL("../../../../ui/package.json", import.meta.url));
const { chromium } = ui("playwright-core");
const axe = readFileSync(ui.resolve("axe-core/axe.min.js"), "utf8");

const SIZES = [[1600, 1000], [1024, 700], [390, 844], [360, 640]];
const pictures = process.env.BOXWRIGHT_SCREENSHOTS;

/** Opens the page, and gives it to `act`; afterwards nothing may have gone wrong in it. */
export async function browse(address, act, prepare = async () => {}) {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
  try {
    const context = await browser.newContext({ reducedMotion: "reduce", viewport: { width: 1024, height: 700 }, permissions: ["clipboard-read", "clipboard-write"] });
    const page = await context.newPage();
    const wrong = [];
    page.on("pageerror", (error) => wrong.push(`a script failed: ${error.stack}`));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(address) && !/^(blob|data):/.test(url)) wrong.push(`${url} is asked`);
    });
    await page.addInitScript(() => {
      window.violations = [];
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => window.violations.push(`${effectiveDirective} ${blockedURI}`));
    });
    await prepare(page);
    await page.goto(address);
    await act(page, context);
    assert.deepEqual(wrong, []);
    assert.deepEqual(await page.evaluate(() => window.violations), []);
  } finally {
    await browser.close();
  }
}

/** The page as it stands, in both themes and these sizes: axe finds nothing, and nothing hangs over. */
export async function inspect(page, name, sizes = SIZES) {
  const found = [];
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const where = `${name}-${colorScheme}-${width}`;
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) found.push(`${where}: wider than the window by ${over} px`);
      if (pictures) {
        mkdirSync(pictures, { recursive: true });
        await page.screenshot({ path: join(pictures, `${where}.png`) });
      }
      if (width === 1024 || width === 390) found.push(...(await violations(page)).map((text) => `${where}: ${text}`));
    }
  }
  await page.setViewportSize({ width: 1024, height: 700 });
  assert.deepEqual(found, []);
}

/** The same in a window of the smallest size alone, and on a phone without axe: for what a task adds to the page. */
export const glance = (page, name) => inspect(page, name, [[1024, 700], [360, 640]]);

/** What axe finds. */
export async function violations(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

/** Chooses files, and waits until each of these many cards has an answer and shows what it can. */
export async function choose(page, files, cards = files.length) {
  await page.setInputFiles("#files", files);
  await answered(page, cards);
}

export async function answered(page, cards) {
  await page.waitForFunction((cards) => document.querySelectorAll(":is([data-state=done], [data-state=failed]).sample").length === cards, cards);
}

/** What the cards say: name, state, and the lines of the result. Those out of sight have no `innerText`. */
export function cards(page) {
  return page.$$eval(".sample", (all) =>
    all.map((card) => ({
      name: card.querySelector(".caption").textContent,
      state: card.dataset.state,
      lines: [...card.querySelectorAll(".ranks li")].map((line) => [...line.children].map((part) => part.textContent).filter(Boolean)),
      text: card.textContent,
    })),
  );
}

/** Lets files and folders fall onto the page, as the system does it. */
export async function drop(page, context, files) {
  const session = await context.newCDPSession(page);
  const data = { items: [], files, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) await session.send("Input.dispatchDragEvent", { type, x: 300, y: 300, data });
}

export const ready = (page) => page.waitForSelector("#state[data-state=ready]");

/** How many files a request has. */
export const parts = (route) => route.request().postDataBuffer().toString("latin1").match(/filename="/g).length;

/** Answers `POST /predict` in the server's place. */
export const answers = (page, prediction) => page.route("**/predict", (route) => route.fulfill({ json: { predictions: Array(parts(route)).fill(prediction) } }));
