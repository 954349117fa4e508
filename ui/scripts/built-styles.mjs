// Fails where the build has left out styles: every scoped class of the scripts has to be in a stylesheet.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const folder = join(import.meta.dirname, "../dist/assets");
const classes = (extension) => {
  const files = readdirSync(folder).filter((name) => name.endsWith(extension));
  const text = files.map((name) => readFileSync(join(folder, name), "utf8")).join("\n");
  // Svelte's scopes; `svelte-trusted-html` is the name of its policy.
  return new Set(
    (text.match(/\bsvelte-[a-z0-9]{5,7}\b/g) ?? []).filter((name) => name !== "svelte-trusted"),
  );
};
const styled = classes(".css");
const missing = [...classes(".js")].filter((name) => !styled.has(name));
if (styled.size === 0 || missing.length > 0) {
  console.error(
    `no stylesheet has ${missing.join(", ") || "any scoped class"}: a component's styles were left out`,
  );
  process.exit(1);
}
