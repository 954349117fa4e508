/** Truncation of names, and line breaks in image references. */

/** Characters at the end of a truncated name that stay visible. */
const tail = 11;

/** How many characters at the end of `name` are never truncated; 0 for a short name. */
export function tailLength(name: string): number {
  if (name.length <= tail * 2) return 0;
  const at = name.length - tail;
  // Not between the two halves of a surrogate pair.
  return /[\uDC00-\uDFFF]/.test(name.charAt(at)) ? tail + 1 : tail;
}

/** The segments of a reference; it may wrap between them. */
export function wrapSegments(text: string): string[] {
  return text.split(/(?<=[/@])/);
}
