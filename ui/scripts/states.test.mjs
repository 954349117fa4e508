// In every state of the page, in both themes and the smallest window: axe finds no violation,
// nothing overflows, and no script fails.
import { afterAll, describe, expect, inject, test } from "vitest";
import { hasBrowser, launch, waitUntilStable, overflowing, violations } from "./states.mjs";

const session = hasBrowser ? await launch(inject("page")) : null;

describe.concurrent("in every theme and the smallest window", () => {
  afterAll(() => session?.end());

  test.for(session?.names ?? ["every state"])("%s", { timeout: 120_000 }, async (name) => {
    // Counted as skipped by this line, as the tests in Rust are.
    if (!session)
      return console.log(
        "SKIPPED: the page's states: there is no chromium, which the package chromium installs",
      );
    const page = await session.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(error.message));
    // What the content policy refuses is said there too.
    page.on("console", (said) => said.type() === "error" && errors.push(said.text()));
    await page.setViewportSize({ width: 1024, height: 700 });
    await session.open(page, name, "light");
    const found = { light: await violations(page), overflowing: await overflowing(page) };
    await page.evaluate(() => (document.documentElement.dataset.theme = "dark"));
    await waitUntilStable(page);
    found.dark = await violations(page);
    await page.close();
    expect({ ...found, errors }).toEqual({ light: [], overflowing: [], dark: [], errors: [] });
  });
});
