/** @file A chart as lines of text: each character is a grid of 2×4 Braille dots. */

import { axesOf, type Chart, shortNumber } from "./curves.ts";

const BRAILLE = 0x2800;
/** Bit of the dot in column x, row y of a Braille character (Unicode chart U+2800). */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

const last = <T>(xs: readonly T[]): T => xs[xs.length - 1]!;

/**
 * Title with the newest values, the curves over all steps, those to come among them, and the steps at both ends.
 * @param width characters per line
 * @param height lines of the drawing itself
 */
export function terminalChart(chart: Chart, width: number, height: number): string[] {
  const { steps, values, isLog, ...place } = axesOf(chart);
  const axis = [shortNumber(values[1]), shortNumber(values[0])];
  const margin = Math.max(...axis.map((a) => a.length)) + 1;
  const columns = Math.max(8, width - margin);
  const cells = Array.from({ length: height }, () => new Uint8Array(columns));
  const across = (step: number) => Math.round(place.across(step) * (columns * 2 - 1));
  const down = (value: number) => Math.round((1 - place.up(value)) * (height * 4 - 1));
  const dot = (x: number, y: number) => {
    cells[y >> 2]![x >> 1]! |= DOTS[x & 1]![y & 3]!;
  };
  for (const { points } of chart.curves) {
    let before: readonly [number, number] | undefined;
    for (const { step, value } of points) {
      const [x, y] = [across(step), down(value)];
      const [fromX, fromY] = before ?? [x, y];
      const length = Math.max(1, Math.abs(x - fromX), Math.abs(y - fromY));
      for (let i = 0; i <= length; i++)
        dot(Math.round(fromX + ((x - fromX) * i) / length), Math.round(fromY + ((y - fromY) * i) / length));
      before = [x, y];
    }
  }
  const newest = chart.curves.map(({ label, points }) => `${label} ${shortNumber(last(points).value)}`).join(" · ");
  const drawing = cells.map((line, i) => {
    const label = i === 0 ? axis[0]! : i === height - 1 ? axis[1]! : "";
    return `${label.padStart(margin - 1)} ${[...line].map((bits) => String.fromCharCode(BRAILLE + bits)).join("")}`;
  });
  const [first, end] = steps.map((s) => `${s}`) as [string, string];
  const ends = `${" ".repeat(margin)}${first}${end.padStart(Math.max(1, columns - first.length))}`;
  return [`${chart.title}${isLog ? " (log)" : ""}: ${newest}`, ...drawing, ends];
}
