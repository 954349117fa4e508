import { describe, expect, test } from "vitest";
import {
  bytes,
  bytesOf,
  count,
  shortDigest,
  duration,
  milliseconds,
  percent,
  plural,
  byteRate,
  score,
  compact,
  relativeDate,
} from "./format";

describe("numbers in words", () => {
  test.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [9_305_126, "9.3 MB"],
    [99_960_000, "100 MB"],
    [999_600_000, "1.0 GB"],
    [2_000_000_000, "2.0 GB"],
  ])("%d bytes are %s", (n, text) => expect(bytes(n)).toBe(text));

  test("progress names a shared unit once", () => {
    expect(bytesOf(5_800_000, 9_305_126)).toBe("5.8 of 9.3 MB");
    expect(bytesOf(800_000, 9_305_126)).toBe("800 kB of 9.3 MB");
  });

  test("counts, shares and rates", () => {
    expect(count(10_000)).toBe("10,000");
    expect(plural(1, "picture")).toBe("1 picture");
    expect(plural(0, "picture")).toBe("0 pictures");
    expect(plural(2, "guess", "guesses")).toBe("2 guesses");
    expect(percent(0.391141)).toBe("39.1 %");
    expect(score(0.5, true)).toBe("50.0 %");
    expect(score(12.3456, false)).toBe("12.35");
    expect(score(0.391, true, 3)).toBe("39.1 %");
    expect(score(0.39114, true, 5)).toBe("39.114 %");
    expect(score(0.4, true, 1)).toBe("40 %");
    expect(score(12.3, false, 1)).toBe("12.3");
    expect(score(0.5, true, null)).toBe("50.0 %");
    expect(byteRate(41_200_000)).toBe("41.2 MB/s");
    expect(compact(4_652_008)).toBe("4.7 M");
  });

  test("times", () => {
    expect(milliseconds(0.5)).toBe("0.50");
    expect(milliseconds(6.13)).toBe("6.1");
    expect(milliseconds(104.7)).toBe("105");
    expect(duration(39.4)).toBe("39 ms");
    expect(duration(2810)).toBe("2.8 s");
    expect(duration(119_700)).toBe("2 min 0 s");
  });

  test("a digest keeps its algorithm and both ends", () => {
    expect(shortDigest(`sha256:8f21a0${"0".repeat(54)}c04e`)).toBe("sha256:8f21a0…c04e");
    expect(shortDigest("sha256:short")).toBe("sha256:short");
  });

  test("a date of today has a time, an older one a day, a broken one is shown as it is", () => {
    const now = new Date("2026-11-21T12:00:00");
    expect(relativeDate("2026-11-21T09:05:00", now)).toBe("today 09:05");
    expect(relativeDate("2026-10-02T09:05:00", now)).toBe("2 Oct 2026");
    expect(relativeDate("yesterday", now)).toBe("yesterday");
  });
});
