// Takes screenshots of the states of the page, in both themes and three sizes:
// `npm run screenshots -- FOLDER [state…]`.
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "./states.mjs";

const [folder = join(tmpdir(), "boxwright-screenshots"), ...only] = process.argv.slice(2);
const sizes = { small: [1024, 700], medium: [1440, 900], large: [1600, 1000] };
const { names, newPage, open, end } = await launch();
const wanted = names.filter((name) => only.length === 0 || only.includes(name));
await mkdir(folder, { recursive: true });
for (const name of wanted) {
  const page = await newPage();
  for (const theme of ["light", "dark"]) {
    for (const [size, [width, height]] of Object.entries(sizes)) {
      await page.setViewportSize({ width, height });
      await open(page, name, theme);
      await page.screenshot({ path: join(folder, `${name}-${theme}-${size}.png`) });
    }
  }
  await page.close();
}
await end();
console.log(`${wanted.length} states in ${folder}`);
