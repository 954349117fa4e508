// The search for a notebook's recipe, by keyboard and mouse, with the fake host.
import { afterAll, expect, inject, test } from "vitest";
import { hasBrowser, launch } from "./states.mjs";

const session = hasBrowser ? await launch(inject("page")) : null;
afterAll(() => session?.end());

/** The page in a state of the search, and a lookup by test id. */
async function openState(name, state) {
  // Counted as skipped by this line, as the tests in Rust are.
  if (!session)
    return console.log(
      `SKIPPED: ${name}: there is no chromium, which the package chromium installs`,
    );
  const page = await session.newPage();
  await session.open(page, state, "light");
  const focused = () => page.evaluate(() => document.activeElement.dataset.testid);
  return { page, at: (id) => page.getByTestId(id), focused };
}

const patience = { timeout: 60_000 };

test(
  "Enter begins the search, and each state gives its button the focus",
  patience,
  async ({ task }) => {
    const { page, at, focused } = (await openState(task.name, "recipe-choosing")) ?? {};
    if (!page) return;
    expect(await focused()).toBe("recipe-find");
    await page.keyboard.press("Enter");
    await at("recipe-progress").waitFor();
    expect(await focused()).toBe("recipe-cancel");
    await at("recipe-verdict").waitFor();
    expect(await at("recipe-verdict").getAttribute("data-verdict")).toBe("exact");
    expect(await focused()).toBe("recipe-use");
    expect(await page.locator("[data-testid=recipe-dialog] [role=status]").textContent()).toContain(
      "Exact.",
    );
    await page.keyboard.press("Enter");
    await at("recipe-dialog").waitFor({ state: "detached" });
    expect(await at("field-preprocess.resize").inputValue()).toBe("stretch");
    expect(await at("said").textContent()).toContain("Ctrl+Z");
    await page.keyboard.press("Control+z");
    await page.waitForFunction(
      () =>
        document.querySelector('[data-testid="field-preprocess.resize"]').value === "short-side",
    );
    await page.close();
  },
);

test("Cancel goes back to the choice at once", patience, async ({ task }) => {
  const { page, at } = (await openState(task.name, "recipe-choosing")) ?? {};
  if (!page) return;
  await at("recipe-find").click();
  await at("recipe-cancel").click();
  await at("recipe-find").waitFor();
  expect(await at("recipe-verdict").count()).toBe(0);
  await page.close();
});

test("photos are chosen and put in order, five at most", patience, async ({ task }) => {
  const { page, at } = (await openState(task.name, "recipe-choosing")) ?? {};
  if (!page) return;
  const order = () =>
    at("recipe-order")
      .locator("li .name")
      .evaluateAll((all) => all.map((one) => one.title));
  expect(await order()).toEqual(["cat.jpg", "flower.jpg"]);
  await page.getByRole("button", { name: "Move flower.jpg up" }).click();
  expect(await order()).toEqual(["flower.jpg", "cat.jpg"]);
  await at("recipe-photo-1").focus();
  await page.keyboard.press("Space");
  expect(await order()).toEqual(["flower.jpg", "cat.jpg", "coffee.jpg"]);
  expect(await at("recipe-photo-note").textContent()).toContain("choose 1 fewer");
  await at("recipe-photo-2").uncheck();
  expect(await order()).toEqual(["flower.jpg", "coffee.jpg"]);
  await page.close();
});

test("Escape closes the search, and gives the focus back", patience, async ({ task }) => {
  const { page, at, focused } = (await openState(task.name, "filled")) ?? {};
  if (!page) return;
  await at("find-recipe").click();
  await at("recipe-dialog").waitFor();
  // A shortcut of the window does nothing meanwhile.
  await page.keyboard.press("Control+,");
  expect(await at("settings-dialog").count()).toBe(0);
  await page.keyboard.press("Escape");
  await at("recipe-dialog").waitFor({ state: "detached" });
  expect(await focused()).toBe("find-recipe");
  await page.close();
});
