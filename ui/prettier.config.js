export default {
  printWidth: 100,
  // Svelte drops the white space at both ends of an element, and most elements here are laid out by
  // flex or grid, where there is none between them either. Where it matters, a line says
  // `prettier-ignore`.
  htmlWhitespaceSensitivity: "ignore",
  plugins: ["prettier-plugin-svelte"],
  overrides: [{ files: "*.svelte", options: { parser: "svelte" } }],
};
