import { describe, expect, test } from "vitest";
import { emptySelection, extendTo, retain, selectAll, toggle } from "./selection";

describe("selection", () => {
  const order = [5, 3, 9, 1];

  test("toggles, extends from the anchor in the order shown, and takes all", () => {
    const one = toggle(emptySelection, 3);
    expect([...extendTo(one, order, 1).ids]).toEqual([3, 9, 1]);
    expect([...extendTo(one, order, 5).ids]).toEqual([5, 3]);
    expect(toggle(one, 3).ids.size).toBe(0);
    expect(selectAll(order, one).ids.size).toBe(4);
  });

  test("forgets what is gone, and is the same where nothing is", () => {
    const two = toggle(toggle(emptySelection, 3), 9);
    expect(retain(two, order)).toBe(two);
    expect([...retain(two, [3]).ids]).toEqual([3]);
    expect(retain(two, [3]).active).toBeNull();
  });
});
