/** The samples that are most like another, by the cosine of the angle between their vectors. */

export interface Neighbour {
  id: number;
  /** −1 to 1. */
  similarity: number;
}

/** Numbers that are compared at most: a tenth of a second on a slow machine. */
export const mostNumbers = 20_000_000;

export function cosine(one: readonly number[], other: readonly number[]): number | null {
  if (one.length !== other.length) return null;
  let [product, left, right] = [0, 0, 0];
  for (let i = 0; i < one.length; i += 1) {
    const [a, b] = [one[i] ?? 0, other[i] ?? 0];
    product += a * b;
    left += a * a;
    right += b * b;
  }
  const similarity = product / Math.sqrt(left * right);
  return Number.isFinite(similarity) ? Math.max(-1, Math.min(1, similarity)) : null;
}

/**
 * The `most` vectors that are most like `to`, best first, and how many were compared: vectors of
 * another length and those without a direction are none of them.
 */
export function nearest(
  to: readonly number[],
  others: Iterable<{ id: number; values: readonly number[] }>,
  most: number,
  bound = mostNumbers,
): { neighbours: Neighbour[]; compared: number; complete: boolean } {
  const neighbours: Neighbour[] = [];
  let numbers = 0;
  let compared = 0;
  for (const { id, values } of others) {
    if (numbers + to.length > bound) return { neighbours, compared, complete: false };
    numbers += to.length;
    const similarity = cosine(to, values);
    if (similarity === null) continue;
    compared += 1;
    const place = neighbours.findIndex((one) => one.similarity < similarity);
    neighbours.splice(place < 0 ? neighbours.length : place, 0, { id, similarity });
    if (neighbours.length > most) neighbours.pop();
  }
  return { neighbours, compared, complete: true };
}
