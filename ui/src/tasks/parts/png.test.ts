import { deflateSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeGrey } from "./png";

function chunk(name: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, Buffer.from(name), body, Buffer.alloc(4)]);
}

/** A PNG of rows that each begin with their filter. */
function png(width: number, rows: number[][], depth: 8 | 16 = 8, colour = 0): string {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(rows.length, 4);
  header.set([depth, colour, 0, 0, 0], 8);
  const data = deflateSync(Buffer.from(rows.flat()));
  const half = data.length >> 1;
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("IDAT", data.subarray(0, half)),
    chunk("IDAT", data.subarray(half)),
    chunk("IEND", Buffer.alloc(0)),
  ]).toString("base64");
}

describe("a mask", () => {
  test("is read exactly, whatever the filters of its rows", async () => {
    const rows = [
      [0, 10, 20, 30],
      [1, 5, 250, 3],
      [2, 1, 2, 3],
      [3, 4, 5, 6],
      [4, 7, 8, 9],
    ];
    const { width, height, values } = await decodeGrey(png(3, rows));
    expect([width, height]).toEqual([3, 5]);
    // Computed by the rules of the specification, modulo 256.
    expect([...values]).toEqual([10, 20, 30, 5, 255, 2, 6, 1, 5, 7, 9, 13, 14, 22, 31]);
  });

  test("has classes above 255 in two bytes", async () => {
    const rows = [
      [0, 1, 44, 0, 7],
      [2, 0, 1, 0, 0],
    ];
    expect([...(await decodeGrey(png(2, rows, 16))).values]).toEqual([300, 7, 301, 7]);
  });

  test("is brought to a smaller size without mixing classes", async () => {
    const rows = Array.from({ length: 8 }, (_, y) => [
      0,
      ...Array.from({ length: 8 }, (_, x) => (x < 4 ? 2 : 9) + (y < 4 ? 0 : 100)),
    ]);
    const { width, height, values } = await decodeGrey(png(8, rows), 2);
    expect([width, height, ...values]).toEqual([2, 2, 2, 9, 102, 109]);
  });

  test("that is cut off, or no grey PNG, is an error", async () => {
    const one = [0, 1, 2];
    await expect(decodeGrey(png(2, [one], 8, 2))).rejects.toThrow("no grey PNG");
    await expect(decodeGrey(btoa("GIF89a"))).rejects.toThrow("no PNG");
    const header = png(2, [one, one]);
    await expect(decodeGrey(header.slice(0, 60))).rejects.toThrow();
  });
});
