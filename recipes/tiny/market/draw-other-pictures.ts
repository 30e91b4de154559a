/** @file Draws pictures that are not price boards: plain shapes and digits, other things, landscapes and textures. */

import type { OtherPicture, PlainPicture } from "./board.ts";
import type { Context } from "./canvas.ts";
import { css, drawBackground, type Hsl } from "./draw-background.ts";
import { drawGoods } from "./draw-goods.ts";
import { textWidth, writeText } from "./lettering.ts";
import { type Marks, VIEW } from "./marks.ts";
import { drawClouds, drawLeaves } from "./natural-textures.ts";
import { patchClassOf } from "./patch-classes.ts";
import type { Random } from "./random.ts";
import type { Split } from "./splits.ts";
import { pickFace, type Studio } from "./studio.ts";
import { type ColourId, colours, type ShapeId } from "./things.ts";

const hexOf = (id: ColourId) => colours.find((colour) => colour.id === id)!.hex;

/** Draws shapes and perhaps a number on a plain background, without overlap. */
export function drawPlainPicture(
  context: Context,
  marks: Marks,
  random: Random,
  studio: Studio,
  picture: PlainPicture,
  split: Split,
): void {
  context.fillStyle = hexOf(picture.background);
  context.fillRect(-40, -40, VIEW + 80, VIEW + 80);
  const items = random.sample([
    ...picture.shapes.map((shape) => ({ shape })),
    ...(picture.number ? [{ number: picture.number }] : []),
  ]);
  const columns = items.length <= 1 ? 1 : items.length <= 4 ? 2 : 3;
  const rows = Math.ceil(items.length / columns);
  const [width, height] = [VIEW / columns, VIEW / rows];
  for (const [i, item] of items.entries()) {
    const [x, y] = [((i % columns) + 0.5) * width, (Math.floor(i / columns) + 0.5) * height];
    const room = Math.min(width, height);
    if ("number" in item) {
      const face = pickFace(studio, random, split);
      context.fillStyle = hexOf(item.number.colour);
      const size = Math.min(110, room * 0.8, (width * 0.9) / textWidth(context, face, item.number.digits));
      writeText(context, marks, face, item.number.digits, x, y, Math.min(size, random.between(50, 110)), 1);
    } else {
      const size = room * random.between(0.4, 0.85);
      const slack = (room - size) / 2;
      context.save();
      context.translate(x + random.between(-slack, slack), y + random.between(-slack, slack));
      context.fillStyle = hexOf(item.shape.colour);
      drawShape(context, item.shape.shape, size / 2);
      marks.ellipse(context, patchClassOf(`shape:${item.shape.shape}`), -size / 2, -size / 2, size, size);
      context.restore();
    }
  }
}

function drawShape(context: Context, shape: ShapeId, r: number): void {
  context.beginPath();
  switch (shape) {
    case "circle":
      context.arc(0, 0, r, 0, 2 * Math.PI);
      break;
    case "square":
      context.rect(-r * 0.88, -r * 0.88, r * 1.76, r * 1.76);
      break;
    case "triangle":
      context.moveTo(0, -r);
      context.lineTo(r, r * 0.85);
      context.lineTo(-r, r * 0.85);
      break;
    case "star":
      for (let i = 0; i < 10; i++) {
        const angle = (i * Math.PI) / 5 - Math.PI / 2;
        const reach = i % 2 ? r * 0.42 : r;
        context.lineTo(Math.cos(angle) * reach, Math.sin(angle) * reach);
      }
      break;
    case "heart":
      context.moveTo(0, r * 0.9);
      context.bezierCurveTo(-r * 1.5, -r * 0.2, -r * 0.7, -r * 1.2, 0, -r * 0.4);
      context.bezierCurveTo(r * 0.7, -r * 1.2, r * 1.5, -r * 0.2, 0, r * 0.9);
      break;
    case "cross":
      context.rect(-r * 0.3, -r, r * 0.6, 2 * r);
      context.rect(-r, -r * 0.3, 2 * r, r * 0.6);
      break;
  }
  context.closePath();
  context.fill();
}

/** Draws another thing on some background, or a landscape or texture with nothing in it. */
export function drawOtherPicture(
  context: Context,
  marks: Marks,
  random: Random,
  studio: Studio,
  picture: OtherPicture,
  split: Split,
  stretch: number,
): void {
  drawBackground(context, random);
  const ground = random.weighted([
    ["plain", picture.thing === null ? 0.3 : 4],
    ["scenery", 2],
    ["clouds", 1.5],
    ["leaves", picture.thing === null ? 2.5 : 0.5],
  ] as const);
  if (ground === "scenery") drawScenery(context, random);
  else if (ground === "clouds") drawClouds(context, random, random.between(0.3, 0.9));
  else if (ground === "leaves") drawLeaves(context, random);
  if (picture.thing === null) return;
  const drawing = random.pick(studio.art.drawings(`thing:${picture.thing}`, split));
  const label = patchClassOf(`thing:${picture.thing}`);
  const width = VIEW / picture.count;
  for (let i = 0; i < picture.count; i++) {
    const size = Math.min(width * random.between(0.7, 0.95), VIEW * random.between(0.35, 0.9));
    const area = {
      x: i * width + random.between(0, width - size),
      y: random.between(0, VIEW - size),
      width: size,
      height: size,
    };
    drawGoods(context, marks, random, drawing, label, area, stretch);
  }
}

function drawScenery(context: Context, random: Random): void {
  const sky: Hsl = random.pick([
    [205, 60, 75],
    [20, 70, 70],
    [230, 40, 25],
    [0, 0, 80],
  ] as Hsl[]);
  const gradient = context.createLinearGradient(0, 0, 0, VIEW);
  gradient.addColorStop(0, css(sky));
  gradient.addColorStop(1, css([sky[0] + 20, sky[1] * 0.6, sky[2] + 15]));
  context.fillStyle = gradient;
  context.fillRect(-40, -40, VIEW + 80, VIEW + 80);
  for (let layer = 0; layer < random.integer(1, 4); layer++) {
    context.fillStyle = css([random.between(60, 220), random.between(15, 55), random.between(20, 65)]);
    context.beginPath();
    context.moveTo(-40, VIEW + 40);
    const base = 90 + layer * 45;
    const [wave, phase, height] = [random.between(20, 70), random.between(0, 6), random.between(5, 35)];
    for (let x = -40; x <= VIEW + 40; x += 8)
      context.lineTo(x, base + Math.sin(x / wave + phase) * height + random.between(-2, 2));
    context.lineTo(VIEW + 40, VIEW + 40);
    context.fill();
  }
}
