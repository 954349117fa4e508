// The page as it ships, with the fake host in it: built, and served with the content policy of the window.
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { build } from "vite";

const root = join(import.meta.dirname, "..");
const types = {
  ".css": "text/css",
  ".html": "text/html",
  ".jpg": "image/jpeg",
  ".js": "text/javascript",
  ".woff2": "font/woff2",
};

/** The policy of the window's page; the fake host needs no other. */
function policy() {
  const config = readFileSync(join(root, "../src-tauri/tauri.conf.json"), "utf8");
  const directives = Object.entries(JSON.parse(config).app.security.csp);
  return directives.map(([name, value]) => `${name} ${value}`).join("; ");
}

/** Builds the page into a new folder for temporary files. */
export async function buildPage() {
  const outDir = await mkdtemp(join(tmpdir(), "boxwright-page-"));
  await build({ root, mode: "fake", logLevel: "error", build: { outDir, emptyOutDir: false } });
  return outDir;
}

/** Serves a built page; its address, and what ends it. */
export async function servePage(folder) {
  const headers = { "content-security-policy": policy() };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://page");
    const path = normalize(pathname === "/" ? "/index.html" : pathname);
    // A browser asks for an icon; the window has its own.
    const body =
      path === "/favicon.ico" ? "" : await readFile(join(folder, path)).catch(() => null);
    const type = types[extname(path)] ?? "application/octet-stream";
    response.writeHead(body === null ? 404 : 200, { ...headers, "content-type": type });
    response.end(body);
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const end = () => {
    server.closeAllConnections();
    return new Promise((closed) => server.close(closed));
  };
  return { address: `http://127.0.0.1:${server.address().port}/`, end };
}

export const removePage = (folder) => rm(folder, { recursive: true, force: true });
