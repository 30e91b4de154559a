/** @file Makes a clean drawing look photographed: light, blur, perspective, JPEG and noise. */

import type { Canvas, CanvasLibrary } from "./canvas.ts";
import { VIEW } from "./marks.ts";
import type { Random } from "./random.ts";

type Point = [x: number, y: number];

/** How the picture is bent: maps a drawn point to where it is seen, both in view pixels. */
export interface Perspective {
  forward(point: Point): Point;
  /** Where to sample for a seen point. */
  backward(point: Point): Point;
}

/** A perspective whose corners move inwards by at most `strength` of the side, or undefined for none. */
export function pickPerspective(random: Random, strength = 0.05): Perspective | undefined {
  if (!random.chance(0.35)) return undefined;
  const reach = VIEW * strength;
  const inwards = () => random.between(0, reach);
  const corners: [Point, Point, Point, Point] = [
    [inwards(), inwards()],
    [VIEW - inwards(), inwards()],
    [VIEW - inwards(), VIEW - inwards()],
    [inwards(), VIEW - inwards()],
  ];
  const forward = squareToQuad(corners);
  return {
    forward: (point) => project(forward, point),
    backward: (
      (inverse) => (point: Point) =>
        project(inverse, point)
    )(adjugate(forward)),
  };
}

type Matrix = [number, number, number, number, number, number, number, number, number];

/** The homography that takes the view's corners to the given corners (Heckbert 1989, "Fundamentals of Texture Mapping", section 2.2.3). */
function squareToQuad([[x0, y0], [x1, y1], [x2, y2], [x3, y3]]: [Point, Point, Point, Point]): Matrix {
  const [dx1, dx2, dx3] = [x1 - x2, x3 - x2, x0 - x1 + x2 - x3];
  const [dy1, dy2, dy3] = [y1 - y2, y3 - y2, y0 - y1 + y2 - y3];
  const det = dx1 * dy2 - dx2 * dy1;
  const g = (dx3 * dy2 - dx2 * dy3) / det;
  const h = (dx1 * dy3 - dx3 * dy1) / det;
  const s = 1 / VIEW;
  return [
    (x1 - x0 + g * x1) * s,
    (x3 - x0 + h * x3) * s,
    x0,
    (y1 - y0 + g * y1) * s,
    (y3 - y0 + h * y3) * s,
    y0,
    g * s,
    h * s,
    1,
  ];
}

function adjugate([a, b, c, d, e, f, g, h, i]: Matrix): Matrix {
  return [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ];
}

function project(m: Matrix, [x, y]: Point): Point {
  const w = m[6] * x + m[7] * y + m[8];
  return [(m[0] * x + m[1] * y + m[2]) / w, (m[3] * x + m[4] * y + m[5]) / w];
}

/** Uneven light, drawn over the picture. */
export function drawLight(canvas: Canvas, random: Random): void {
  if (!random.chance(0.5)) return;
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  const angle = random.between(0, 2 * Math.PI);
  const [x, y] = [(Math.cos(angle) * width) / 2, (Math.sin(angle) * height) / 2];
  const gradient = context.createLinearGradient(width / 2 - x, height / 2 - y, width / 2 + x, height / 2 + y);
  gradient.addColorStop(0, `rgba(0,0,0,${random.between(0, 0.35).toFixed(3)})`);
  gradient.addColorStop(0.6, "rgba(128,128,128,0)");
  gradient.addColorStop(
    1,
    `rgba(255,${random.integer(235, 255)},${random.integer(200, 255)},${random.between(0, 0.25).toFixed(3)})`,
  );
  context.fillStyle = gradient;
  context.fillRect(0, 0, width, height);
}

/** Blurs a little by drawing smaller and back. */
export function blur(canvas: Canvas, random: Random, library: CanvasLibrary): void {
  if (!random.chance(0.3)) return;
  const scale = random.between(0.68, 0.95);
  const small = library.createCanvas(Math.round(canvas.width * scale), Math.round(canvas.height * scale));
  small.getContext("2d").drawImage(canvas, 0, 0, small.width, small.height);
  const context = canvas.getContext("2d");
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

/** Saves as JPEG of random quality and reads it back. */
export async function compress(rgb: Uint8Array, width: number, height: number, random: Random): Promise<Uint8Array> {
  if (!random.chance(0.35)) return rgb;
  const quality = random.integer(35, 90);
  const { default: sharp } = await import("sharp");
  const file = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
  return new Uint8Array(await sharp(file).raw().toBuffer());
}

/** Gaussian values, drawn once: a picture reads them from a random start. */
const NOISE_SIZE = 1 << 16;
let noiseTable: Int8Array | undefined;

function noise(): Int8Array {
  if (!noiseTable) {
    noiseTable = new Int8Array(NOISE_SIZE);
    let state = 12345;
    const uniform = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    for (let i = 0; i < NOISE_SIZE; i++)
      noiseTable[i] = Math.max(-127, Math.min(127, (uniform() + uniform() + uniform() + uniform() - 2) * 1.73 * 32));
  }
  return noiseTable;
}

/** Bends, brightens and adds noise, from RGBA to RGB. */
export function develop(
  rgba: Uint8ClampedArray,
  width: number,
  height: number,
  random: Random,
  perspective?: Perspective,
): Uint8Array {
  const source = perspective ? bend(rgba, width, height, perspective) : rgba;
  const out = new Uint8ClampedArray(width * height * 3);
  const gain = random.chance(0.5) ? random.between(0.82, 1.12) : 1;
  const lift = random.chance(0.4) ? random.between(-16, 16) : 0;
  const strength = random.chance(0.6) ? random.between(0.05, 0.45) : 0;
  const table = noise();
  let at = random.integer(0, NOISE_SIZE - 1);
  const step = random.pick([7919, 104729 % NOISE_SIZE, 31]);
  for (let i = 0, o = 0; i < source.length; i += 4) {
    for (let c = 0; c < 3; c++) {
      at = (at + step) & (NOISE_SIZE - 1);
      out[o++] = (source[i + c]! - 128) * gain + 128 + lift + table[at]! * strength;
    }
  }
  return new Uint8Array(out.buffer);
}

/** Samples the picture through the perspective, bilinearly; beyond the edge the edge goes on. */
function bend(rgba: Uint8ClampedArray, width: number, height: number, perspective: Perspective): Uint8ClampedArray {
  const out = new Uint8ClampedArray(rgba.length);
  const [sx, sy] = [VIEW / width, VIEW / height];
  for (let y = 0, o = 0; y < height; y++) {
    for (let x = 0; x < width; x++, o += 4) {
      const [vx, vy] = perspective.backward([(x + 0.5) * sx, (y + 0.5) * sy]);
      const fx = Math.min(width - 1.001, Math.max(0, vx / sx - 0.5));
      const fy = Math.min(height - 1.001, Math.max(0, vy / sy - 0.5));
      const [ix, iy] = [fx | 0, fy | 0];
      const [ax, ay] = [fx - ix, fy - iy];
      const p = (iy * width + ix) * 4;
      const q = p + width * 4;
      for (let c = 0; c < 3; c++) {
        const top = rgba[p + c]! * (1 - ax) + rgba[p + 4 + c]! * ax;
        const bottom = rgba[q + c]! * (1 - ax) + rgba[q + 4 + c]! * ax;
        out[o + c] = top * (1 - ay) + bottom * ay;
      }
    }
  }
  return out;
}
