// The confirmation before a password is sent to another host than the registry's.
import { afterAll, expect, inject, test } from "vitest";
import { hasBrowser, launch } from "./states.mjs";

const session = hasBrowser ? await launch(inject("page")) : null;
afterAll(() => session?.end());

/** The page with the confirmation open, and a lookup by test id. */
async function openConfirmation(name) {
  // Counted as skipped by this line, as the tests in Rust are.
  if (!session)
    return console.log(
      `SKIPPED: ${name}: there is no chromium, which the package chromium installs`,
    );
  const page = await session.newPage();
  await session.open(page, "sign-in-realm", "light");
  return { page, at: (id) => page.getByTestId(id) };
}

test(
  "a registry and a host are named, and the safe answer has the focus",
  { timeout: 60_000 },
  async ({ task }) => {
    const { page, at } = (await openConfirmation(task.name)) ?? {};
    if (!page) return;
    const question = await at("sign-in-realm").textContent();
    expect(question).toContain(
      "strange.example.com asks you to send your password to auth.example.net. Allow?",
    );
    expect(await page.evaluate(() => document.activeElement.dataset.testid)).toBe(
      "sign-in-realm-refuse",
    );
    await page.keyboard.press("Enter");
    await at("sign-in-realm").waitFor({ state: "detached" });
    expect(await at("sign-in-dialog").isVisible()).toBe(true);
    await page.close();
  },
);

test(
  "allowing it signs in, also after another try with the password",
  { timeout: 60_000 },
  async ({ task }) => {
    const { page, at } = (await openConfirmation(task.name)) ?? {};
    if (!page) return;
    await at("sign-in-password").fill("wrong");
    await at("sign-in-realm-allow").click();
    await at("sign-in-failure").waitFor();
    await at("sign-in-password").fill("right");
    await at("sign-in-submit").click();
    await at("sign-in-dialog").waitFor({ state: "detached" });
    expect(await at("account").textContent()).toContain("strange.example.com");
    await page.close();
  },
);

test("an answer for one registry is none for another", { timeout: 60_000 }, async ({ task }) => {
  const { page, at } = (await openConfirmation(task.name)) ?? {};
  if (!page) return;
  await at("sign-in-registry").fill("strange.example.org");
  await at("sign-in-realm").waitFor({ state: "detached" });
  await at("sign-in-submit").click();
  await at("sign-in-realm").waitFor();
  expect(await at("sign-in-realm").textContent()).toContain("strange.example.org asks you");
  await page.close();
});
