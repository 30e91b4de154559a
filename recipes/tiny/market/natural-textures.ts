/** @file Textures with the statistics of photographs, for pictures of no particular thing. */

import type { Context } from "./canvas.ts";
import { VIEW } from "./marks.ts";
import type { Random } from "./random.ts";

const FROM = -40;
const SIZE = VIEW + 80;

/**
 * Blurred patches of many sizes laid over each other, weaker the smaller they are: the 1/f spectrum of natural images
 * (Field 1987, "Relations between the statistics of natural images and the response properties of cortical cells").
 * @param strength opacity of the coarsest patches
 */
export function drawClouds(context: Context, random: Random, strength: number): void {
  const hue = random.between(0, 360);
  for (let radius = 110; radius > 5; radius /= 2) {
    const count = Math.min(60, Math.round((SIZE / radius) ** 2 / 2));
    for (let i = 0; i < count; i++) {
      const [x, y] = [random.between(FROM, FROM + SIZE), random.between(FROM, FROM + SIZE)];
      const colour = `${(hue + random.between(-50, 50)).toFixed(0)},${random.integer(5, 50)}%,${random.integer(10, 90)}%`;
      const gradient = context.createRadialGradient(x, y, 0, x, y, radius);
      gradient.addColorStop(0, `hsla(${colour},${strength.toFixed(3)})`);
      gradient.addColorStop(1, `hsla(${colour},0)`);
      context.fillStyle = gradient;
      context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    }
  }
}

/**
 * Opaque shapes of all sizes that hide each other, as objects do (the dead leaves model: Lee, Mumford and Huang 2001,
 * "Occlusion models for natural images").
 */
export function drawLeaves(context: Context, random: Random): void {
  const hue = random.between(0, 360);
  const spread = random.pick([20, 60, 180]);
  const round = random.between(0, 1);
  for (let i = 0; i < 260; i++) {
    // Few large shapes and many small ones: radius ~ 1/u, cut off.
    const radius = Math.min(120, 5 / random.between(0.04, 1));
    const [x, y] = [random.between(FROM, FROM + SIZE), random.between(FROM, FROM + SIZE)];
    const colour = `hsl(${(hue + random.between(-spread, spread)).toFixed(0)},${random.integer(5, 65)}%`;
    const light = random.integer(12, 85);
    const gradient = context.createLinearGradient(x, y - radius, x + radius / 2, y + radius);
    gradient.addColorStop(0, `${colour},${light}%)`);
    gradient.addColorStop(1, `${colour},${Math.max(0, light - random.integer(0, 30))}%)`);
    context.fillStyle = gradient;
    context.beginPath();
    if (random.chance(round))
      context.ellipse(x, y, radius, radius * random.between(0.3, 1), random.between(0, 3.1), 0, 2 * Math.PI);
    else
      for (let corner = 0; corner < 4; corner++)
        context.lineTo(x + random.between(-radius, radius), y + random.between(-radius, radius));
    context.fill();
  }
}
