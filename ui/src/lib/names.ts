/** Names and references, as they are cut and broken. */

/** Characters at the end that stay where a name is cut. */
const kept = 11;

/** How many characters of the end of `name` always stay in sight; none of a short name. */
export function ending(name: string): number {
  if (name.length <= kept * 2) return 0;
  const at = name.length - kept;
  // Not between the halves of one character.
  return /[\uDC00-\uDFFF]/.test(name.charAt(at)) ? kept + 1 : kept;
}

/** The pieces between which a reference may go on in the next line. */
export function pieces(text: string): string[] {
  return text.split(/(?<=[/@])/);
}
