/** Conventions that hold for every file of the page. */
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const files = readdirSync(root, { recursive: true, withFileTypes: true })
  .filter(
    (entry) =>
      entry.isFile() && /\.(svelte|ts|css)$/.test(entry.name) && !/\.test\.ts$/.test(entry.name),
  )
  .map((entry) => join(entry.parentPath, entry.name))
  .map((path) => ({ name: relative(root, path), text: readFileSync(path, "utf8") }));

describe("the page", () => {
  test("is read whole", () => expect(files.length).toBeGreaterThan(50));

  test("shows strings from outside as text only", () => {
    const html =
      /\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|new Function|(?<!\.)\beval\(/;
    expect(files.filter((file) => html.test(file.text)).map((file) => file.name)).toEqual([]);
  });

  test("knows the shell in src/host alone", () => {
    const shell = /@tauri-apps|__TAURI/;
    expect(
      files
        .filter((file) => shell.test(file.text) && !file.name.startsWith("host/"))
        .map((file) => file.name),
    ).toEqual([]);
  });

  test("has its colours in the tokens", () => {
    const style = (text: string, name: string) =>
      name.endsWith(".css") ? text : (text.match(/<style>[\s\S]*<\/style>/)?.[0] ?? "");
    const colour = /#[0-9a-f]{3,8}\b|\b(?:rgb|hsl|oklch)a?\(/i;
    expect(
      files
        .filter(
          (file) => file.name !== "styles/tokens.css" && colour.test(style(file.text, file.name)),
        )
        .map((file) => file.name),
    ).toEqual([]);
  });

  test("uses no token that there isn't", () => {
    const there = new Set(
      [
        ...(files
          .find((file) => file.name === "styles/tokens.css")
          ?.text.matchAll(/^\s*(--[\w-]+):/gm) ?? []),
      ].map((match) => match[1]),
    );
    const used = files.flatMap((file) => {
      const own = new Set([...file.text.matchAll(/(--[\w-]+):/g)].map((match) => match[1]));
      return [...file.text.matchAll(/var\((--[\w-]+)(,)?/g)]
        .filter((match) => !match[2] && !there.has(match[1]) && !own.has(match[1]))
        .map((match) => `${file.name}: ${match[1]}`);
    });
    expect(used).toEqual([]);
  });

  test("has no inline style attribute, which its policy would not allow", () => {
    expect(
      files.filter((file) => /<[a-z][^>]*\sstyle="/i.test(file.text)).map((file) => file.name),
    ).toEqual([]);
  });

  test("is made of files of one idea each", () => {
    expect(
      files
        .filter((file) => !file.name.startsWith("generated/") && file.text.split("\n").length > 500)
        .map((file) => file.name),
    ).toEqual([]);
  });
});
