/** @file Draws one kind of goods into a rectangle: a single large one, a few, or a heap, with shadows. */

import type { Drawing } from "./art.ts";
import type { Context } from "./canvas.ts";
import type { Marks } from "./marks.ts";
import type { Random } from "./random.ts";

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The part of an icon's square that its drawing usually covers. */
const COVERED = 0.86;

/**
 * Draws the goods and marks them with `label`.
 * @param stretch horizontal scale, when the picture will have been squashed
 */
export function drawGoods(
  context: Context,
  marks: Marks,
  random: Random,
  drawing: Drawing,
  label: number,
  area: Rectangle,
  stretch: number,
): void {
  const heap = random.weighted([
    [1, 6],
    [2, 1.5],
    [3, 1.5],
    [5, 1],
  ] as const);
  const room = Math.min(area.width / stretch, area.height);
  const size =
    room * (heap === 1 ? random.between(0.78, 1) : heap === 2 ? random.between(0.62, 0.75) : random.between(0.5, 0.62));
  const canvas = drawing.colouring(random.integer(0, drawing.colourings - 1));
  const flip = random.chance(0.5);
  const shadow = random.chance(0.4);
  const spreadX = Math.max(0, area.width - size * stretch) / 2;
  const spreadY = Math.max(0, area.height - size) / 2;
  const turn = random.chance(0.5) ? 0.12 : 0.6;
  for (let i = 0; i < heap; i++) {
    const angle = heap === 1 ? 0 : (i / heap) * 2 * Math.PI + random.between(-0.4, 0.4);
    const reach = heap === 1 ? random.between(0, 0.4) : random.between(0.6, 0.95);
    const x = area.x + area.width / 2 + Math.cos(angle) * spreadX * reach;
    const y = area.y + area.height / 2 + Math.sin(angle) * spreadY * reach;
    context.save();
    context.translate(x, y);
    context.scale(stretch, 1);
    if (shadow) {
      context.fillStyle = "rgba(0,0,0,0.22)";
      context.beginPath();
      context.ellipse(size * 0.05, size * 0.42, size * 0.4, size * 0.12, 0, 0, 2 * Math.PI);
      context.fill();
    }
    context.rotate(random.between(-turn, turn));
    context.transform(1, random.between(-0.08, 0.08), random.between(-0.1, 0.1), 1, 0, 0);
    if (flip) context.scale(-1, 1);
    context.drawImage(canvas, -size / 2, -size / 2, size, size);
    const covered = size * COVERED;
    marks.ellipse(context, label, -covered / 2, -covered / 2, covered, covered);
    context.restore();
  }
}
