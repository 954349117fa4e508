import { describe, expect, test } from "vitest";
import { virtualGrid, cellPosition, scrollOffset, nextIndex } from "./virtualGrid";

const base = {
  width: 740,
  height: 600,
  top: 0,
  count: 10_000,
  minimum: 190,
  gap: 12,
  card: 240,
  overscan: 2,
};

describe("the grid", () => {
  test("the number of cards that exist does not grow with the pictures", () => {
    const most = Math.max(
      ...[0, 100, 5000, 123_456, 800_000]
        .map((top) => virtualGrid({ ...base, top }))
        .map((view) => view.end - view.first),
    );
    expect(most).toBeLessThanOrEqual(3 * (Math.ceil(600 / 252) + 1 + 2 * 2));
    expect(virtualGrid({ ...base, count: 500 }).end).toBe(virtualGrid(base).end);
  });

  test("columns fill the width exactly", () => {
    const view = virtualGrid(base);
    expect(view.columns).toBe(3);
    expect(view.width * 3 + 24).toBeCloseTo(740);
    expect(view.total).toBe(Math.ceil(10_000 / 3) * 252 - 12);
  });

  test("what is in sight exists, wherever it is scrolled", () => {
    for (let top = 0; top < 840_000; top += 9_973) {
      const view = virtualGrid({ ...base, top });
      const firstSeen = Math.floor(top / 252) * 3;
      const lastSeen = Math.min(9_999, Math.floor((top + 600) / 252) * 3 + 2);
      expect(view.first).toBeLessThanOrEqual(firstSeen);
      expect(view.end).toBeGreaterThan(lastSeen);
    }
  });

  test("an empty list and a window without a size yet are no trouble", () => {
    expect(virtualGrid({ ...base, count: 0 })).toMatchObject({ first: 0, end: 0, total: 0 });
    expect(virtualGrid({ ...base, width: 0, height: 0 }).columns).toBe(1);
  });

  test("scrolled past the end after pictures were removed, nothing is out of bounds", () => {
    const view = virtualGrid({ ...base, top: 500_000, count: 10 });
    expect(view.first).toBeLessThanOrEqual(view.end);
    expect(view.end).toBeLessThanOrEqual(10);
  });

  test("cards stand in rows", () => {
    expect(cellPosition(4, 3, 200, 240, 12)).toEqual({ x: 212, y: 252 });
  });
});

describe("the keyboard in the grid", () => {
  test("arrows move within the list and stop at its ends", () => {
    expect(nextIndex("ArrowRight", 9, 3, 2, 10)).toBe(9);
    expect(nextIndex("ArrowLeft", 0, 3, 2, 10)).toBe(0);
    expect(nextIndex("ArrowDown", 1, 3, 2, 10)).toBe(4);
    expect(nextIndex("ArrowDown", 8, 3, 2, 10)).toBe(9);
    expect(nextIndex("ArrowDown", 9, 3, 2, 10)).toBe(9);
    expect(nextIndex("ArrowUp", 4, 3, 2, 10)).toBe(1);
    expect(nextIndex("ArrowUp", 2, 3, 2, 10)).toBe(2);
    expect(nextIndex("PageDown", 0, 3, 2, 100)).toBe(6);
    expect(nextIndex("End", 0, 3, 2, 10)).toBe(9);
    expect(nextIndex("Home", 9, 3, 2, 10)).toBe(0);
    expect(nextIndex("x", 0, 3, 2, 10)).toBeNull();
    expect(nextIndex("ArrowDown", 0, 3, 2, 0)).toBeNull();
  });

  test("what is moved to comes into sight, what is in sight stays", () => {
    expect(scrollOffset(0, 3, 240, 12, 900, 600)).toBe(0);
    expect(scrollOffset(1, 3, 240, 12, 0, 600)).toBe(0);
    expect(scrollOffset(30, 3, 240, 12, 0, 600)).toBe(10 * 252 + 252 - 600);
  });
});
