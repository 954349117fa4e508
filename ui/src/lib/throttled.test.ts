import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Throttled } from "./throttled.svelte";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("the first change is taken at once, and the last of many after a pause", () => {
  const calm = new Throttled(0);
  calm.follow(1);
  expect(calm.value).toBe(1);
  for (const next of [2, 3, 4]) calm.follow(next);
  expect(calm.value).toBe(1);
  vi.advanceTimersByTime(150);
  expect(calm.value).toBe(4);
  vi.advanceTimersByTime(1000);
  calm.follow(5);
  expect(calm.value).toBe(5);
});
