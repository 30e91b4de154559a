// A half patch is labelled by what covers it, wherever the picture was bent to.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Context } from "./canvas.ts";
import { createMarks } from "./marks.ts";

const plain = { getTransform: () => ({ a: 1, b: 0, c: 0, d: 1, e: 0, f: 0 }) } as Context;
/** The labels of half patches alone, in rows of 32. */
const halves = (labels: Uint8Array) => labels.filter((_, index) => index % 3 < 2);
const covered = (low: number, high: number, from: number, to: number) => low <= from && high >= to;

test("a half patch inside a box has its label, one that the box does not touch has none", () => {
  const size = fc.integer({ min: 2, max: 250 });
  fc.assert(
    fc.property(size, size, size, size, fc.integer({ min: -30, max: 30 }), (x, y, width, height, shift) => {
      const marks = createMarks(1, 1);
      marks.box(plain, 7, x - shift, y, width, height);
      const labels = halves(marks.labels(([px, py]) => [px + shift, py]));
      labels.forEach((label, index) => {
        const [top, left] = [Math.floor(index / 32) * 16, (index % 32) * 8];
        if (covered(x, x + width, left, left + 8) && covered(y, y + height, top, top + 16)) expect(label).toBe(7);
        else if (x >= left + 8 || x + width <= left || y >= top + 16 || y + height <= top) expect(label).toBe(0);
      });
    }),
  );
});

test("what was drawn later hides what was drawn earlier", () => {
  const marks = createMarks(1, 1);
  marks.box(plain, 3, 0, 0, 256, 256);
  marks.box(plain, 0, 0, 0, 128, 256);
  marks.box(plain, 5, 0, 0, 8, 16);
  const labels = halves(marks.labels());
  expect([labels[0], labels[1], labels[16]]).toEqual([5, 0, 3]);
});

test("a sliver labels nothing", () => {
  const marks = createMarks(1, 1);
  marks.box(plain, 3, 0, 0, 256, 4);
  expect(marks.labels().every((label) => label === 0)).toBe(true);
});

test("canvas pixels are brought to view pixels", () => {
  const marks = createMarks(4, 2);
  marks.box(plain, 9, 0, 0, 4 * 8, 2 * 16);
  expect([...halves(marks.labels())].map((label, index) => (label ? index : -1)).filter((index) => index >= 0)).toEqual(
    [0],
  );
});

test("a patch belongs to the place that covers half of it, whatever is drawn there", () => {
  const marks = createMarks(1, 1);
  marks.place(plain, 6, 0, 0, 24, 256);
  marks.place(plain, 7, 24, 0, 100, 256);
  marks.box(plain, 3, 0, 0, 256, 256);
  const labels = marks.labels();
  const places = [0, 1, 2, 7, 8].map((column) => labels[column * 3 + 2]);
  expect(places).toEqual([6, 6, 7, 7, 0]);
  expect(halves(labels).every((label) => label === 3)).toBe(true);
});
