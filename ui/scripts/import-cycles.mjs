// Fails where files of the page import each other in a circle; an import of types counts too.
import { readdirSync, readFileSync, existsSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ts from "typescript";

const source = join(import.meta.dirname, "../src");

/** The text of a file that TypeScript can read: of a component its scripts. */
function script(path) {
  const text = readFileSync(path, "utf8");
  if (!path.endsWith(".svelte")) return text;
  return [...text.matchAll(/<script\b[^>]*>([\s\S]*?)<\/script>/g)]
    .map((part) => part[1])
    .join("\n");
}

/** The files of the page that a file imports. */
function imports(path) {
  const names = ts.preProcessFile(script(path)).importedFiles.map((one) => one.fileName);
  return names
    .filter((name) => name.startsWith("."))
    .map((name) => resolve(dirname(path), name))
    .map((base) => [base + ".ts", join(base, "index.ts"), base].find((name) => existsSync(name)))
    .filter((name) => name !== undefined && graph.has(name));
}

/** The first circle that is found below `path`, which `above` leads to. */
function circle(path, above) {
  const start = above.indexOf(path);
  if (start >= 0) return [...above.slice(start), path];
  if (done.has(path)) return null;
  for (const next of graph.get(path)) {
    const found = circle(next, [...above, path]);
    if (found) return found;
  }
  done.add(path);
  return null;
}

const done = new Set();
const files = readdirSync(source, { recursive: true })
  .filter((name) => /\.(ts|svelte)$/.test(name))
  .map((name) => join(source, name));
const graph = new Map(files.map((path) => [path, []]));
for (const path of files) graph.set(path, imports(path));
const found = files.map((path) => circle(path, [])).find((one) => one !== null);
if (found) {
  console.error(`Circular import: ${found.map((path) => relative(source, path)).join(" → ")}`);
  process.exit(1);
}
