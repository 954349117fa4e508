import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  clearScreen: false,
  // The samples' photos stand in for thumbnails where the page runs in a plain browser.
  server: { port: 1420, strictPort: true, fs: { allow: [".."] } },
  build: {
    target: ["safari17.5", "chrome123"],
    // The page's policy allows no `data:` address.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
  },
  test: {
    projects: [
      { extends: true, test: { name: "code", include: ["src/**/*.test.ts"] } },
      {
        extends: true,
        test: {
          name: "page",
          include: ["scripts/**/*.test.mjs"],
          globalSetup: "scripts/build-once.mjs",
        },
      },
    ],
    // A page in a browser keeps a core busy by itself.
    maxConcurrency: 2,
  },
});
