// The question about a guess, and the empty state of a model of tensors, by keyboard and mouse, with the fake host.
import { afterAll, expect, inject, test } from "vitest";
import { hasBrowser, launch } from "./states.mjs";

const session = hasBrowser ? await launch(inject("page")) : null;
afterAll(() => session?.end());

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

inState("question", "an answer is one step, and its undo asks again", async (page, at) => {
  await at("question").waitFor();
  expect(await at("question").locator("button[data-testid^=answer-]").count()).toBe(6);
  await at("answer-2").focus();
  await page.keyboard.press("Enter");
  await at("question").waitFor({ state: "detached" });
  expect(await at("said").textContent()).toContain("Ctrl+Z");
  await page.locator("body").press("Control+z");
  await at("question").waitFor();
});

inState("question", "Escape and the button dismiss it", async (page, at) => {
  await at("answer-1").focus();
  await page.keyboard.press("Escape");
  await at("question").waitFor({ state: "detached" });
});

inState("question", "the guess itself is an answer, and asks no more", async (_, at) => {
  await at("answer-0").click();
  await at("question").waitFor({ state: "detached" });
});

inState("no-samples", "a model of tensors says what a sample is, and makes one", async (_, at) => {
  const text = await at("no-samples").textContent();
  for (const part of ["state", "FP32 [2, ?, 128]", "INT64, one number", ".npz"])
    expect(text).toContain(part);
  await at("make-example").click();
  await at("card").waitFor();
  expect(await at("card").textContent()).toContain("example.npz");
  expect(await at("sample-count").textContent()).toBe("1 sample");
});
