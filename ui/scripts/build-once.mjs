// Builds the page once for all tests that look at it.
import { buildPage, removePage } from "./built-page.mjs";
import { hasBrowser } from "./states.mjs";

export default async function ({ provide }) {
  if (!hasBrowser) return;
  const folder = await buildPage();
  provide("page", folder);
  return () => removePage(folder);
}
