// Every state of the page, in both themes, in the smallest window: axe finds nothing, nothing sticks
// out of its part of the window, and no script fails.
import { afterAll, describe, expect, test } from "vitest";
import { hasBrowser, stage, still, strays, violations } from "./states.mjs";

const there = hasBrowser ? await stage() : null;

describe.concurrent("in every theme and the smallest window", () => {
  afterAll(() => there?.end());

  test.for(there?.names ?? ["every state"])("%s", { timeout: 120_000 }, async (name) => {
    // Counted as skipped by this line, as the tests in Rust are.
    if (!there)
      return console.log(
        "SKIPPED: the page's states: there is no chromium, which the package chromium installs",
      );
    const page = await there.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    await page.setViewportSize({ width: 1024, height: 700 });
    await there.open(page, name, "light");
    const found = { light: await violations(page), strays: await strays(page) };
    await page.evaluate(() => (document.documentElement.dataset.theme = "dark"));
    await still(page);
    found.dark = await violations(page);
    await page.close();
    expect({ ...found, errors }).toEqual({ light: [], strays: [], dark: [], errors: [] });
  });
});
