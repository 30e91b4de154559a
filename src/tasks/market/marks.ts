/** @file Remembers where every character and icon was drawn, and turns that into labels per half patch. */

import type { Context } from "./canvas.ts";
import type { Outline } from "./outline.ts";

/** Patches per side of the model's view: 256 pixels in patches of 16. */
export const VIEW = 256;
export const PATCHES = 16;
/** A character on a full board is about half a patch wide, so each patch has two labels. */
export const HALVES = 2;
/** Votes are counted on a grid of this pitch in view pixels. */
const PITCH = 2;
const GRID = VIEW / PITCH;
/** A half patch (8 x 16 pixels, 32 votes) is labelled by what covers at least this many votes. */
const LEAST_VOTES = 10;

type Point = [x: number, y: number];

/** Collects marks in drawing order: later marks lie above earlier ones. */
export interface Marks {
  /** A rectangle in the context's present coordinates now shows this class (0 hides what lies below). */
  box(context: Context, label: number, x: number, y: number, width: number, height: number): void;
  /** The same for the ellipse inside the rectangle. */
  ellipse(context: Context, label: number, x: number, y: number, width: number, height: number): void;
  /** Labels `[16, 16, 2]` (row, column, left or right half), after the whole picture was mapped by `warp` (view pixels). */
  labels(warp?: (point: Point) => Point): Uint8Array;
  /** The corners of what was marked with a label above 0, in view pixels, for looking at. */
  outlines(warp?: (point: Point) => Point): Outline[];
}

/**
 * An empty collection.
 * @param scaleX canvas pixels per view pixel
 * @param scaleY canvas pixels per view pixel
 */
export function createMarks(scaleX: number, scaleY: number): Marks {
  const marks: Outline[] = [];
  const add = (context: Context, label: number, points: Point[]) => {
    const { a, b, c, d, e, f } = context.getTransform();
    marks.push({ label, points: points.map(([x, y]) => [(a * x + c * y + e) / scaleX, (b * x + d * y + f) / scaleY]) });
  };
  const warped = (warp: (point: Point) => Point) =>
    marks.map(({ label, points }) => ({ label, points: points.map(warp) }));
  return {
    box: (context, label, x, y, width, height) =>
      add(context, label, [
        [x, y],
        [x + width, y],
        [x + width, y + height],
        [x, y + height],
      ]),
    ellipse: (context, label, x, y, width, height) =>
      add(
        context,
        label,
        Array.from({ length: 12 }, (_, i): Point => {
          const angle = (i / 12) * 2 * Math.PI;
          return [x + (width / 2) * (1 + Math.cos(angle)), y + (height / 2) * (1 + Math.sin(angle))];
        }),
      ),
    labels: (warp = (point) => point) => vote(warped(warp)),
    outlines: (warp = (point) => point) => warped(warp).filter(({ label }) => label > 0),
  };
}

function vote(marks: Outline[]): Uint8Array {
  const grid = new Uint8Array(GRID * GRID);
  for (const { label, points } of marks) paint(grid, label, points);
  const labels = new Uint8Array(PATCHES * PATCHES * HALVES);
  const [height, width] = [GRID / PATCHES, GRID / PATCHES / HALVES];
  const votes = new Uint8Array(256);
  for (let index = 0; index < labels.length; index++) {
    const top = Math.floor(index / (PATCHES * HALVES)) * height;
    const left = (index % (PATCHES * HALVES)) * width;
    votes.fill(0);
    let best = 0;
    for (let y = top; y < top + height; y++) {
      for (let x = left; x < left + width; x++) {
        const label = grid[y * GRID + x]!;
        if (label === 0) continue;
        votes[label]!++;
        if (best === 0 || votes[label]! > votes[best]!) best = label;
      }
    }
    labels[index] = best > 0 && votes[best]! >= LEAST_VOTES ? best : 0;
  }
  return labels;
}

/** Fills a convex polygon, row by row. */
function paint(grid: Uint8Array, label: number, points: Point[]): void {
  const ys = points.map((point) => point[1] / PITCH);
  const first = Math.max(0, Math.ceil(Math.min(...ys) - 0.5));
  const last = Math.min(GRID - 1, Math.floor(Math.max(...ys) - 0.5));
  for (let row = first; row <= last; row++) {
    const y = row + 0.5;
    let left = Number.POSITIVE_INFINITY;
    let right = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < points.length; i++) {
      const j = (i + 1) % points.length;
      const [y0, y1] = [ys[i]!, ys[j]!];
      if (y0 > y === y1 > y) continue;
      const x = points[i]![0] / PITCH + ((y - y0) / (y1 - y0)) * ((points[j]![0] - points[i]![0]) / PITCH);
      left = Math.min(left, x);
      right = Math.max(right, x);
    }
    const start = Math.max(0, Math.ceil(left - 0.5));
    const end = Math.min(GRID - 1, Math.floor(right - 0.5));
    if (start <= end) grid.fill(label, row * GRID + start, row * GRID + end + 1);
  }
}
