// Opens the states of the page in Chromium, with the fake host, for screenshots and tests.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";
import { runnerImport } from "vite";
import { servePage } from "./built-page.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const program = process.env.CHROMIUM ?? "/usr/bin/chromium";

export const hasBrowser = existsSync(program);

/** Scrolls to the rare fields of the pipeline. */
async function showMore(page) {
  await page.getByTestId("field-preprocess.arithmetic").scrollIntoViewIfNeeded();
}

/** Opens the viewer on a card, and waits for what lies over its picture. */
async function view(page, card = 1) {
  await page.getByTestId("card").nth(card).click();
  await page.getByTestId("stage").waitFor();
  await page.locator('[data-testid="overlay"]:not([data-ready="false"])').waitFor();
}

// States that need actions after a scenario is loaded.
const actions = {
  settings: { state: "filled", act: (page) => page.getByTestId("settings").click() },
  doctor: {
    state: "filled",
    act: async (page) => (
      await page.getByTestId("settings").click(),
      await page.getByTestId("settings-page-machine").click(),
      await page.getByTestId("doctor").waitFor()
    ),
  },
  keys: {
    state: "filled",
    act: async (page) => (
      await page.getByTestId("settings").click(),
      await page.getByTestId("settings-page-keys").click()
    ),
  },
  "sign-in": {
    state: "no-registry",
    act: async (page) => (
      await page.getByTestId("to-registry").click(),
      await page.getByTestId("sign-in").click()
    ),
  },
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
  more: {
    state: "filled",
    act: (page) => page.getByTestId("more").locator("summary").click(),
  },
  "letterbox-form": { state: "letterbox", act: showMore },
  "long-side-form": { state: "long-side", act: showMore },
  "stride-problem": {
    state: "stride",
    act: (page) => page.getByTestId("problems").getByRole("button").click(),
  },
  "opencv-preset": {
    state: "filled",
    act: async (page) => (
      await page.getByTestId("field-preset").selectOption("opencv-imagenet"),
      await page.getByTestId("chips").getByText("unchanged photo").waitFor(),
      // Until the preview has run again, the old results are faded.
      await page.locator(".stale").first().waitFor({ state: "detached" })
    ),
  },
  python: {
    state: "filled",
    act: async (page) => (
      await page.getByTestId("show-python").click(),
      await page.getByTestId("python-dialog-copy").waitFor()
    ),
  },
  "python-refused": {
    state: "no-python",
    act: async (page) => (
      await page.getByTestId("show-python").click(),
      await page.getByTestId("python-dialog").getByTestId("failure").waitFor()
    ),
  },
  "viewer-details": { state: "details", act: (page) => page.getByTestId("card").nth(1).click() },
  "rounded-viewer": {
    state: "rounded-scores",
    act: (page) => page.getByTestId("card").nth(1).click(),
  },
  "detection-viewer": { state: "detection", act: view },
  "detection-hovered": {
    state: "detection",
    act: async (page) => (await view(page), await page.getByTestId("detection").nth(2).hover()),
  },
  "detection-zoomed": {
    state: "detection",
    act: async (page) => {
      await view(page, 2);
      for (const key of ["+", "+", "+", "ArrowRight"]) await page.keyboard.press(key);
    },
  },
  "detection-filtered": {
    state: "detection",
    act: async (page) => (
      await view(page, 2),
      await page.locator('[data-testid^="class-"]').first().click()
    ),
  },
  "detection-form": {
    state: "detection",
    act: (page) => page.getByTestId("field-postprocess.max_detections").scrollIntoViewIfNeeded(),
  },
  "detection-none-viewer": {
    state: "detection-none",
    act: (page) => page.getByTestId("card").nth(1).click(),
  },
  "detection-names-viewer": { state: "detection-names", act: view },
  "detection-crowd-viewer": { state: "detection-crowd", act: view },
  "rotated-viewer": { state: "rotated-detection", act: view },
  "pose-viewer": { state: "pose", act: (page) => view(page, 2) },
  "instances-viewer": { state: "instance-segmentation", act: (page) => view(page, 3) },
  "segmentation-viewer": { state: "segmentation", act: view },
  "segmentation-hovered": {
    state: "segmentation",
    act: async (page) => (
      await view(page),
      await page.locator('[data-testid^="class-"]').first().hover()
    ),
  },
  "matte-viewer": { state: "matte", act: view },
  "matte-mask": {
    state: "matte",
    act: async (page) => (await view(page), await page.getByTestId("ground-mask").check()),
  },
  "embedding-viewer": {
    state: "embedding",
    act: async (page) => (
      await page.getByTestId("card").nth(1).click(),
      await page.getByTestId("neighbour").first().waitFor()
    ),
  },
  "text-viewer": { state: "text", act: (page) => page.getByTestId("card").nth(1).click() },
  viewer: { state: "filled", act: (page) => page.getByTestId("card").nth(1).click() },
  "viewer-broken": { state: "mixed", act: (page) => page.getByTestId("card").nth(2).click() },
  "recipe-same-open": {
    state: "recipe-same",
    act: (page) => page.getByTestId("recipe-same").locator("summary").click(),
  },
  closing: { state: "guesses", query: "&closing" },
  "closing-publishing": { state: "publishing", query: "&closing" },
  dragging: { state: "filled", query: "&drag" },
  "dragging-empty": { state: "empty", query: "&drag" },
  selected: {
    state: "mixed",
    act: async (page) => {
      for (const n of [0, 1, 4])
        await page
          .getByTestId("card")
          .nth(n)
          .click({ modifiers: ["Control"] });
    },
  },
  "open-menu": { state: "filled", act: (page) => page.getByTestId("open-menu").click() },
  "account-menu": { state: "filled", act: (page) => page.getByTestId("change-account").click() },
  "history-open": {
    state: "filled",
    act: (page) => page.getByTestId("history").locator("summary").first().click(),
  },
  "job-log": { state: "publishing", act: (page) => page.getByTestId("job-log").click() },
  "guess-tip": {
    state: "guesses",
    act: (page) => page.getByTestId("guess-preprocess.mean").hover(),
  },
  "problem-tip": { state: "problems", act: (page) => page.getByTestId("package-name").focus() },
  "sort-menu": { state: "mixed", act: (page) => page.getByTestId("sort").click() },
  "export-menu": { state: "mixed", act: (page) => page.getByTestId("export").click() },
  "focus-grid": {
    state: "mixed",
    act: async (page) => (
      await page.getByTestId("export").focus(),
      await page.keyboard.press("Tab"),
      await page.keyboard.press("Tab")
    ),
  },
  "focus-card": {
    state: "mixed",
    act: async (page) => (
      await page.getByTestId("grid").focus(),
      await page.keyboard.press("ArrowRight"),
      await page.keyboard.press("ArrowRight")
    ),
  },
  "filtered-none": { state: "filled", act: (page) => page.getByTestId("filter-failed").click() },
  filtered: { state: "mixed", act: (page) => page.getByTestId("filter-failed").click() },
};

