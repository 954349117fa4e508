// Photographs the page in every state, theme and size, against the stand-in host, and runs axe on
// each: `npm run screenshots -- FOLDER [state…]`. Exits 1 where axe finds anything.
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { createServer } from "vite";

const [folder = join(process.env.TMPDIR ?? "/tmp", "boxwright-screenshots"), ...only] = process.argv.slice(2);
const sizes = { small: [1024, 700], medium: [1440, 900], large: [1600, 1000] };
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

// A state's name, and what is done in it before the picture is taken.
const steps = {
  "settings": { state: "filled", act: (page) => page.getByTestId("settings").click() },
  "doctor": { state: "filled", act: async (page) => (await page.getByTestId("settings").click(), await page.getByTestId("settings-page-machine").click(), await page.getByTestId("doctor").waitFor()) },
  "keys": { state: "filled", act: async (page) => (await page.getByTestId("settings").click(), await page.getByTestId("settings-page-keys").click()) },
  "sign-in": { state: "no-registry", act: async (page) => (await page.getByTestId("to-registry").click(), await page.getByTestId("sign-in").click()) },
  "sign-in-wrong": {
    state: "no-registry",
    query: "&keychain=no",
    async act(page) {
      await page.getByTestId("to-registry").click();
      await page.getByTestId("sign-in").click();
      await page.getByTestId("sign-in-registry").fill("registry.example.com");
      await page.getByTestId("sign-in-user").fill("ada");
      await page.getByTestId("sign-in-password").fill("wrong");
      await page.getByTestId("sign-in-submit").click();
      await page.getByTestId("sign-in-failure").waitFor();
    },
  },
  "sign-in-realm": {
    state: "no-registry",
    async act(page) {
      await page.getByTestId("to-registry").click();
      await page.getByTestId("sign-in").click();
      await page.getByTestId("sign-in-registry").fill("strange.example.com");
      await page.getByTestId("sign-in-user").fill("ada");
      await page.getByTestId("sign-in-password").fill("right");
      await page.getByTestId("sign-in-submit").click();
      await page.getByTestId("sign-in-realm").waitFor();
    },
  },
  "viewer": { state: "filled", act: (page) => page.getByTestId("card").nth(1).click() },
  "viewer-broken": { state: "mixed", act: (page) => page.getByTestId("card").nth(2).click() },
  "closing": { state: "guesses", query: "&closing" },
  "closing-publishing": { state: "publishing", query: "&closing" },
  "dragging": { state: "filled", query: "&drag" },
  "dragging-empty": { state: "empty", query: "&drag" },
  "selected": { state: "mixed", act: async (page) => { for (const n of [0, 1, 4]) await page.getByTestId("card").nth(n).click({ modifiers: ["Control"] }); } },
  "open-menu": { state: "filled", act: (page) => page.getByTestId("open-menu").click() },
  "account-menu": { state: "filled", act: (page) => page.getByTestId("change-account").click() },
  "filtered": { state: "mixed", act: (page) => page.getByTestId("filter-failed").click() },
};

const server = await createServer({ root: new URL("..", import.meta.url).pathname, logLevel: "error", server: { port: 0, strictPort: false } });
await server.listen();
const { scenes } = await server.ssrLoadModule("/src/host/fake/scenes.ts");
const names = [...Object.keys(scenes), ...Object.keys(steps)].filter((name) => only.length === 0 || only.includes(name));
const address = server.resolvedUrls.local[0];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
await mkdir(folder, { recursive: true });
let found = 0;

for (const name of names) {
  const { state = name, query = "", act } = steps[name] ?? {};
  for (const theme of ["light", "dark"]) {
    const page = await browser.newPage({ reducedMotion: "reduce" });
    page.on("pageerror", (error) => (console.log(`${name} ${theme}: ${error.message}`), (found += 1)));
    for (const [size, [width, height]] of Object.entries(sizes)) {
      await page.setViewportSize({ width, height });
      await page.goto(`${address}?state=${state}&theme=${theme}${query}`);
      await page.locator('[data-testid="app"]').waitFor();
      await page.evaluate(() => document.fonts.ready);
      await act?.(page);
      await page.waitForTimeout(250);
      await page.screenshot({ path: join(folder, `${name}-${theme}-${size}.png`) });
      if (size !== "large") found += await check(page, `${name} ${theme} ${size}`);
    }
    await page.close();
  }
}

async function check(page, where) {
  await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const one of violations) {
    console.log(`${where}: ${one.id} (${one.impact}): ${one.help}`);
    for (const node of one.nodes.slice(0, 3)) console.log(`    ${node.target.join(" ")}  ${node.any.map((any) => any.message).join("; ").slice(0, 160)}`);
  }
  return violations.length;
}

await browser.close();
await server.close();
console.log(`${names.length} states in ${folder}; ${found} findings`);
process.exit(found > 0 ? 1 : 0);
