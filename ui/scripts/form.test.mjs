// The form of the pipeline, as a user meets it: presets, the fields of a choice, what is folded away.
import { afterAll, expect, inject, test } from "vitest";
import { hasBrowser, launch } from "./states.mjs";

const session = hasBrowser ? await launch(inject("page")) : null;
afterAll(() => session?.end());

/** A test of the page in a state, with a lookup by test id. */
function inPage(name, state, act) {
  test(name, { timeout: 60_000 }, async () => {
    // Counted as skipped by this line, as the tests in Rust are.
    if (!session)
      return console.log(
        `SKIPPED: ${name}: there is no chromium, which the package chromium installs`,
      );
    const page = await session.newPage();
    await session.open(page, state, "light");
    await act(page, (id) => page.getByTestId(id));
    await page.close();
  });
}

const isOpen = (at) => at("more").evaluate((one) => one.open);
const focused = (page) => page.evaluate(() => document.activeElement.dataset.testid);

inPage("a preset is one choice for the whole package, and one undo", "filled", async (_, at) => {
  const before = await at("chips").textContent();
  await at("field-preset").selectOption("opencv-imagenet");
  await at("chips").getByText("unchanged photo by OpenCV").waitFor();
  expect(await at("field-preset").inputValue()).toBe("opencv-imagenet");
  expect(await at("field-postprocess.score_digits").inputValue()).toBe("3");
  expect(await at("field-preprocess.exif").count(), "this decoder never turns").toBe(0);
  await at("undo").click();
  await expect.poll(() => at("chips").textContent()).toBe(before);
  expect(await at("field-preset").inputValue()).toBe("efficientnet-lite");
});

inPage("own numbers are no preset", "filled", async (_, at) => {
  await at("field-preprocess.mean").fill("90 127 127");
  await expect.poll(() => at("field-preset").inputValue()).toBe("");
});

inPage("a way of resizing shows its own fields and no others", "filled", async (_, at) => {
  const resize = at("field-preprocess.resize");
  expect(await at("field-preprocess.pad").count()).toBe(0);
  await resize.selectOption("letterbox");
  await at("field-preprocess.pad").waitFor();
  expect(await at("field-preprocess.pad").inputValue()).toBe("114  114  114");
  expect(await at("field-preprocess.crop").count()).toBe(0);
  expect(await at("field-preprocess.size").count()).toBe(1);
  await resize.selectOption("thumbnail");
  await at("field-preprocess.pad").waitFor({ state: "detached" });
  expect(await at("field-preprocess.filter").locator("optgroup").count()).toBe(1);
  await resize.selectOption("none");
  await at("field-preprocess.filter").waitFor({ state: "detached" });
});

inPage("what is folded away is remembered", "filled", async (page, at) => {
  expect(await isOpen(at)).toBe(false);
  await at("more").locator("summary").press("Enter");
  expect(await isOpen(at)).toBe(true);
  await page.reload();
  await at("more").waitFor();
  expect(await isOpen(at)).toBe(true);
  await at("more").locator("summary").press("Enter");
  await page.reload();
  await at("more").waitFor();
  expect(await isOpen(at)).toBe(false);
});

inPage("it unfolds for a field that is set, and says so", "filled", async (_, at) => {
  await at("field-preset").selectOption("imagenet");
  await at("more").getByText("1 set").waitFor();
  expect(await isOpen(at)).toBe(true);
  expect(await at("field-preprocess.arithmetic").inputValue()).toBe("torchvision");
});

inPage("it unfolds for a problem, and for a step that leads to it", "stride", async (page, at) => {
  await at("more").getByText("1 problem").waitFor();
  expect(await isOpen(at)).toBe(true);
  await at("more").locator("summary").click();
  expect(await isOpen(at)).toBe(false);
  await at("problems").getByRole("button").click();
  expect(await isOpen(at)).toBe(true);
  expect(await focused(page)).toBe("field-input.stride");
  await at("more").locator("summary").click();
  await at("chips").getByText("multiple of 32").click();
  expect(await focused(page)).toBe("field-input.stride");
});

inPage("samples are pictures or tensors", "tensors", async (page, at) => {
  await at("chips").getByRole("button").click();
  expect(await focused(page)).toBe("field-input.kind-tensor");
  expect(await at("field-preprocess.resize").count()).toBe(0);
  await page.keyboard.press("ArrowLeft");
  await at("field-preprocess.resize").waitFor();
});

inPage("numbers for pixels in 0 to 1 are recognised and scaled", "filled", async (_, at) => {
  await at("field-preprocess.mean").fill("0.485 0.456 0.406");
  await at("field-preprocess.std").fill("0.229 0.224 0.225");
  await at("units").getByRole("button").click();
  await expect.poll(() => at("field-preprocess.mean").inputValue()).toBe("123.675  116.28  103.53");
  expect(await at("field-preprocess.std").inputValue()).toBe("58.395  57.12  57.375");
  expect(await at("units").count()).toBe(0);
});

inPage("a number that may be left out is cleared by emptying it", "long-side", async (_, at) => {
  await at("chips").getByText("JPEG 95").waitFor();
  await at("field-preprocess.jpeg_quality").fill("");
  await at("chips").getByText("JPEG 95").waitFor({ state: "detached" });
});

inPage("the pipeline is copied as Python, and shown", "filled", async (page, at) => {
  await at("copy-python").click();
  await expect.poll(() => at("said").textContent()).toBe("Program copied");
  await at("show-python").click();
  expect(await at("python-dialog").locator("pre").textContent()).toContain("def preprocess(path)");
  await page.keyboard.press("Escape");
  await at("python-dialog").waitFor({ state: "detached" });
});

inPage("scores are shown with as many digits as they are rounded to", "filled", async (_, at) => {
  expect(await at("card").first().textContent()).toContain("95.4 %");
  await at("field-postprocess.score_digits").fill("2");
  await expect.poll(() => at("card").first().textContent()).toContain("95 %");
  await at("field-postprocess.score_digits").fill("");
  await expect.poll(() => at("card").first().textContent()).toContain("95.4 %");
});

inPage("the viewer says what a photo's file is, as text", "details", async (_, at) => {
  await at("card").nth(1).click();
  const lines = await at("viewer-details").locator("p").allTextContents();
  expect(lines).toHaveLength(2);
  expect(lines[0]).toBe("JPEG, 8 bits, RGB · EXIF orientation 6, turned upright");
  expect(lines[1]).toContain("Colour profile Display P3");
});