/** Starts a browser, and a server of the built page in `folder`. */
export async function launch(folder) {
  const { address, end } = await servePage(folder);
  const source = new URL("../src/host/fake/scenarios.ts", import.meta.url).pathname;
  const { scenarios } = (await runnerImport(source)).module;
  const browser = await chromium.launch({ executablePath: program, args: ["--no-sandbox"] });
  return {
    names: [...Object.keys(scenarios), ...Object.keys(actions)],
    newPage: () => browser.newPage({ reducedMotion: "reduce" }),
    async open(page, name, theme) {
      const { state = name, query = "", act } = actions[name] ?? {};
      await page.goto(`${address}?state=${state}&theme=${theme}${query}`);
      await page.getByTestId("app").waitFor();
      await act?.(page);
      await waitUntilStable(page);
    },
    async end() {
      await browser.close();
      await end();
    },
  };
}

/** Waits until fonts and images are loaded and all finite animations have ended. */
export async function waitUntilStable(page) {
  await page.evaluate(async () => {
    const frame = () =>
      new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
    await frame();
    await document.fonts.ready;
    await Promise.allSettled([...document.images].map((image) => image.decode()));
    const moving = document
      .getAnimations()
      .filter((one) => one.effect.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(moving.map((one) => one.finished));
    await frame();
  });
}

/** Accessibility violations that axe finds in the present page. */
export async function violations(page) {
  // The page's policy takes no script of another's: the debugger brings it in.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  const found = await page.evaluate(() =>
    window.axe.run(document, { resultTypes: ["violations"] }),
  );
  return found.violations.flatMap((one) =>
    one.nodes.map(
      (node) =>
        `${one.id} (${one.impact}): ${node.target.join(" ")}: ${node.any.map((any) => any.message).join("; ") || one.help}`,
    ),
  );
}

/** Controls that overflow their pane, header or dialog. */
export async function overflowing(page) {
  return await page.evaluate(() => {
    const parts = [
      ...document.querySelectorAll('header, [data-testid$="-pane"], [data-testid="jobs"], dialog'),
    ];
    return parts.flatMap((part) => {
      const whole = part.getBoundingClientRect();
      const controls = [...part.querySelectorAll("button, input, select, textarea, .pill")].filter(
        (one) => one.checkVisibility() && one.closest("[popover]") === null,
      );
      const out = controls.filter(
        (one) =>
          one.getBoundingClientRect().right > whole.right + 0.5 ||
          one.getBoundingClientRect().left < whole.left - 0.5,
      );
      return out.map(
        (one) => `${part.dataset.testid ?? part.tagName}: ${one.outerHTML.slice(0, 120)}`,
      );
    });
  });
}
