import { describe, expect, test } from "vitest";
import { cosine, nearest } from "./cosine";

describe("neighbours", () => {
  const others = [
    { id: 1, values: [0, 1] },
    { id: 2, values: [5, 0.1] },
    { id: 3, values: [-1, 0] },
    { id: 4, values: [1, 1] },
    { id: 5, values: [1, 2, 3] },
    { id: 6, values: [0, 0] },
  ];

  test("are those of the smallest angle, whatever the vectors' lengths", () => {
    const { neighbours, compared, complete } = nearest([1, 0], others, 3);
    expect(neighbours.map((one) => one.id)).toEqual([2, 4, 1]);
    expect(neighbours[1]?.similarity).toBeCloseTo(Math.SQRT1_2, 12);
    expect({ compared, complete }).toEqual({ compared: 4, complete: true });
  });

  test("need vectors of the same length that have a direction", () => {
    expect(cosine([1, 0], [1, 0, 0])).toBeNull();
    expect(cosine([1, 0], [0, 0])).toBeNull();
    expect(cosine([1, 0], [NaN, 1])).toBeNull();
    expect(cosine([3, 4], [3, 4])).toBe(1);
  });

  test("are looked for among so many numbers only, and it is said", () => {
    expect(nearest([1, 0], others, 3, 5)).toMatchObject({ compared: 2, complete: false });
  });
});
