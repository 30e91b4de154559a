/** @file Draws an icon as another artist might have: other colours, flat instead of shaded, with or without an outline. */

import type { Canvas, CanvasLibrary } from "./canvas.ts";
import type { Random } from "./random.ts";

/** Changes the canvas in place. */
export function restyle(library: CanvasLibrary, canvas: Canvas, random: Random): void {
  recolour(canvas, random);
  if (random.chance(0.3)) outline(library, canvas, random);
}

/** Shifts hue, contrast and brightness a little: kinds such as the two apples differ by colour, so not far. */
function recolour(canvas: Canvas, random: Random): void {
  const context = canvas.getContext("2d");
  const image = context.getImageData(0, 0, canvas.width, canvas.height);
  const angle = random.between(-0.18, 0.18);
  const saturation = random.between(0.65, 1.35);
  const gain = random.between(0.8, 1.2);
  const lift = random.between(-20, 20);
  // A few levels per channel make shaded drawings flat.
  const step = random.chance(0.3) ? random.pick([48, 64]) : 1;
  // Hue rotation and saturation as one matrix around the grey axis (the feColorMatrix formulae of SVG 1.1, section 15.10).
  const cos = Math.cos(angle) * saturation;
  const sin = Math.sin(angle) * saturation;
  const [r, g, b] = [0.213, 0.715, 0.072];
  const m = [
    r + cos * (1 - r) - sin * r,
    g - cos * g - sin * g,
    b - cos * b + sin * (1 - b),
    r - cos * r + sin * 0.143,
    g + cos * (1 - g) + sin * 0.14,
    b - cos * b - sin * 0.283,
    r - cos * r - sin * (1 - r),
    g - cos * g + sin * g,
    b + cos * (1 - b) + sin * b,
  ];
  const data = image.data;
  for (let i = 0; i < data.length; i += 4) {
    const [x, y, z] = [data[i]!, data[i + 1]!, data[i + 2]!];
    for (let c = 0; c < 3; c++) {
      const value = (m[3 * c]! * x + m[3 * c + 1]! * y + m[3 * c + 2]! * z - 128) * gain + 128 + lift;
      data[i + c] = Math.round(value / step) * step;
    }
  }
  context.putImageData(image, 0, 0);
}

/** Puts a dark or light rim behind the drawing. */
function outline(library: CanvasLibrary, canvas: Canvas, random: Random): void {
  const { width, height } = canvas;
  const rim = library.createCanvas(width, height);
  const context = rim.getContext("2d");
  const reach = width * random.between(0.012, 0.03);
  // Slightly smaller, so that the rim of a drawing that fills its square is not cut off.
  const inset = reach + 1;
  const draw = (dx: number, dy: number) =>
    context.drawImage(canvas, inset + dx, inset + dy, width - 2 * inset, height - 2 * inset);
  for (let i = 0; i < 12; i++) draw(Math.cos((i * Math.PI) / 6) * reach, Math.sin((i * Math.PI) / 6) * reach);
  context.globalCompositeOperation = "source-in";
  context.fillStyle = random.chance(0.75) ? "#1a1410" : "#fffdf5";
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "source-over";
  draw(0, 0);
  const target = canvas.getContext("2d");
  target.clearRect(0, 0, width, height);
  target.drawImage(rim, 0, 0);
}
