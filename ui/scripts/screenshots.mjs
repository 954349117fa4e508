// Takes screenshots of the states of the page, in both themes and three sizes:
// `npm run screenshots -- FOLDER [state…]`.
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPage, removePage } from "./built-page.mjs";
import { launch } from "./states.mjs";

const [folder = join(tmpdir(), "boxwright-screenshots"), ...only] = process.argv.slice(2);
const sizes = { small: [1024, 700], medium: [1440, 900], large: [1600, 1000] };
const page = await buildPage();
const { names, newPage, open, end } = await launch(page);
const wanted = names.filter((name) => only.length === 0 || only.includes(name));
await mkdir(folder, { recursive: true });
for (const name of wanted) {
  const tab = await newPage();
  for (const theme of ["light", "dark"]) {
    for (const [size, [width, height]] of Object.entries(sizes)) {
      await tab.setViewportSize({ width, height });
      await open(tab, name, theme);
      await tab.screenshot({ path: join(folder, `${name}-${theme}-${size}.png`) });
    }
  }
  await tab.close();
}
await end();
await removePage(page);
console.log(`${wanted.length} states in ${folder}`);
