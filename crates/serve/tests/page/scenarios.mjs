// What is done with the page, and what has to be seen: `node scenarios.mjs NAME ADDRESS [FILE…]`.
// The tests in ../program/page.rs start the server, and run one of these each.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { answered, answers, browse, cards, choose, drop, inspect, parts, ready, violations } from "./browser.mjs";
import { scenarios as tasks } from "./tasks.mjs";

const [scenario, address, ...files] = process.argv.slice(2);
const said = (page, id) => page.locator(`#${id}`).innerText();
const hostile = "<img src=x onerror=alert(1)>";

const scenarios = {
  ...tasks(address),

  async predicts(photos) {
    await browse(address, async (page, context) => {
      await ready(page);
      assert.equal(await page.title(), "efficientnet-lite0");
      assert.equal(await said(page, "version"), "0.0.1");
      assert.equal(await said(page, "description"), "Names what is in a photo");
      assert.match(await said(page, "signature"), /image\s+BYTES \[-1\][^]*images\s+FP32 \[-1, 3, 224, 224\][^]*logits\s+FP32 \[-1, 1000\]/);
      await inspect(page, "empty");
      await choose(page, photos);
      const reference = JSON.parse(readFileSync(new URL("../../../../samples/efficientnet-lite0/reference.json", import.meta.url)));
      for (const { name, lines } of await cards(page)) {
        const expected = reference.images[name].classPredictions.map((one) => [one.class, `${(one.score * 100).toFixed(1)} %`]);
        assert.deepEqual(lines, expected, name);
      }
      await page.waitForFunction(() => [...document.querySelectorAll(".sample img")].filter((picture) => picture.complete && picture.naturalWidth > 0).length === 5);
      assert.equal(await said(page, "sums"), "5 predicted");
      assert.match(await said(page, "rate"), /^[\d,.]+$/);
      assert.equal(await said(page, "said"), "5 pictures predicted, 0 failed");
      await inspect(page, "results");

      await page.click("#copy-all");
      const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
      assert.deepEqual(copied.results.map((one) => [one.sample, one.classPredictions.length]), photos.map((photo) => [basename(photo), 5]));
      assert.deepEqual(copied.model, { name: "efficientnet-lite0", version: "0.0.1" });

      await page.click("#clear");
      assert.deepEqual(await cards(page), []);
      await drop(page, context, [dirname(photos[0])]);
      await answered(page, 5);
      assert.deepEqual((await cards(page)).map(({ name }) => name), photos.map((photo) => `images/${basename(photo)}`));
      await page.evaluate(async (text) => {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(new File([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], "pasted.jpg", { type: "image/jpeg" }));
        document.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
      }, readFileSync(photos[1]).toString("base64"));
      await answered(page, 6);
      const last = (await cards(page)).at(-1);
      assert.deepEqual([last.name, last.lines[0][0]], ["pasted.jpg", "espresso"]);
    });
  },

  /** What watches the page sees what it has to: else all the other scenarios would prove nothing. */
  async watches() {
    let text;
    await browse(address, async (page) => {
      await ready(page);
      // What would make a script of a text fails.
      const refused = await page.evaluate(() =>
        [(body) => (body["inner" + "HTML"] = "<b>bold</b>"), (body) => body.setAttribute("onclick", "void 0")].map((act) => {
          try {
            act(document.body);
            return null;
          } catch ({ name }) {
            return name;
          }
        }),
      );
      assert.deepEqual(refused, ["TypeError", "TypeError"]);
      await page.evaluate(() => document.body.append(Object.assign(new Image(), { src: "http://outside.invalid/picture.png" })));
      await page.waitForFunction(() => window.violations.some((text) => text.startsWith("img-src http://outside.invalid")));
      assert.notDeepEqual(await violations(page), [], "a picture without a text");
    }).catch((error) => (text = error.message));
    assert.match(text, /img-src|is asked/);
  },

  async keyboard(photos) {
    await browse(address, async (page) => {
      await ready(page);
      await page.keyboard.press("Tab");
      assert.equal(await page.evaluate(() => document.activeElement.id), "files");
      assert.notEqual(await page.$eval("#drop", (zone) => getComputedStyle(zone).outlineStyle), "none");
      await choose(page, photos.slice(0, 3));
      await page.focus(".open");
      await page.keyboard.press("Enter");
      await page.waitForSelector("#stage img");
      assert.equal(await said(page, "viewer-place"), "1 of 3");
      await inspect(page, "viewer");
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("ArrowRight");
      assert.equal(await said(page, "viewer-name"), basename(photos[2]));
      assert.equal(await page.isDisabled("#viewer-next"), true);
      await page.keyboard.press("Escape");
      await page.waitForFunction((name) => document.activeElement.getAttribute("aria-label") === name, `Look at ${basename(photos[2])}`);
      await page.focus("[role=tab]");
      await page.keyboard.press("ArrowRight");
      assert.equal(await page.evaluate(() => document.activeElement.textContent), "Python");
      assert.match(await page.locator("[role=tabpanel]:not([hidden])").innerText(), /import requests/);
      await page.keyboard.press("ArrowRight");
      await inspect(page, "grpc");
    });
  },

  async errors([photo, broken, large]) {
    await browse(address, async (page) => {
      await ready(page);
      const note = { name: `${hostile}.jpg`, mimeType: "image/jpeg", buffer: Buffer.from("no picture") };
      await choose(page, [photo, broken], 2);
      await page.setInputFiles("#files", [note]);
      await answered(page, 3);
      await page.setInputFiles("#files", [large, photo]);
      await answered(page, 5);
      const [whole, half, text, heavy, after] = await cards(page);
      assert.deepEqual([whole, half, text, heavy, after].map(({ state }) => state), ["done", "failed", "failed", "failed", "done"]);
      assert.match(half.text, /Can’t be readThe JPEG ends/);
      assert.equal(text.name, `${hostile}.jpg`);
      assert.match(heavy.text, /Can’t be predictedThe body is larger than 1 MiB[^]*Send a smaller file/);
      assert.equal(await said(page, "sums"), "2 predicted · 3 failed");
      assert.equal(await page.locator(".sample img:not([src^='blob:'])").count(), 0);
      await inspect(page, "errors");
    });
  },

  async waits([photo]) {
    await browse(address, async (page) => {
      await page.waitForSelector("#state[data-state=waiting]");
      assert.match(await said(page, "hindrance"), /Not ready\s+The model can't be loaded: .*nowhere/);
      await page.setInputFiles("#files", [photo]);
      await page.waitForSelector(".sample img");
      assert.equal((await cards(page))[0].state, "waiting");
      assert.equal(await said(page, "sums"), "0 predicted · 1 to go");
      await inspect(page, "not-ready");
    });
  },

  async recovers(photos) {
    await browse(address, async (page) => {
      await ready(page);
      await page.route("**/*", (route) => route.abort());
      await page.waitForSelector("#state[data-state=lost]");
      assert.match(await said(page, "hindrance"), /does not answer/);
      await page.setInputFiles("#files", photos);
      await page.waitForFunction(() => document.querySelectorAll(".sample img").length === 5);
      await inspect(page, "lost");
      await page.unroute("**/*");
      await answered(page, 5);
      assert.equal(await page.isVisible("#hindrance"), false);
      await page.click("#clear");

      // Too much to do, for a moment, and then for good.
      let busy = 2;
      await page.route("**/predict", (route) => (busy-- > 0 ? route.fulfill({ status: 429, headers: { "retry-after": "0" }, json: { error: "too many requests are waiting" } }) : route.continue()));
      await choose(page, photos.slice(0, 1));
      assert.equal((await cards(page))[0].state, "done");
      await page.unroute("**/predict");
      await page.route("**/predict", (route) => route.abort());
      await page.setInputFiles("#files", photos.slice(1, 2));
      await answered(page, 2);
      assert.match((await cards(page))[1].text, /The server did not answer/);
      await page.unroute("**/predict");
      await page.click(".failed .btn");
      await page.waitForFunction(() => document.querySelectorAll("[data-state=done].sample").length === 2);
    });
  },

  async labels([photo]) {
    const name = `${"a-long-name-".repeat(9)}end`;
    const scores = [[`${hostile} and a label that goes on and on, although everyone wishes that it did not`, 7.25], ["Pneumonoultramicroscopicsilicovolcanoconiosis_without_any_break_in_it", -1.5]];
    await browse(
      address,
      async (page) => {
        await ready(page);
        await choose(page, Array(3).fill(photo));
        const [{ lines }] = await cards(page);
        assert.deepEqual(lines, [[scores[0][0], "7.250"], [scores[1][0], "-1.500"]]);
        assert.match(await said(page, "signature"), /onerror/);
        await inspect(page, "long");
        await page.click(".open >> nth=0");
        await inspect(page, "long-viewer");
      },
      async (page) => {
        await page.route("**/v1/models", (route) => route.fulfill({ json: { models: [name] } }));
        const tensor = (name) => [{ name, datatype: "FP32", shape: [-1, 3, 224, 224] }];
        await page.route("**/v2/models/**", (route) => route.fulfill({ json: { name: new URL(route.request().url()).pathname.split("/")[3], versions: ["1.0"], inputs: tensor(`a_long_tensor_name/with:0${hostile}`), outputs: [...tensor("a"), ...tensor("b")] } }));
        await answers(page, { classPredictions: scores.map(([label, score]) => ({ class: label, score })) });
      },
    );
  },

  async many(photos) {
    await browse(address, async (page) => {
      await ready(page);
      const many = Array.from({ length: 50 }, (_, place) => ({ name: `IMG_${2000 + place}.jpg`, mimeType: "image/jpeg", buffer: readFileSync(photos[place % 5]) }));
      let largest = 0;
      await page.route("**/predict", (route) => {
        largest = Math.max(largest, parts(route));
        return route.continue();
      });
      await choose(page, many);
      const all = await cards(page);
      assert.deepEqual(all.map(({ name }) => name), many.map(({ name }) => name));
      const tops = ["tiger cat", "espresso", "daisy", "moped", "missile"];
      assert.deepEqual(all.map(({ lines }) => lines[0][0]), many.map((_, place) => tops[place % 5]));
      assert.ok(largest > 1 && largest <= 4, `${largest} together`);
      assert.equal(await said(page, "sums"), "50 predicted");
      await inspect(page, "many");
    });
  },

  async tensors([tensor]) {
    await browse(address, async (page) => {
      await ready(page);
      await page.getByText("Drop tensors here").waitFor();
      assert.equal(await page.getAttribute("#files", "accept"), ".npy,.npz,.json");
      await choose(page, [tensor]);
      const [{ state, text }] = await cards(page);
      assert.equal(state, "done", text);
      assert.match(text, /logits\s*FP32 \[1000\]/);
      await page.getByText("<f4 [3, 224, 224]").waitFor();
      await page.click(".tensors summary");
      assert.match((await cards(page))[0].text, /… 976 more/);
      await inspect(page, "tensors");
    });
  },

  /** The code that the page shows, by tab and title. */
  async snippets() {
    await browse(address, async (page) => {
      await ready(page);
      const tabs = await page.$$eval("[role=tabpanel]", (panels) => panels.map((panel) => [...panel.querySelectorAll(".snippet")].map((one) => [one.querySelector(".snippet-head").textContent, one.querySelector("pre").textContent])));
      console.log(JSON.stringify(tabs));
    });
  },
};

await scenarios[scenario](files);
