/** @file Draws what lies behind the goods: plain, shaded, planks, stripes, specks, blurred blobs or clouds. */

import type { Context } from "./canvas.ts";
import { VIEW } from "./marks.ts";
import { drawClouds } from "./natural-textures.ts";
import type { Random } from "./random.ts";

/** A colour as hue (degrees), saturation and lightness (percent). */
export type Hsl = [hue: number, saturation: number, lightness: number];
export const css = ([hue, saturation, lightness]: Hsl, alpha = 1) =>
  `hsla(${hue.toFixed(0)},${saturation.toFixed(0)}%,${Math.min(100, Math.max(0, lightness)).toFixed(0)}%,${alpha})`;

/** A random background colour: light, middle or dark, mostly of low saturation. */
export function pickBackground(random: Random): Hsl {
  const lightness = random.weighted([
    [random.between(82, 98), 5],
    [random.between(40, 75), 3],
    [random.between(10, 30), 2],
  ]);
  return [random.between(0, 360), random.chance(0.65) ? random.between(0, 28) : random.between(28, 65), lightness];
}

/** Fills the whole view (and a margin, for rotation) and returns the main colour. */
export function drawBackground(context: Context, random: Random, base: Hsl = pickBackground(random)): Hsl {
  const [hue, saturation, lightness] = base;
  const shade = (delta: number): Hsl => [hue, saturation, lightness + delta];
  const style = random.weighted([
    ["plain", 3],
    ["shaded", 3],
    ["planks", 2],
    ["stripes", 1],
    ["specks", 2],
    ["blobs", 2],
    ["clouds", 2],
  ] as const);
  const [from, size] = [-40, VIEW + 80];
  context.fillStyle = css(base);
  context.fillRect(from, from, size, size);
  if (style === "shaded") {
    const angle = random.between(0, 2 * Math.PI);
    const [x, y] = [Math.cos(angle) * 150, Math.sin(angle) * 150];
    const gradient = context.createLinearGradient(128 - x, 128 - y, 128 + x, 128 + y);
    gradient.addColorStop(0, css(shade(random.between(-18, 0))));
    gradient.addColorStop(1, css([hue + random.between(-40, 40), saturation, lightness + random.between(0, 14)]));
    context.fillStyle = gradient;
    context.fillRect(from, from, size, size);
  } else if (style === "planks" || style === "stripes") {
    const step = style === "planks" ? random.between(18, 60) : random.between(6, 26);
    const upright = random.chance(0.5);
    const depth = style === "planks" ? 4 : random.between(3, 9);
    for (let at = from, i = 0; at < from + size; at += step, i++) {
      context.fillStyle = css(
        style === "planks" ? shade(random.between(-depth, depth)) : shade(i % 2 ? depth : -depth),
      );
      if (upright) context.fillRect(at, from, step - (style === "planks" ? 1 : 0), size);
      else context.fillRect(from, at, size, step - (style === "planks" ? 1 : 0));
    }
  } else if (style === "specks") {
    for (let i = 0; i < 160; i++) {
      context.fillStyle = css(shade(random.between(-14, 14)), 0.6);
      context.fillRect(
        random.between(from, from + size),
        random.between(from, from + size),
        random.between(1, 4),
        random.between(1, 4),
      );
    }
  } else if (style === "clouds") {
    drawClouds(context, random, random.between(0.05, 0.3));
  } else if (style === "blobs") {
    for (let i = 0; i < 7; i++) {
      const [x, y, radius] = [random.between(0, VIEW), random.between(0, VIEW), random.between(20, 90)];
      const gradient = context.createRadialGradient(x, y, 0, x, y, radius);
      const blob: Hsl = [random.between(0, 360), random.between(10, 50), lightness + random.between(-16, 16)];
      gradient.addColorStop(0, css(blob, 0.6));
      gradient.addColorStop(1, css(blob, 0));
      context.fillStyle = gradient;
      context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    }
  }
  return base;
}
