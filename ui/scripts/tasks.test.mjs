// Boxes in the viewer and on the cards: linked with their rows, filtered, zoomed.
import { afterAll, expect, inject, test } from "vitest";
import { hasBrowser, launch } from "./states.mjs";

const session = hasBrowser ? await launch(inject("page")) : null;
afterAll(() => session?.end());

/** Runs `check` on the page in a state, and with a lookup by test id. */
function inState(state, name, check) {
  test(name, { timeout: 60_000 }, async ({ task }) => {
    // Counted as skipped by this line, as the tests in Rust are.
    if (!session)
      return console.log(
        `SKIPPED: ${task.name}: there is no chromium, which the package chromium installs`,
      );
    const page = await session.newPage();
    await page.setViewportSize({ width: 1440, height: 900 });
    await session.open(page, state, "light");
    await check(page, (id) => page.getByTestId(id));
    await page.close();
  });
}

inState("detection", "a higher threshold hides boxes before a new run", async (page, at) => {
  const before = await at("card").first().textContent();
  await at("field-postprocess.score_threshold-slider").fill("0.96");
  await expect.poll(() => at("card").first().textContent()).not.toBe(before);
  await at("card").first().click();
  await expect.poll(() => at("detection").count()).toBe(1);
});

inState("detection-viewer", "a box is linked with its row in both directions", async (page, at) => {
  const row = at("detection").nth(3);
  await row.hover();
  await expect.poll(() => page.locator("path.strong").count()).toBe(2);
  const box = await page.locator("path.line.strong").boundingBox();
  await page.mouse.move(5, 5);
  await expect.poll(() => page.locator("path.strong").count()).toBe(0);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await expect.poll(() => page.locator("button.hovered").count()).toBe(1);
});

inState("detection-viewer", "a class is hidden in the picture and in the list", async (_, at) => {
  const all = await at("detection").count();
  await at("class-0").click();
  expect(await at("detection").count()).toBe(all - 3);
});

inState(
  "detection-viewer",
  "keys zoom and move, and then show the next picture",
  async (page, at) => {
    const width = async () => (await at("stage").boundingBox()).width;
    const name = () => at("viewer").getAttribute("aria-label");
    const [fitted, first] = [await width(), await name()];
    await page.keyboard.press("+");
    await expect.poll(width).toBeGreaterThan(1.4 * fitted);
    const { x } = await at("stage").boundingBox();
    await page.keyboard.press("ArrowRight");
    await expect.poll(async () => (await at("stage").boundingBox()).x).toBeLessThan(x);
    expect(await name()).toBe(first);
    await page.keyboard.press("0");
    await expect.poll(width).toBeCloseTo(fitted, 0);
    await page.keyboard.press("ArrowRight");
    await expect.poll(name).not.toBe(first);
  },
);

inState("detection-crowd", "a card is one canvas, however many boxes", async (page, at) => {
  expect(await at("card").first().locator("canvas").count()).toBe(1);
  expect(await at("card").first().locator("*").count()).toBeLessThan(60);
});
