// What the page makes of the results of each task, which are answered in the server's place.
import assert from "node:assert/strict";
import { answers, browse, cards, choose, glance, ready } from "./browser.mjs";

/** The picture has 451 × 300 pixels. */
const SIZE = [451, 300];
const box = (index, score, [x0, y0, x1, y1], more = {}) => ({ class: ["cat", "dog", "cup"][index], index, score, box: [x0, y0, x1, y1], ...more });
const hidden = (page) => page.$$eval("#viewer-result li", (rows) => rows.map((row) => row.hidden));
const lit = (page) => page.$$eval("#viewer-result [aria-selected=true]", (rows) => rows.map((row) => row.dataset.place));
/** Colours of lines over the picture, from the first drawn to the last. */
const lines = (page, where = "#stage") => page.$$eval(`${where} .marks .all .line:not(.dots)`, (paths) => paths.map((path) => path.getAttribute("stroke")));
/** A pixel of a canvas, by shares of its sides. */
const pixel = (page, where, x, y) =>
  page.$eval(where, (canvas, [x, y]) => [...canvas.getContext("2d").getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data], [x, y]);
/** The pointer over a point of the picture, in its pixels. */
async function point(page, x, y) {
  const frame = await page.locator("#stage .frame").boundingBox();
  await page.mouse.move(frame.x + (x / SIZE[0]) * frame.width, frame.y + (y / SIZE[1]) * frame.height);
}

