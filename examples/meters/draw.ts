/** @file Draws meters with four seven-segment digits and the table of what they read: `npx tsx examples/meters/draw.ts [FOLDER] [COUNT] [SEED]`. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";

const [folder = "meters", count = "4000", seed = "1"] = process.argv.slice(2);
const DIGITS = 4;

/** Mulberry32: the same seed draws the same pictures. */
let state = Number(seed);
function uniform(): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), state | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const between = (low: number, high: number): number => low + (high - low) * uniform();
const pick = <T>(items: readonly T[]): T => items[Math.floor(uniform() * items.length)]!;

/** The lit segments of each digit: a on top, then clockwise, g in the middle. */
const SEGMENTS = ["abcdef", "bc", "abdeg", "abcdg", "bcfg", "acdfg", "acdefg", "abc", "abcdefg", "abcdfg"];
/** The ends of each segment in a digit that is 1 wide and 2 high. */
const ENDS: Readonly<Record<string, readonly [number, number, number, number]>> = {
  a: [0, 0, 1, 0],
  b: [1, 0, 1, 1],
  c: [1, 1, 1, 2],
  d: [0, 2, 1, 2],
  e: [0, 1, 0, 2],
  f: [0, 0, 0, 1],
  g: [0, 1, 1, 1],
};

/** Displays: what glows on a dark ground, and what stands dark on a grey or green one. */
const STYLES = [
  { lit: "#ff3a2a", ground: "#1b0606" },
  { lit: "#3dff74", ground: "#04160a" },
  { lit: "#5ab8ff", ground: "#050f1c" },
  { lit: "#ffc53a", ground: "#1a1204" },
  { lit: "#f2f5ff", ground: "#101216" },
  { lit: "#16190f", ground: "#aeb89a" },
  { lit: "#101418", ground: "#c3cbd0" },
  { lit: "#1a2410", ground: "#9fc07a" },
];

/** A segment as a hexagon, `thick` across, a little shorter than the way between its ends. */
function segment([x1, y1, x2, y2]: readonly [number, number, number, number], scale: number, thick: number): string {
  const [half, gap] = [thick / 2, thick * 0.14];
  const [ax, ay, bx, by] = [x1 * scale, y1 * scale, x2 * scale, y2 * scale];
  const points =
    y1 === y2
      ? [
          ax + gap,
          ay,
          ax + half,
          ay - half,
          bx - half,
          by - half,
          bx - gap,
          by,
          bx - half,
          by + half,
          ax + half,
          ay + half,
        ]
      : [
          ax,
          ay + gap,
          ax + half,
          ay + half,
          bx + half,
          by - half,
          bx,
          by - gap,
          bx - half,
          by - half,
          ax - half,
          ay + half,
        ];
  return `<polygon points="${points.map((p) => p.toFixed(1)).join(" ")}"/>`;
}

/** A meter of `width` × `height` pixels that shows `reading`. */
function draw(reading: string, width: number, height: number): string {
  const { lit, ground } = pick(STYLES);
  const scale = between(0.075, 0.105) * width;
  const thick = scale * between(0.2, 0.34);
  const step = scale * between(1.5, 1.75);
  const unlit = between(0, 0.12);
  const [w, h] = [step * (DIGITS - 1) + scale, 2 * scale];
  const [pad, slant] = [scale * between(0.5, 0.8), between(0, 12)];
  const [x, y] = [between(pad + 8, width - w - pad - 8), between(pad + 8, height - h - pad - 8)];
  const digits = Array.from(reading, (digit, i) => {
    const parts = Object.entries(ENDS).map(([name, ends]) => {
      const on = SEGMENTS[Number(digit)]!.includes(name);
      return `<g opacity="${on ? 1 : unlit}">${segment(ends, scale, thick)}</g>`;
    });
    return `<g transform="translate(${x + i * step} ${y}) skewX(${-slant}) translate(${(scale * Math.tan((slant * Math.PI) / 180)).toFixed(1)} 0)">${parts.join("")}</g>`;
  });
  const body = pick(["#d8d8d2", "#33373d", "#4c6a86", "#7a2f2a", "#e9e4d4", "#20242a"]);
  const [cx, cy] = [width / 2, height / 2];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <defs><linearGradient id="wall" x2="${between(0, 1)}" y2="1"><stop stop-color="hsl(${between(0, 360)} 15% ${between(25, 75)}%)"/><stop offset="1" stop-color="hsl(${between(0, 360)} 15% ${between(15, 60)}%)"/></linearGradient></defs>
    <rect width="100%" height="100%" fill="url(#wall)"/>
    <g transform="rotate(${between(-5, 5)} ${cx} ${cy})">
      <rect x="${x - 2.2 * pad}" y="${y - 2 * pad}" width="${w + 4.4 * pad}" height="${h + 4.6 * pad}" rx="${between(2, 14)}" fill="${body}"/>
      <rect x="${x - pad}" y="${y - pad}" width="${w + 2 * pad}" height="${h + 2 * pad}" rx="4" fill="${ground}"/>
      <g fill="${lit}">${digits.join("")}</g>
    </g></svg>`;
}

await mkdir(folder, { recursive: true });
const rows = ["file_name,label"];
for (let i = 0; i < Number(count); i++) {
  const reading = Array.from({ length: DIGITS }, () => pick([..."0123456789"])).join("");
  const [width, height] = [320, pick([180, 200, 240])];
  const noise = { type: "gaussian" as const, mean: 128, sigma: between(3, 14) };
  const raw = { width, height, channels: 3 } as const;
  const grain = await sharp({ create: { ...raw, background: "grey", noise } })
    .raw()
    .toBuffer();
  const name = `meter-${String(i + 1).padStart(5, "0")}.jpg`;
  await sharp(Buffer.from(draw(reading, width, height)))
    .composite([{ input: grain, raw, blend: "soft-light" }])
    .modulate({ brightness: between(0.75, 1.2) })
    .blur(between(0.3, 1.1))
    .jpeg({ quality: Math.round(between(60, 90)) })
    .toFile(join(folder, name));
  rows.push(`${name},${reading}`);
}
await writeFile(join(folder, "labels.csv"), `${rows.join("\n")}\n`);
console.log(`${count} meters in ${folder}`);
