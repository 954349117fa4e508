/** The outputs that a classification shows beside its own. */
import type { Head } from "../../generated/contract";

/** The heads with that of an output changed, or without it; in the order of the model's outputs. */
export function withHead(
  heads: readonly Head[],
  output: string,
  head: Head | null,
  order: readonly string[],
): Head[] {
  const others = heads.filter((one) => one.output !== output);
  const all = head ? [...others, head] : others;
  const place = (one: Head) => {
    const at = order.indexOf(one.output);
    return at < 0 ? order.length : at;
  };
  return all.sort((a, b) => place(a) - place(b));
}
