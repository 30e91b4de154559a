/** @file Draws the fifty pictures of examples/lamps: signal towers of machines, photographed in a workshop that does not exist. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { Random } from "../src/common/index.ts";

const FOLDER = join(import.meta.dirname, "../examples/lamps");
const SIZE = 160;
const random = new Random(50);
const between = (low: number, high: number): number => low + (high - low) * random.uniform();
const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
const grey = (level: number): string => `rgb(${[0, 1, 2].map(() => Math.round(level + between(-8, 8))).join(",")})`;

/** From top to bottom: red stands for a fault, amber for waiting, green for running. */
const LAMPS = [
  { state: "fault", lit: "#ff3b2f", dark: "#4d1512" },
  { state: "waiting", lit: "#ffc02e", dark: "#54400f" },
  { state: "running", lit: "#3dff6e", dark: "#10481f" },
] as const;
const STATES = [...LAMPS.map(({ state }) => state), "off"];

/** A tower of three lamps on a cabinet, one of them lit or none, seen a little askew. */
function draw(state: string): string {
  const [width, height] = [between(24, 40), between(22, 32)];
  const [x, y] = [between(40, SIZE - 40 - width), between(12, 30)];
  const wall = grey(between(60, 190));
  const lamps = LAMPS.map(({ state: own, lit, dark }, i) => {
    const top = y + i * (height + 2);
    const on = own === state;
    const glow = on
      ? `<ellipse cx="${x + width / 2}" cy="${top + height / 2}" rx="${width * 1.1}" ry="${height}" fill="${lit}" opacity="${between(0.2, 0.4)}" filter="url(#blur)"/>`
      : "";
    return `${glow}<rect x="${x}" y="${top}" width="${width}" height="${height}" rx="4" fill="${on ? lit : dark}"/>
      <rect x="${x + 3}" y="${top + 3}" width="${width * 0.2}" height="${height - 6}" rx="3" fill="white" opacity="${on ? 0.5 : 0.15}"/>`;
  }).join("");
  const bottom = y + 3 * (height + 2);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}">
    <defs><filter id="blur"><feGaussianBlur stdDeviation="6"/></filter>
    <linearGradient id="wall" x2="${between(0, 1)}" y2="1"><stop stop-color="${wall}"/><stop offset="1" stop-color="${grey(between(30, 140))}"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#wall)"/>
    <g transform="rotate(${between(-9, 9)} ${SIZE / 2} ${SIZE / 2})">
      <rect x="${x - between(10, 30)}" y="${bottom + 10}" width="${width + between(30, 60)}" height="${SIZE}" fill="${pick(["#5a6b7a", "#7c8a5c", "#8a8f96", "#3f4a56"])}"/>
      <rect x="${x + width / 2 - 3}" y="${bottom}" width="6" height="12" fill="#222"/>
      <rect x="${x - 3}" y="${y - 6}" width="${width + 6}" height="6" rx="2" fill="#1c1c1c"/>${lamps}
    </g></svg>`;
}

await mkdir(FOLDER, { recursive: true });
const rows = ["file_name,label"];
for (let i = 0; i < 50; i++) {
  const state = STATES[i % STATES.length]!;
  const name = `tower-${String(i + 1).padStart(2, "0")}.jpg`;
  const noise = { type: "gaussian" as const, mean: 128, sigma: between(4, 14) };
  const grain = await sharp({ create: { width: SIZE, height: SIZE, channels: 3, background: "grey", noise } })
    .png()
    .toBuffer();
  await sharp(Buffer.from(draw(state)))
    .composite([{ input: grain, blend: "soft-light" }])
    .blur(between(0.3, 0.9))
    .jpeg({ quality: 80 })
    .toFile(join(FOLDER, name));
  rows.push(`${name},${state}`);
}
await writeFile(join(FOLDER, "labels.csv"), `${rows.join("\n")}\n`);
