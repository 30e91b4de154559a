/** @file Remembers where every character, icon and place was drawn, and turns that into labels per patch. */

import type { Context } from "./canvas.ts";
import type { Outline } from "./outline.ts";

/** Patches per side of the model's view: 256 pixels in patches of 16. */
export const VIEW = 256;
export const PATCHES = 16;
/** A character on a full board is about half a patch wide, so each patch has two labels for what it shows. */
export const HALVES = 2;
/** Labels of a patch: its left half, its right half, and the place of the board that the whole patch belongs to. */
export const LABELS_PER_PATCH = HALVES + 1;
/** Votes are counted on a grid of this pitch in view pixels. */
const PITCH = 2;
const GRID = VIEW / PITCH;
/** A half patch (8 x 16 pixels, 32 votes) is labelled by what covers at least this many votes. */
const LEAST_VOTES = 10;
/** A patch (64 votes) belongs to the place that covers half of it. */
const LEAST_PLACE_VOTES = 32;

type Point = [x: number, y: number];

/** Collects marks in drawing order: later marks lie above earlier ones. */
export interface Marks {
  /** A rectangle in the context's present coordinates now shows this class (0 hides what lies below). */
  box(context: Context, label: number, x: number, y: number, width: number, height: number): void;
  /** The same for the ellipse inside the rectangle. */
  ellipse(context: Context, label: number, x: number, y: number, width: number, height: number): void;
  /** The rectangle is a place of the board, with the label of its row and column. Places lie beside whatever they show. */
  place(context: Context, label: number, x: number, y: number, width: number, height: number): void;
  /** Labels `[16, 16, 3]` (row, column; left half, right half, place), after the whole picture was mapped by `warp` (view pixels). */
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
  const places: Outline[] = [];
  const add = (list: Outline[], context: Context, label: number, points: Point[]) => {
    const { a, b, c, d, e, f } = context.getTransform();
    list.push({ label, points: points.map(([x, y]) => [(a * x + c * y + e) / scaleX, (b * x + d * y + f) / scaleY]) });
  };
  const warped = (list: Outline[], warp: (point: Point) => Point) =>
    list.map(({ label, points }) => ({ label, points: points.map(warp) }));
  const corners = (x: number, y: number, width: number, height: number): Point[] => [
    [x, y],
    [x + width, y],
    [x + width, y + height],
    [x, y + height],
  ];
  return {
    box: (context, label, x, y, width, height) => add(marks, context, label, corners(x, y, width, height)),
    place: (context, label, x, y, width, height) => add(places, context, label, corners(x, y, width, height)),
    ellipse: (context, label, x, y, width, height) =>
      add(
        marks,
        context,
        label,
        Array.from({ length: 12 }, (_, i): Point => {
          const angle = (i / 12) * 2 * Math.PI;
          return [x + (width / 2) * (1 + Math.cos(angle)), y + (height / 2) * (1 + Math.sin(angle))];
        }),
      ),
    labels: (warp = (point) => point) => {
      const labels = new Uint8Array(PATCHES * PATCHES * LABELS_PER_PATCH);
      vote(warped(marks, warp), HALVES, LEAST_VOTES).forEach((label, i) => {
        labels[Math.floor(i / HALVES) * LABELS_PER_PATCH + (i % HALVES)] = label;
      });
      vote(warped(places, warp), 1, LEAST_PLACE_VOTES).forEach((label, i) => {
        labels[i * LABELS_PER_PATCH + HALVES] = label;
      });
      return labels;
    },
    outlines: (warp = (point) => point) => warped(marks, warp).filter(({ label }) => label > 0),
  };
}

/** The label that covers most of each of the `parts` (side by side) of each patch, or 0 where it covers less than `least` votes. */
function vote(marks: Outline[], parts: number, least: number): Uint8Array {
  const grid = new Uint8Array(GRID * GRID);
  for (const { label, points } of marks) paint(grid, label, points);
  const labels = new Uint8Array(PATCHES * PATCHES * parts);
  const [height, width] = [GRID / PATCHES, GRID / PATCHES / parts];
  const votes = new Uint8Array(256);
  for (let index = 0; index < labels.length; index++) {
    const top = Math.floor(index / (PATCHES * parts)) * height;
    const left = (index % (PATCHES * parts)) * width;
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
    labels[index] = best > 0 && votes[best]! >= least ? best : 0;
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