/** A grey picture as PNG in base64, which the page's own browser makes: rectangles of a value each. */
const painted = (page, areas) =>
  page.evaluate(async (areas) => {
    const pixels = new Uint8Array(451 * 300);
    for (const [value, x, y, width, height] of areas) for (let row = y; row < y + height; row += 1) pixels.fill(value, row * 451 + x, row * 451 + x + width);
    const raw = new Uint8Array(452 * 300);
    for (let row = 0; row < 300; row += 1) raw.set(pixels.subarray(row * 451, (row + 1) * 451), row * 452 + 1);
    const packed = new Uint8Array(await new Response(new Blob([raw]).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer());
    const chunk = (name, body) => [0, 0, 0, 0, ...new TextEncoder().encode(name), ...body, 0, 0, 0, 0].map((byte, at) => (at < 4 ? (body.length >>> (24 - 8 * at)) & 255 : byte));
    const file = [137, 80, 78, 71, 13, 10, 26, 10, ...chunk("IHDR", [0, 0, 1, 195, 0, 0, 1, 44, 8, 0, 0, 0, 0]), ...chunk("IDAT", packed), ...chunk("IEND", [])];
    return btoa(String.fromCharCode(...file));
  }, areas);

export const scenarios = (address) => ({
  async detects([photo]) {
    const more = Array.from({ length: 6 }, (_, place) => box(2, 0.3 - place / 100, [place * 20, 200, place * 20 + 15, 220]));
    const detections = [{ ...box(0, 0.934, [90, 30, 270, 150]), class: "cat <img src=x onerror=alert(1)>" }, ...more];
    const act = async (page) => {
      await ready(page);
      await choose(page, [photo]);
      await page.waitForSelector(".sample .marks");
      const [{ lines: said, text }] = await cards(page);
      assert.deepEqual(said[0], ["cat <img src=x onerror=alert(1)>", "93.4 %"]);
      assert.match(text, /2 more/);
      await glance(page, "detection");
      await page.click(".more");
      await page.waitForSelector("#stage .marks");
      // The picture is shown whole, however large, and a box is where it is in its pixels.
      const place = await page.$eval("#stage .marks", (svg) => [svg.getAttribute("viewBox"), svg.querySelectorAll(".all .line")[1].getAttribute("d")]);
      assert.deepEqual(place, ["0 0 451 300", "M90 30L270 30L270 150L90 150Z"]);
      const [inner, outer] = await page.$eval("#stage .marks", (svg) => [svg, svg.closest(".frame")].map((one) => one.getBoundingClientRect().toJSON()));
      assert.deepEqual(inner, outer);
      assert.ok(Math.abs(outer.width / outer.height - 451 / 300) < 0.01, JSON.stringify(outer));
      // The hues of the studio, by the classes' indexes; the best boxes are drawn last.
      assert.deepEqual(await lines(page), ["rgb(0 158 115)", "rgb(230 159 0)"]);
      assert.equal(await page.locator("#viewer-result li").count(), 7);

      // A box and its row are one.
      await point(page, 100, 40);
      assert.deepEqual(await lit(page), ["0"]);
      await point(page, 27, 210);
      assert.deepEqual(await lit(page), ["2"]);
      await point(page, 440, 290);
      assert.deepEqual(await lit(page), []);
      await page.hover("#viewer-result li >> nth=3");
      assert.equal(await page.$eval("#stage .marks g:not(.all) .line", (path) => path.getAttribute("d")), "M40 200L55 200L55 220L40 220Z");
      await page.focus("#viewer-result ol");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowUp");
      await page.keyboard.press("ArrowUp");
      assert.equal((await lit(page)).length, 1);

      // Classes are left out, here and on the cards.
      await page.locator(".choice", { hasText: "cup" }).click();
      assert.deepEqual(await lines(page), ["rgb(230 159 0)"]);
      assert.deepEqual(await lines(page, ".sample"), ["rgb(230 159 0)"]);
      assert.deepEqual(await hidden(page), [false, ...Array(6).fill(true)]);
      await glance(page, "detection-viewer");
      await page.locator(".choice", { hasText: "cup" }).click();
      assert.equal((await lines(page)).length, 2);

      // Larger and smaller.
      const width = async () => (await page.locator("#stage .frame").boundingBox()).width;
      const whole = await width();
      await page.click("#zoom-in");
      assert.ok(Math.abs((await width()) / whole - 1.5) < 0.01);
      await page.keyboard.press("0");
      assert.equal(await width(), whole);
      await point(page, 90, 30);
      await page.mouse.wheel(0, -500);
      await page.waitForFunction((whole) => document.querySelector("#stage .frame").clientWidth > 2 * whole, whole);
      await page.click("#zoom-fit");
      assert.equal(await width(), whole);

      await page.click("#viewer-copy");
      const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
      assert.deepEqual(copied.detections, detections);
    };
    await browse(address, act, (page) => answers(page, { detections }));
  },

  async turns([photo]) {
    const polygon = [[200, 50], [300, 120], [250, 200], [150, 130]];
    const keypoints = Array.from({ length: 17 }, (_, place) => [20 + place * 10, 200 + place * 5, place === 0 ? 0.1 : 0.9]);
    const detections = [box(0, 0.9, [150, 50, 300, 200], { polygon }), box(1, 0.8, [10, 190, 200, 290], { keypoints })];
    const act = async (page) => {
      await ready(page);
      await choose(page, [photo]);
      await page.click(".open");
      await page.waitForSelector("#stage .marks");
      const paths = await page.$$eval("#stage .all .line", (paths) => paths.map((path) => path.getAttribute("d")));
      assert.ok(paths.includes("M200 50L300 120L250 200L150 130Z"), `${paths}`);
      // The keypoint that the model is not sure of is not drawn, and no bone leads to it.
      const dots = paths.find((path) => /h0$/.test(path));
      assert.equal(dots.match(/M/g).length, 16);
      const skeleton = paths.find((path) => path.startsWith("M10 190"));
      assert.equal(skeleton.match(/M/g).length, 1 + 17);
      // Beside the turned box, and yet in the box around it.
      await point(page, 160, 60);
      assert.deepEqual(await lit(page), []);
      await point(page, 225, 125);
      assert.deepEqual(await lit(page), ["0"]);
      await glance(page, "turned-viewer");
    };
    await browse(address, act, (page) => answers(page, { detections }));
  },

  async masks([photo]) {
    // Columns 100 to 199, rows 50 to 149.
    const counts = [100 * 300 + 50, ...Array.from({ length: 99 }, () => [100, 200]).flat(), 100, 300 * 451 - 199 * 300 - 150];
    const detections = [box(1, 0.9, [100, 50, 200, 150], { mask: { size: [300, 451], counts } })];
    const act = async (page) => {
      await ready(page);
      await choose(page, [photo]);
      await page.waitForSelector(".sample canvas.mask");
      await page.click(".open");
      await page.waitForSelector("#stage canvas.mask");
      for (const where of [".sample canvas.mask", "#stage canvas.mask"]) {
        assert.deepEqual(await pixel(page, where, 150 / 451, 100 / 300), [86, 180, 233, 255], where);
        for (const [x, y] of [[95, 100], [205, 100], [150, 45], [150, 155]]) assert.equal((await pixel(page, where, x / 451, y / 300))[3], 0, `${where} ${x} ${y}`);
      }
      await page.locator(".slider input").fill("0.2");
      assert.equal(await page.$eval("#stage canvas.mask", (canvas) => canvas.style.opacity), "0.2");
      await glance(page, "masks-viewer");
    };
    await browse(address, act, (page) => answers(page, { detections }));
  },

  async segments([photo]) {
    await browse(address, async (page) => {
      await ready(page);
      const mask = await painted(page, [[0, 0, 0, 451, 300], [3, 100, 100, 200, 100], [250, 300, 0, 100, 50]]);
      // A list of those that are there: the colours go by the indexes.
      const classes = [["background", 0, 110300], ["cat", 3, 20000], ["sofa", 250, 5000]].map(([label, index, pixels]) => ({ class: label, index, pixels }));
      await answers(page, { segmentation: { width: 451, height: 300, classes, mask } });
      await choose(page, [photo]);
      await page.waitForSelector(".sample canvas");
      const [{ lines: said }] = await cards(page);
      assert.deepEqual(said, [["cat", "14.8 %"], ["sofa", "3.7 %"], ["background", "81.5 %"]]);
      const at = (where, x, y) => pixel(page, where, x / 451, y / 300);
      assert.equal((await at(".sample canvas", 10, 290))[3], 0);
      assert.deepEqual(await at(".sample canvas", 200, 150), [240, 228, 66, 255]);
      // 250 is the twentieth of the 21 colours.
      const sofa = await at(".sample canvas", 350, 25);
      assert.deepEqual(sofa, [124, 55, 0, 255]);
      await glance(page, "segmentation");
      await page.click(".open");
      await page.waitForSelector("#stage canvas");
      await point(page, 200, 150);
      assert.deepEqual(await lit(page), ["3"]);
      assert.equal((await at("#stage canvas", 350, 25))[3], 70, "the others are dimmed");
      await point(page, 10, 290);
      await page.locator(".choice", { hasText: "cat" }).click();
      assert.equal((await at("#stage canvas", 200, 150))[3], 0);
      await glance(page, "segmentation-viewer");
    });
  },

  async mattes([photo]) {
    await browse(address, async (page) => {
      await ready(page);
      await answers(page, { matte: await painted(page, [[0, 0, 0, 451, 300], [255, 100, 100, 200, 100], [128, 300, 0, 100, 50]]) });
      await choose(page, [photo]);
      await page.waitForSelector(".sample canvas");
      const at = (x, y) => pixel(page, "#stage canvas", x / 451, y / 300);
      await page.click(".open");
      await page.waitForSelector("#stage canvas");
      assert.equal((await at(200, 150))[3], 0);
      assert.equal((await at(350, 25))[3], 127);
      assert.equal((await at(10, 290))[3], 255);
      await page.getByText("The matte itself").click();
      assert.deepEqual(await at(350, 25), [128, 128, 128, 255]);
      await glance(page, "matte-viewer");
    });
  },

  async reads([photo]) {
    const value = "Größe <b>42</b> “quoted”";
    const act = async (page) => {
      await ready(page);
      await choose(page, [photo]);
      const [{ text }] = await cards(page);
      assert.ok(text.includes(value) && text.includes("97.1 %"), text);
      assert.equal(await page.locator("#said").innerText(), `cat.jpg: ${value}`);
      await glance(page, "text");
    };
    await browse(address, act, (page) => answers(page, { text: { value, score: 0.9712 } }));
  },

  async embeds(photos) {
    const vectors = [[1, 0, 0], [0.9, 0.1, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0]];
    const act = async (page) => {
      await ready(page);
      await choose(page, photos);
      await page.waitForFunction(() => document.querySelectorAll(".sample .neighbours").length === 5);
      const near = (where) => page.$$eval(`${where} .neighbours li`, (rows) => rows.map((row) => [row.querySelector(".clip").textContent, row.querySelector(".num").textContent]));
      assert.deepEqual((await near(".sample:first-child"))[0], ["coffee.jpg", "0.994"]);
      await glance(page, "embeddings");
      await page.click(".open >> nth=0");
      const all = await near("#viewer-result");
      assert.deepEqual(all.map(([name]) => name), ["coffee.jpg", "flower.jpg", "motorcycle.jpg", "rocket.jpg"]);
      assert.deepEqual(all.at(-1), ["rocket.jpg", "-1.000"]);
      await glance(page, "embeddings-viewer");
      await page.click("#viewer-result .neighbour >> nth=0");
      assert.equal(await page.locator("#viewer-name").innerText(), "coffee.jpg");
    };
    const answer = (page) =>
      page.route("**/predict", (route) => {
        const names = [...route.request().postDataBuffer().toString("latin1").matchAll(/filename="([^"]*)"/g)].map(([, name]) => name);
        const predictions = names.map((name) => {
          const values = vectors[["cat", "coffee", "flower", "motorcycle", "rocket"].indexOf(name.split(".")[0])];
          return { embedding: { values, norm: 1 } };
        });
        return route.fulfill({ json: { predictions } });
      });
    await browse(address, act, answer);
  },
});
